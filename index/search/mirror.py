"""A mirror of indexes that cannot be written to: links to them, and what is added here."""

import logging
import shutil
import tempfile
import weakref
from pathlib import Path

DENSE = "dense.faiss"
LEXICAL = "lexical"

log = logging.getLogger(__name__)


class Mirror:
    """A temporary folder of this process with links to the indexes; it goes with the mirror.

    tantivy needs a folder for its locks even to read, and an index that is behind or damaged is
    mended here. Where no temporary folder can be made, the indexes are built in memory.
    """

    def __init__(self, folder: Path) -> None:
        """Mirror the indexes in `folder`."""
        self._folder = folder.absolute()
        self.dense: Path | None = None
        self.lexical: Path | None = None
        try:
            own = Path(tempfile.mkdtemp(prefix="sourcebook-"))
            weakref.finalize(self, shutil.rmtree, own, ignore_errors=True)
            (own / DENSE).symlink_to(self._folder / DENSE)  # there or not
        except OSError as error:
            log.info("the indexes of %s are built in memory: %s", folder, error)
        else:
            self.dense, self.lexical = own / DENSE, own / LEXICAL
            self.link()

    def link(self) -> None:
        """Link the files of the lexical index as they are now; locks are this process's own."""
        if not self.lexical:
            return
        shutil.rmtree(self.lexical, ignore_errors=True)
        try:
            files = list((self._folder / LEXICAL).iterdir())
            self.lexical.mkdir()
            for file in files:
                if file.suffix not in (".lock", ".tmp"):
                    (self.lexical / file.name).symlink_to(file)
        except OSError as error:  # it is built anew
            log.info("the lexical index of %s is not used: %s", self._folder, error)
