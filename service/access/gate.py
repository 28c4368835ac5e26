"""Decides who may pass: whether keys are needed, whose key it is, and whether its role suffices."""

import logging
from dataclasses import dataclass
from ipaddress import ip_address

from sourcebook.index.errors import NotAllowedError
from sourcebook.service.access.file import AccessFile, Key
from sourcebook.service.access.limits import Limits
from sourcebook.service.access.roles import KeyNeededError, Role, RoleError
from sourcebook.service.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a request shows of itself: a key, the cookie of a session, and where it comes from."""

    key: str = ""
    session: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who somebody is: the name and the role of a key; without keys anyone, who may do all."""

    name: str
    role: Role
    keyed: bool = True


class Gate:
    """The gate of one library; safe to share between threads."""

    def __init__(self, file: AccessFile, settings: Settings) -> None:
        """Ask for keys as the settings say; see `needs_keys`."""
        self.file = file
        self._open = settings.open
        self._reachable = is_reachable(settings)
        self._limits = Limits(file)
        self._has_keys = False

    def needs_keys(self) -> bool:
        """Whether keys are needed: others can reach the server, or the library has a key."""
        if self._open or self._reachable:
            return not self._open
        # Where there ever was one, there is one for good: they are only revoked.
        self._has_keys = self._has_keys or self.file.has_keys()
        return self._has_keys

    def admit(self, shown: Shown, role: Role, what: str) -> Identity:
        """Let somebody do `what`, which needs `role`, and count it.

        Raises `KeyNeededError`, `RoleError` and `TooManyError`.
        """
        if not self.needs_keys():
            return Identity(name=f"anyone at {shown.address}", role=Role.ADMIN, keyed=False)
        key = self._key(shown, what)
        self._limits.count(key)
        if key.role < role:
            raise RoleError(
                f"The key {key.name!r} has the role {key.role.word}; {what} needs {role.word}.",
                cure="Ask an administrator of this server for a key with that role.",
                name=key.name,
            )
        return Identity(name=key.name, role=key.role)

    def known(self, shown: Shown) -> Identity | None:
        """Who shows this, without counting it; None where nobody is known."""
        key = self.file.key_of(shown.key) if shown.key else None
        if key is None and shown.session:
            key = self.file.key_of_session(shown.session)
        return Identity(name=key.name, role=key.role) if key else None

    def sign_in(self, shown: Shown) -> tuple[Identity, str]:
        """Begin a session with a key; returns the secret of its cookie. Raises as `admit`."""
        key = self._key(shown, "Signing in")
        self._limits.count(key)
        secret = self.file.begin_session(key.name)
        return Identity(name=key.name, role=key.role), secret

    def sign_out(self, shown: Shown) -> None:
        """End the session, if there is one."""
        if shown.session:
            self.file.end_session(shown.session)

    def _key(self, shown: Shown, what: str) -> Key:
        if shown.key:
            found = self.file.key_of(shown.key)
        elif shown.session:
            found = self.file.key_of_session(shown.session)
        else:
            raise KeyNeededError(
                f"{what} needs a key.",
                cure="Send the header 'Authorization: Bearer KEY'; in a browser, sign in at /.",
            )
        if found is None:
            self._limits.count_wrong(shown.address)
            raise KeyNeededError(
                "This key is unknown, or was revoked."
                if shown.key
                else "You are signed in no longer.",
                cure="Ask an administrator of this server for a key."
                if shown.key
                else "Sign in again.",
            )
        return found


def is_reachable(settings: Settings) -> bool:
    """Whether others can reach a server with these settings, also through a proxy."""
    return bool(not _is_loopback(settings.host) or settings.public_url or settings.trusted_proxies)


def check_start(file: AccessFile, settings: Settings) -> None:
    """Raise `NotAllowedError` where others could reach a server that has no key."""
    if not is_reachable(settings) or settings.open:
        return
    if all(key.revoked for key in file.all_keys()):
        where = settings.public_url or settings.host
        raise NotAllowedError(
            f"Others can reach this server at {where}, and the library has no key; expected at "
            "least one.",
            cure=f"Make one: sourcebook --library {settings.library} keys add NAME --role admin. "
            "Or let in everyone who can reach the server: SOURCEBOOK_OPEN=1.",
        )


def warn_if_open(settings: Settings) -> None:
    """Say in the log that nobody is kept out of a server that others can reach."""
    if settings.open and is_reachable(settings):
        log.warning(
            "SOURCEBOOK_OPEN is set: everyone who can reach this server may read, change and "
            "delete all articles"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
