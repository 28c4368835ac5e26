"""Upgrades a library to another encoder or other passages: with progress, or beside a server."""

import logging
import os
import signal
import sys
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import SourcebookError
from sourcebook.index.storage.records import UpgradeProgress
from sourcebook.index.upgrade import Upgraded, upgrade_library
from sourcebook.service.logs import Logs, inherited
from sourcebook.service.opening import encoder_named

# With this, a process that wants the processor as well gets nine tenths of it (Linux, sched(7)).
NICE = 10

log = logging.getLogger(__name__)


def upgrade_with_progress(folder: Path, encoder: Encoder, *, again: bool) -> Upgraded | None:
    """Upgrade the library, with a progress bar on standard error."""
    errors = Console(stderr=True)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("encoding passages", total=None)

        def going(at: UpgradeProgress) -> bool:
            progress.update(task, completed=at.done, total=at.total)
            return True

        return upgrade_library(folder, encoder, again=again, going=going)


class Upgrading:
    """Upgrades a library in a process beside the server, which leaves the processor to questions.

    What is left when it is closed waits for the next start.
    """

    def __init__(self, folder: Path, model: str) -> None:
        """Begin to upgrade the library in `folder` to the encoder of that name."""
        self._process = get_context("spawn").Process(
            target=_upgrade, args=(folder, model, inherited()), daemon=True
        )
        self._process.start()

    def close(self) -> None:
        """Stop at once: whatever an upgrade has committed is kept."""
        self._process.kill()
        self._process.join()

    def __enter__(self) -> "Upgrading":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _upgrade(folder: Path, model: str, logs: Logs) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this
    logs.begin()
    if sys.platform != "win32":
        os.nice(NICE)
    try:
        done = upgrade_library(folder, encoder_named(model))
    except SourcebookError as error:
        log.error("the library is not upgraded: %s", error)
    else:
        if done:
            log.info("the library is upgraded to %s; a copy is %s", done.encoder, done.copy)
