"""What is open of a library beside its database: encoder and indexes, which follow upgrades."""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from weakref import WeakValueDictionary

from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.tokens import TokenCodec
from sourcebook.index.folder import fingerprint_of
from sourcebook.index.search.derived import DerivedIndexes, tidy
from sourcebook.index.search.view import Searchable, check_encoder
from sourcebook.index.storage.lock import LOCK
from sourcebook.index.storage.store import Store
from sourcebook.index.storage.view import View

# Finds the encoder with a fingerprint and a name, if it is at hand.
AtHand = Callable[[str, str], Encoder | None]

# How long an encoder that was not at hand is not looked for again: each look may load a model.
MISSING_S = 10


class Opened:
    """What searches a library; `now` is what the last upgrade brought, as far as it is at hand."""

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        at_hand: AtHand,
        writing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Open what fits the library; `writing` holds its write lock.

        Raises `LibraryError` where it was made with another encoder that is not at hand.
        """
        self._store = store
        self._at_hand = at_hand
        self._writing = writing
        self._opening = threading.Lock()
        self._missing: tuple[tuple[str, str], float] | None = None
        with store.view() as view:
            if view.meta("encoder") != encoder.fingerprint:
                encoder = self._own_encoder(view) or encoder
            check_encoder(view, encoder)
            self.now = self._open(view, encoder)
            if not store.read_only:
                tidy(store.path.parent, view)
        # Views that began before an upgrade still search what they began with.
        self._known: WeakValueDictionary[tuple[str, str], Searchable] = WeakValueDictionary()
        self._known[self.now.key] = self.now

    def has(self, view: View) -> bool:
        """Whether what searches the view is open; after an upgrade, the next search opens it."""
        return key_of(view) in self._known

    def fitting(self, view: View) -> Searchable:
        """What the view shares with others of its encoder.

        Where a process has upgraded the library to an encoder that is not at hand, it is what was
        there before: the view can read, and refuses to search.
        """
        key = key_of(view)
        found = self._known.get(key)
        if found is None and not self._is_missing(key):
            with self._opening:
                found = self._known.get(key)
                if found is None and not self._is_missing(key):
                    found = self._follow(key, view)
        return found or self.now

    def _follow(self, key: tuple[str, str], view: View) -> Searchable | None:
        """Open what an upgrade brought; None where its encoder is not at hand."""
        same = view.meta("encoder") == self.now.encoder.fingerprint  # encoded again with the same
        encoder = self.now.encoder if same else self._own_encoder(view)
        if encoder is None:
            self._missing = key, time.monotonic() + MISSING_S
            return None
        found = self._known[key] = self.now = self._open(view, encoder)
        return found

    def _is_missing(self, key: tuple[str, str]) -> bool:
        """Whether the encoder was not at hand a moment ago."""
        missing = self._missing
        return missing is not None and missing[0] == key and time.monotonic() < missing[1]

    def _own_encoder(self, view: View) -> Encoder | None:
        """The encoder that the library was made with, if it is at hand."""
        return self._at_hand(view.meta("encoder"), view.meta("encoder_name"))

    def _open(self, view: View, encoder: Encoder) -> Searchable:
        """What views of this encoder share."""
        folder = self._store.path.parent
        indexes = DerivedIndexes(
            folder / view.derived,
            encoder.dimensions,
            folder / LOCK,
            self._writing,
            read_only=self._store.read_only,
        )
        indexes.discard_misfits(self._store, view.derived)
        return Searchable(
            key=key_of(view),
            encoder=encoder,
            codec=TokenCodec.from_bytes(view.meta("codec"), encoder.dimensions),
            indexes=indexes,
            fingerprint=fingerprint_of(view),
        )


def key_of(view: View) -> tuple[str, str]:
    """What changes when the library is upgraded."""
    return view.meta("encoder"), view.derived
