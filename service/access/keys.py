"""API keys as text: made at random, stored as a hash, and kept out of logs."""

import logging
import re
import secrets
from hashlib import sha256

# A prefix that people and scanners of published code recognise.
PREFIX = "sbk_"
# 192 bits: nobody guesses that, so one round of SHA-256 protects it as well as a slow hash would.
_BYTES = 24
KEY = re.compile(rf"{PREFIX}[0-9a-f]{{{2 * _BYTES}}}")


def new_key() -> str:
    """A new key: `sbk_` and 48 hex digits."""
    return PREFIX + secrets.token_hex(_BYTES)


def new_session() -> str:
    """A new secret for the cookie of a session."""
    return secrets.token_hex(_BYTES)


def digest(secret: str) -> str:
    """What is stored of a key or a session, as 64 hex digits."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class HideKeys(logging.Filter):
    """Replaces keys in log records, wherever they come from."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, without keys."""
        said = record.getMessage()
        if KEY.search(said):
            record.msg, record.args = KEY.sub(f"{PREFIX}...", said), ()
        return True
