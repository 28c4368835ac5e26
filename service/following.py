"""Opens what an upgrade brought on a thread of its own, so that no health check waits for it."""

from concurrent.futures import Future
from threading import Lock, Thread

from sourcebook.index.errors import LibraryError
from sourcebook.index.library import Library
from sourcebook.index.storage.view import View

# A probe gives up after a second (Kubernetes' `timeoutSeconds`); a small library is open by then.
PATIENCE_S = 0.5


class Following:
    """Follows one library when another process upgrades it; safe to share between threads."""

    def __init__(self, library: Library) -> None:
        """Follow `library`."""
        self._library = library
        self._starting = Lock()
        self._going: Future[None] | None = None

    def is_open_for(self, view: View) -> bool:
        """Whether what searches the view is open; else it is being opened from now on.

        Returns within `PATIENCE_S`. Raises `LibraryError` where its encoder is not at hand, and
        what else kept it from being opened.
        """
        if self._library.is_open_for(view):
            return True
        with self._starting:
            going = self._going
            if going is None or going.done():
                going = self._going = Future()
                Thread(target=self._open, args=(going,), daemon=True).start()
        try:
            going.result(PATIENCE_S)
        except TimeoutError:
            return False
        return self._library.is_open_for(view)

    def _open(self, going: "Future[None]") -> None:
        try:
            with self._library.view() as view:
                if view.meta("encoder") != self._library.encoder.fingerprint:
                    raise LibraryError("The encoder of the library is not at hand.")
        except Exception as error:  # told where it is asked for
            going.set_exception(error)
        else:
            going.set_result(None)
