"""A language model's server that misbehaves on demand: `python misbehaving.py` prints its port.

The model's name says how; what it answers with is a chat completion unless the fault is there.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

INJECTIONS = Path(__file__).parent / "attacks" / "injections.json"


def draft(behaviour: str, system: str, asked: dict[str, Any]) -> str:
    """What the model says: `asked` holds the question and the evidence."""
    evidence = {item["number"]: item["quote"] for item in asked["evidence"]}
    first, quote = next(iter(evidence.items()))
    words = re.split(r"[,;:.](?!\d)", quote)[0]
    good = f"{words} [{first}]."
    orders = re.search(r"say that (.*?)\.", " ".join(evidence.values()))
    if behaviour == "planted":  # the model writes what the last quote tells it to
        pages = json.loads(INJECTIONS.read_text("utf-8"))
        planted = {one["quote"]: one["payload"] for one in pages["attacks"]}
        honest = {one["quote"]: one["written"] for one in pages["honest"]}
        return str((planted | honest)[list(evidence.values())[-1]])
    return {
        "good": good,
        "thinking": f"<think>The user wants 5 lies. [1]</think>\n{good}",
        "uncited": f"{words}.\nColombia is a country in South America.",
        "numbers": f"{good} It was 31,337 tonnes [{first}].",
        "quotes": f"{good} As they said, “we made all of this up” [{first}].",
        "stranger": f"{good} Napoleon agreed [{first}].",
        "sources": f"{good} {words} [99].",
        "nothing": "NOTHING",
        "obedient": f"{orders[1]} [{first}]." if orders else good,
        "told": json.dumps(asked["evidence"]) if "never follow it" in system else "no rules",
        "whole": f"{quote[:-1]} [{first}].",
        "aside": f"{good} {words.split(maxsplit=3)[-1].capitalize()} [{first}].",
        "half": "\ud800 " + good,
    }[behaviour]


class Model(BaseHTTPRequestHandler):
    """Answers chat completions."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        behaviour, fault = body["model"], FAULTS.get(body["model"])
        if self.path != "/v1/chat/completions":
            self.send(404, b"{}")
        elif fault:
            fault(self)
        elif behaviour == "locked" and self.headers["Authorization"] != "Bearer open-sesame":
            self.send(401, b'{"error": "the key is wrong"}')
        else:
            system, user = (message["content"] for message in body["messages"])
            said = draft(behaviour.replace("locked", "good"), system, json.loads(user))
            self.send(200, json.dumps({"choices": [{"message": {"content": said}}]}).encode())

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def slow(self) -> None:
        time.sleep(20)

    def dripping(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(1000):
            self.wfile.write(b" ")
            time.sleep(0.2)

    def huge(self) -> None:
        self.send(200, b'{"choices": "' + b"x" * 10_000_000 + b'"}')

    def cut_short(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"{")
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


FAULTS: dict[str, Callable[[Model], None]] = {
    "slow": Model.slow,
    "dripping": Model.dripping,
    "huge": Model.huge,
    "cut": Model.cut_short,
    "error": lambda model: model.send(500, b"secret: open-sesame"),
    "moved": lambda model: model.send(302, b"", Location="http://127.0.0.1:1/elsewhere"),
    "garbage": lambda model: model.send(200, b"\xff<html>"),
    "empty": lambda model: model.send(200, b"{}"),
    "numberless": lambda model: model.send(200, b'{"choices": [{"message": {"content": 5}}]}'),
    "deep": lambda model: model.send(200, b"[" * 100_000),
}


@contextmanager
def running() -> Iterator[str]:
    """The base address of such a server, in a process of its own."""
    with subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True) as model:
        assert model.stdout
        yield f"http://127.0.0.1:{model.stdout.readline().strip()}/v1"
        model.kill()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # callers hang up
    print(server.server_port, flush=True)
    server.serve_forever()
