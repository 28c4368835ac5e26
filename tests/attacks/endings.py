"""A server that is told to end while something keeps it: it ends within its time of grace."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from urllib.request import Request, urlopen

from attacks.outcome import Outcome
from attacks.serving import Target, seeds, serving
from sourcebook.eval.bench.processes import family
from sourcebook.index.encoding.model_files import MINILM
from sourcebook.service.http.server import GRACE_S
from sourcebook.service.notation.requests import QUESTION
from sourcebook.service.opening import open_library

Keeping = Callable[[Target, ExitStack], None]  # begins what keeps a server from ending

# What a busy machine adds.
SLACK_S = 3
LONG = " ".join(f"In district {number} coca grew by {number} hectares." for number in range(9_000))
HEAD = "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def attack(rounds: int, folder: Path) -> Outcome:
    """End a server in each of the situations, `rounds` of them at most."""
    library = seeds(folder)
    files = folder / "files"
    files.mkdir()
    (files / "long.txt").write_text(LONG)
    faults = []
    situations = list(islice(SITUATIONS.items(), rounds))
    for name, keeping in situations:
        used = seeds(folder / "earlier", MINILM) if keeping is _upgrade else library
        fault = ended(used, keeping, SOURCEBOOK_IMPORT_FOLDERS=str(files))
        faults += [f"{name}: {fault}"] if fault else []
        with open_library(used, "") as opened:
            faults += [f"{name}: {one}" for one in opened.drift()]
    return Outcome(
        attack="SIGTERM while a client, a worker, an upload or a job does not end",
        promise=f"the server and its processes end within {GRACE_S} s; nothing is damaged",
        tried=len(situations),
        faults=tuple(faults),
    )


def ended(library: Path, keeping: Keeping, **environment: str) -> str:
    """What is wrong with how a server ends meanwhile; empty if nothing is."""
    with (
        ExitStack() as kept,
        serving(library, None, SOURCEBOOK_PROCESSES="2", **environment) as target,
    ):
        keeping(target, kept)
        others = _children(target)
        began = time.monotonic()
        target.process.send_signal(signal.SIGTERM)
        try:
            code = target.process.wait(GRACE_S + SLACK_S)
        except subprocess.TimeoutExpired:
            return f"it had not ended after {time.monotonic() - began:.0f} s"
        time.sleep(0.5)
        left = [one for one in others if _lives(one)]
        return f"exit code {code}" if code else f"processes {left} are left" if left else ""


def _children(target: Target) -> set[int]:
    return set(family(target.process.pid)) - {target.process.pid}


def _lives(process: int) -> bool:
    try:
        return bool(Path(f"/proc/{process}/cmdline").read_bytes())
    except FileNotFoundError:
        return False


def _opened(target: Target, kept: ExitStack, said: str) -> socket.socket:
    one = kept.enter_context(target.connection())
    one.sendall(said.encode())
    return one


def _silent(target: Target, kept: ExitStack) -> None:
    _opened(target, kept, "")


def _half_a_head(target: Target, kept: ExitStack) -> None:
    _opened(target, kept, HEAD.format(path="/v1/ask"))


def _half_an_upload(target: Target, kept: ExitStack) -> None:
    _opened(target, kept, HEAD.format(path="/v1/articles") + "Content-Length: 99999\r\n\r\n{")


def _unread_stream(target: Target, kept: ExitStack) -> None:
    wanted = {"model": "sourcebook", "messages": [{"role": "user", "content": QUESTION}]}
    body = json.dumps({**wanted, "stream": True})
    head = HEAD.format(path="/v1/chat/completions") + f"Content-Length: {len(body)}\r\n\r\n"
    one = kept.enter_context(target.connection())
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    one.sendall((head + body).encode() * 20)
    time.sleep(2)


def _upload(target: Target, kept: ExitStack) -> None:
    """Send a text that takes longer to encode than a server has to end."""
    _in_background(target, "/v1/articles", {"text": LONG, "source": "upload"})


def _import(target: Target, kept: ExitStack) -> None:
    with urlopen(f"{target.address}/v1/imports", timeout=30) as response:
        [folder] = json.load(response)["folders"]
    _in_background(target, "/v1/imports", {"folder": folder})


def _upgrade(target: Target, kept: ExitStack) -> None:
    """The library of an earlier release is being brought to the encoder of this one."""


def _in_background(target: Target, path: str, body: dict[str, str]) -> None:
    request = Request(
        target.address + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )

    def send() -> None:
        with suppress(OSError), urlopen(request, timeout=60):
            pass

    threading.Thread(target=send, daemon=True).start()
    time.sleep(2)


def _stopped_worker(target: Target, kept: ExitStack) -> None:
    """Ask until there is a worker, then stop it, and ask on."""
    before = _children(target)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(60):
            for one in [pool.submit(target.answers) for _ in range(16)]:
                one.result()
            if _children(target) - before:
                break
    time.sleep(1)
    for child in _children(target) - before:
        # The tracker of multiprocessing's resources is a child as well, which outlives the server.
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(child, signal.SIGSTOP)
    for _ in range(8):
        threading.Thread(target=target.answers, daemon=True).start()
    time.sleep(1)


SITUATIONS: dict[str, Keeping] = {
    "a silent connection": _silent,
    "half a head": _half_a_head,
    "half an upload": _half_an_upload,
    "an unread stream": _unread_stream,
    "an upload that is encoded": _upload,
    "an import": _import,
    "a worker that is stopped": _stopped_worker,
    "an upgrade": _upgrade,
}
