"""How much a key may do a minute and a day, and how many wrong keys an address may send."""

import logging
import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

from sourcebook.index.errors import SourcebookError
from sourcebook.service.access.file import AccessFile, Key
from sourcebook.service.access.roles import TooManyError

# A person who mistypes a key needs a few; a right key is never kept out.
WRONG_PER_MINUTE = 20
ADDRESSES = 10_000
# A day's requests are written in at most so many steps, so a crash forgives a hundredth of them.
STEPS = 100

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Bucket:
    """Fills up at a steady rate; each request takes one out."""

    left: float
    at: float


class Buckets:
    """Rates per minute, for the `most` names that were used last."""

    def __init__(self, most: int) -> None:
        """Start with nothing taken."""
        self._most = most
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, name: str, per_minute: int) -> int:
        """0, or the seconds to wait where `name` has used up its minute."""
        now = time.monotonic()
        bucket = self._buckets.setdefault(name, _Bucket(per_minute, now))
        self._buckets.move_to_end(name)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        filled = bucket.left + (now - bucket.at) * per_minute / 60
        bucket.left, bucket.at = min(per_minute, filled), now
        if bucket.left < 1:
            return math.ceil((1 - bucket.left) * 60 / per_minute)
        bucket.left -= 1
        return 0


@dataclass(slots=True)
class _Day:
    """The requests of a key on one day: all that are known, and how many are not written yet.

    They are written once `unwritten` has come to `due`.
    """

    day: str
    used: int
    due: int
    unwritten: int = 0


class Limits:
    """Counts the requests of keys, and the wrong keys of addresses; safe to share."""

    def __init__(self, file: AccessFile) -> None:
        """Keep the counts of days in `file`."""
        self._file = file
        self._counting = threading.Lock()
        self._keys = Buckets(ADDRESSES)
        self._wrong = Buckets(ADDRESSES)
        self._days: dict[str, _Day] = {}

    def count(self, key: Key) -> None:
        """Count a request. Raises `TooManyError` where the key has used up its minute or day."""
        with self._counting:
            if wait := self._keys.take(key.name, key.per_minute):
                raise TooManyError(
                    f"The key {key.name!r} has used up its {key.per_minute:,} requests a minute.",
                    cure=f"Try again in {wait} s.",
                    retry_after=wait,
                )
            now = datetime.now(UTC)
            today = self._day(key, now.strftime("%Y-%m-%d"))
            if today.used >= key.per_day:
                midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0)
                raise TooManyError(
                    f"The key {key.name!r} has used up its {key.per_day:,} requests of today.",
                    cure="Try again after midnight UTC.",
                    retry_after=math.ceil((midnight - now).total_seconds()),
                )
            today.used += 1
            today.unwritten += 1
            due = today.unwritten >= today.due
            if due:
                counted, today.unwritten, today.due = today.unwritten, 0, _step(key)
        if due:
            self._write(key.name, today, counted)

    def _day(self, key: Key, day: str) -> _Day:
        known = self._days.get(key.name)
        if known is None or known.day != day:
            begun = key.last_used == day
            known = _Day(day, key.used if begun else 0, due=_step(key) if begun else 1)
            self._days[key.name] = known
        return known

    def _write(self, name: str, today: _Day, counted: int) -> None:
        """Write what was counted, while others count on; if that fails, it is written later."""
        if self._file.read_only:
            return
        try:
            used = self._file.count(name, today.day, counted)
        except SourcebookError as error:
            log.warning("the requests of a key could not be written: %s", error)
            with self._counting:
                today.unwritten += counted
                today.due += counted
        else:
            with self._counting:  # a day's count only grows, whoever is told of it first
                today.used = max(today.used, used + today.unwritten)

    def count_wrong(self, address: str) -> None:
        """Count a wrong key. Raises `TooManyError` where the address has sent too many."""
        with self._counting:
            if wait := self._wrong.take(_network(address), WRONG_PER_MINUTE):
                raise TooManyError(
                    f"Too many wrong keys came from {address}.",
                    cure=f"Check the key, and try again in {wait} s.",
                    retry_after=wait,
                )


def _step(key: Key) -> int:
    return max(1, key.per_day // STEPS)


def _network(address: str) -> str:
    """The address; for IPv6 its /64, which one sender can have all of."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(known) if known.version == 4 else str(ip_network((known, 64), strict=False))
