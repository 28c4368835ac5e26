"""Tells systemd when the server is ready and when it stops, as `Type=notify` expects."""

import logging
import os
import socket

READY, STOPPING = "READY=1", "STOPPING=1"

log = logging.getLogger(__name__)


def tell(state: str) -> None:
    """Send `READY` or `STOPPING`, where systemd started this process; else do nothing."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # A name that begins with @ is one without a file (unix(7), sd_notify(3)).
    name = f"\0{address[1:]}" if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
            notified.connect(name)
            notified.sendall(state.encode())
    except OSError as error:
        log.warning("systemd could not be told %s: %s", state, error.strerror)
