"""API keys as text: made at random, and stored as a hash."""

import secrets
from hashlib import sha256

from sourcebook.service.key_format import BYTES, PREFIX


def new_key() -> str:
    """A new key: `sbk_` and 48 hex digits."""
    return PREFIX + secrets.token_hex(BYTES)


def new_session() -> str:
    """A new secret for the cookie of a session."""
    return secrets.token_hex(BYTES)


def digest(secret: str) -> str:
    """What is stored of a key or a session, as 64 hex digits."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
