"""Calls to a server that runs as a process of its own."""

import json
from typing import Any
from urllib.request import Request, urlopen


class Caller:
    """Speaks JSON with the server at `address`."""

    address: str

    def get(self, path: str) -> Any:
        with urlopen(self.address + path, timeout=30) as response:
            return json.load(response)

    def post(self, path: str, body: Any) -> Any:
        data = json.dumps(body).encode()
        request = Request(self.address + path, data, {"Content-Type": "application/json"})
        with urlopen(request, timeout=30) as response:
            return json.load(response)

    def delete(self, path: str) -> Any:
        with urlopen(Request(self.address + path, method="DELETE"), timeout=30) as response:
            return json.load(response)
