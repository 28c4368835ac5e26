"""What Ctrl-C does while articles are added: it is asked for, and what is done is kept."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# After this time the work is not waited for: it may hang, or wait for another process.
PATIENCE_S = 1.5


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Gives whether Ctrl-C was pressed, so that the work can end where nothing is lost.

    Raises `KeyboardInterrupt` where it has not ended after `PATIENCE_S` seconds, or at the second
    Ctrl-C. Outside of the main thread, which alone gets signals, nothing changes.
    """
    stopped = threading.Event()
    main = threading.main_thread()
    if threading.current_thread() is not main:
        yield stopped.is_set
        return
    before = signal.getsignal(signal.SIGINT)
    patience = threading.Timer(
        PATIENCE_S, lambda: signal.pthread_kill(main.ident or 0, signal.SIGINT)
    )
    patience.daemon = True

    def stop(*_: Any) -> None:
        stopped.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        patience.start()

    signal.signal(signal.SIGINT, stop)
    try:
        yield stopped.is_set
    finally:
        patience.cancel()
        signal.signal(signal.SIGINT, before)
