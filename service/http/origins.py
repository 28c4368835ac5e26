"""Blocks DNS rebinding and cross-origin writes, also for browsers that are signed in."""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from sourcebook.index.errors import SourcebookError
from sourcebook.service.http import problems

# Methods that change nothing; browsers hide their responses from pages of other origins.
SAFE_METHODS = ("GET", "HEAD")


class ForeignError(SourcebookError):
    """A request to a host name, or from a page, that is not this server's."""

    kind = "foreign"


class Guard:
    """ASGI middleware that rejects requests to other host names, and from other sites' pages."""

    def __init__(self, app: ASGIApp, public_url: str = "", host: str = "") -> None:
        """Accept the names in `public_url` and `host`, and names that nobody else can own."""
        self.app = app
        public = urlsplit(public_url)
        self.names = {name for name in (public.hostname, host.lower()) if name}
        self.origins = {f"{public.scheme}://{public.netloc.lower()}"} if public_url else set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with a problem."""
        if scope["type"] == "http":
            request = Request(scope)
            try:
                _check(request, self.names, self.origins)
            except ForeignError as error:
                await problems.response(request, error)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _check(request: Request, names: Iterable[str], origins: Iterable[str]) -> None:
    """Raise `ForeignError` for DNS rebinding, and for cross-origin requests that may write.

    Browsers always send `Host`, and send `Origin` with requests that may write; other programs
    rarely send `Origin`.
    """
    host = request.headers.get("host", "").lower()
    origin = request.headers.get("origin", "").lower()
    if not _is_ours(host, names):
        raise ForeignError(
            f"The request is for the host {host!r}, which is not a known name of this server.",
            cure="Set SOURCEBOOK_PUBLIC_URL to the public address of the server.",
        )
    own = (f"http://{host}", f"https://{host}", *origins)
    if origin and request.method not in SAFE_METHODS and origin not in own:
        raise ForeignError(
            f"The request comes from a page of {origin!r}; expected a page of {host!r}.",
            cure="Use a program, or a page of this server. Behind a proxy, set "
            "SOURCEBOOK_PUBLIC_URL to the address that users see.",
        )


def _is_ours(host: str, names: Iterable[str]) -> bool:
    """Whether the host cannot be the result of DNS rebinding.

    Rebinding points an attacker's name at this server. So an IP address is safe, and so is a name
    without a dot, which nobody can register: `localhost`, a machine, a container.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
        dotless = "." not in name and ":" not in name
        return dotless or name in names or bool(ip_address(name))
    except ValueError:  # neither a host name nor an IP address
        return False
