"""Refuses what a web page elsewhere can make a browser send: the server knows no passwords."""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from sourcebook.index.errors import SourcebookError
from sourcebook.service.http import problems

# These change nothing, and what they answer is kept from pages of other origins by the browser.
READING = ("GET", "HEAD")


class ForeignError(SourcebookError):
    """A request that came under a name, or from a page, that is not this server's."""

    kind = "foreign"


class Guard:
    """ASGI middleware that refuses requests to foreign names, and from foreign pages."""

    def __init__(self, app: ASGIApp, public_url: str = "", host: str = "") -> None:
        """Answer under the names of `public_url` and `host`, beside those nobody else can own."""
        self.app = app
        public = urlsplit(public_url)
        self.names = {name for name in (public.hostname, host.lower()) if name}
        self.origins = {f"{public.scheme}://{public.netloc.lower()}"} if public_url else set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, or answer it with a problem."""
        if scope["type"] == "http":
            request = Request(scope)
            try:
                _refuse_foreign(request, self.names, self.origins)
            except ForeignError as error:
                await problems.response(request, error)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _refuse_foreign(request: Request, names: Iterable[str], origins: Iterable[str]) -> None:
    """Refuse DNS rebinding, and requests across origins that may change something.

    Browsers, and hardly anything else, send `Origin`; they always send `Host`.
    """
    host = request.headers.get("host", "").lower()
    origin = request.headers.get("origin", "").lower()
    if not _is_ours(host, names):
        raise ForeignError(
            f"The request is for the host {host!r}, which is not known to be this server's name.",
            cure="Set SOURCEBOOK_PUBLIC_URL to the address that the server is reached at.",
        )
    own = (f"http://{host}", f"https://{host}", *origins)
    if origin and request.method not in READING and origin not in own:
        raise ForeignError(
            f"The request comes from a page of {origin!r}; expected one of {host!r}.",
            cure="Ask from a program or from a page that this server serves; behind a proxy, set "
            "SOURCEBOOK_PUBLIC_URL to the address that readers see.",
        )


def _is_ours(host: str, names: Iterable[str]) -> bool:
    """Whether a request for that host cannot be DNS rebinding.

    It gives an attacker's name this server's address, so a number is never foreign; nor is a name
    without a dot, which nobody can register: `localhost`, or that of a machine or container.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
        dotless = "." not in name and ":" not in name
        return dotless or name in names or bool(ip_address(name))
    except ValueError:  # neither a host nor a number
        return False
