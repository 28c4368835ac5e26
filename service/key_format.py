"""What an API key looks like, so that none is logged."""

import re

# A prefix that people and scanners of published code recognise.
PREFIX = "sbk_"
# 192 bits: nobody guesses that, so one round of SHA-256 protects it as well as a slow hash would.
BYTES = 24
KEY = re.compile(rf"{PREFIX}[0-9a-f]{{{2 * BYTES}}}")


def without_keys(text: str) -> str:
    """The text with `sbk_...` in place of each key."""
    return KEY.sub(f"{PREFIX}...", text)
