"""Reception: takes requests in whole, only as many as can be answered in time, none in vain."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from tempfile import SpooledTemporaryFile

import anyio
from anyio import to_thread
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sourcebook.index.errors import SourcebookError, StorageError, TooLargeError
from sourcebook.service.http import problems
from sourcebook.service.http.rules import Lane, address_in
from sourcebook.service.patience import CLIENT, Client, overloaded

# Room for what surrounds articles in a request: multipart headers, JSON syntax, metadata.
ENVELOPE_BYTES = 64 * 1024
# Far more than the longest draft (MAX_DRAFT) needs.
MAX_BODY_BYTES = 2**20
# A body that is larger waits for its turn on disk.
IN_MEMORY_BYTES = 2**20
PIECE_BYTES = 64 * 1024

# Requests that are worked on at once. The server has forty threads (anyio's default): one for each
# question and each write, and four for health checks and pages.
AT_ONCE = 32
# Long ones among them, which may take seconds: few, so that the other places are for questions.
# More would not end sooner, because they take turns on the processors.
LONG_AT_ONCE = 4
# Writes beside them: one at a time holds the library's lock, the others wait for it.
WRITES_AT_ONCE = 4
# Large uploads that arrive, wait or are worked on at once: each may take as much of the disk as an
# upload may have. Two are worked on (`uploads.WRITERS`), and six may arrive meanwhile.
UPLOADS_AT_ONCE = 8
# How long a write waits for its place, and a large upload, unread: half as long as a proxy waits
# for an answer (60 s in nginx). Who saves something would rather wait than be refused.
WRITE_WAIT_S = 30
# A note, or most articles: such an upload waits behind no large one.
SMALL_BYTES = 64 * 1024


class Reception:
    """ASGI middleware that receives a body, waits for a place, and notices when the client leaves.

    What it calls finds the whole body there, so a slow client keeps nobody from a place.
    """

    def __init__(self, app: ASGIApp, *, max_upload_bytes: int, wait: float) -> None:
        """Allow `max_upload_bytes` for articles, and `MAX_BODY_BYTES` everywhere else.

        A request that has found no place `wait` seconds after it arrived is refused; what writes
        waits `WRITE_WAIT_S`.
        """
        self.app = app
        self._max_upload_bytes = max_upload_bytes
        self._wait = wait
        everything = anyio.Semaphore(AT_ONCE)
        self._places: dict[Lane, list[anyio.Semaphore]] = {
            Lane.NONE: [],
            Lane.QUESTION: [everything],
            Lane.LONG: [anyio.Semaphore(LONG_AT_ONCE), everything],
            Lane.WRITE: [anyio.Semaphore(WRITES_AT_ONCE)],
            Lane.UPLOAD: [],  # those that are received wait for the threads of `Uploads`
        }
        self._uploads = anyio.Semaphore(UPLOADS_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with a problem."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        address = address_in(scope)
        lane = address.rule.lane if address else Lane.NONE
        large = lane is Lane.UPLOAD and not is_small(Request(scope))
        try:
            async with _in([self._uploads] if large else [], WRITE_WAIT_S):
                await self._serve(scope, receive, send, lane)
        except SourcebookError as error:
            await problems.response(Request(scope), error)(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, lane: Lane) -> None:
        limit = MAX_BODY_BYTES
        if lane is Lane.UPLOAD:
            limit = self._max_upload_bytes + ENVELOPE_BYTES
        wait = WRITE_WAIT_S if lane is Lane.WRITE else self._wait
        stated = Request(scope).headers.get("content-length", "")
        if stated.isdigit() and int(stated[:20]) > limit:
            raise _too_large(limit)
        with SpooledTemporaryFile(IN_MEMORY_BYTES) as body:
            if not await _received(receive, body, limit):
                return
            client = Client()
            CLIENT.set(client)
            gone = asyncio.Event()
            listening = asyncio.create_task(_listen(receive, client, gone))
            try:
                async with _in(self._places[lane], client.arrived + wait - time.monotonic()):
                    if not client.left:
                        await self.app(scope, _replayed(body, gone), send)
            finally:
                listening.cancel()


def is_small(request: Request) -> bool:
    """Whether a request says that its body is so small that it need not wait behind large ones."""
    stated = request.headers.get("content-length", "")
    return stated.isdigit() and int(stated[:20]) <= SMALL_BYTES


@asynccontextmanager
async def _in(places: Sequence[anyio.Semaphore], wait: float) -> AsyncIterator[None]:
    """Hold all of these places. Raises `OverloadedError` if that takes longer than `wait`."""
    async with AsyncExitStack() as held:
        try:
            with anyio.fail_after(wait):
                for place in places:
                    await held.enter_async_context(place)
        except TimeoutError:
            raise overloaded() from None
        yield


async def _received(receive: Receive, body: "SpooledTemporaryFile[bytes]", limit: int) -> bool:
    """Receive the body; False if the client leaves meanwhile."""
    received, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return False
        piece = message.get("body", b"")
        received += len(piece)
        if received > limit:
            raise _too_large(limit)
        try:
            if received > IN_MEMORY_BYTES:
                await to_thread.run_sync(body.write, piece)
            else:
                body.write(piece)
        except OSError as error:
            raise StorageError(
                f"The folder for temporary files cannot be written to: {error.strerror}.",
                cure="An administrator must free some space in it, or set TMPDIR to another one.",
            ) from error
        more = message.get("more_body", False)
    body.seek(0)
    return True


async def _listen(receive: Receive, client: Client, gone: asyncio.Event) -> None:
    """Note when the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    client.left = True
    gone.set()


def _replayed(body: "SpooledTemporaryFile[bytes]", gone: asyncio.Event) -> Receive:
    """What gives the received body piece by piece, and after it only that the client has left."""
    done = False

    async def receive() -> Message:
        nonlocal done
        if done:
            await gone.wait()
            return {"type": "http.disconnect"}
        piece = body.read(PIECE_BYTES)
        done = len(piece) < PIECE_BYTES
        return {"type": "http.request", "body": piece, "more_body": not done}

    return receive


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(f"The request body is larger than {limit:,} bytes.")
