"""Raised text: marks of notes are cut out, powers stay readable, all else is read in its line."""

import re

from lxml.html import HtmlElement

# What a raised figure may stand for, by the text before it: the power of a unit or of ten. All
# other raised figures are marks of notes.
UNIT = re.compile(r"(?:^|[\s\d(/·.])(?:[kcdmµμn]?m|km|ft|yd|mi|in|s|inch(?:es)?|[a-zA-Z])$")
POWERS = str.maketrans("0123456789-\N{MINUS SIGN}", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")
MINUS = str.maketrans("\N{MINUS SIGN}", "-")
POWER = re.compile(r"[-\N{MINUS SIGN}]?\d{1,2}")
NOTE = re.compile(r"\[[^\]]*\]|\(?(?:\d{1,3}|[*†‡§¶]+)\)?(?:\s*[,;–-]\s*\d{1,3})*")
TEN = re.compile(r"(?<![\d.,])10$")
FOOTNOTE = "footnote mark"  # the rule that cuts these out


def text_of(element: HtmlElement) -> str:
    """All text in an element."""
    return "".join(element.itertext())


def raised(element: HtmlElement, before: str) -> tuple[str, str]:
    """What a raised text reads after the text `before`, and the rule that cuts it out or none."""
    text = text_of(element).strip()
    parent = element.getparent()
    linked = element.find(".//a") is not None or (parent is not None and parent.tag == "a")
    if not linked and POWER.fullmatch(text) and _takes_power(before, text):
        return text.translate(POWERS), ""
    return text, FOOTNOTE if NOTE.fullmatch(text) else ""


def _takes_power(before: str, power: str) -> bool:
    """Whether a text ends in what has powers: in ten, or in a unit that has this one."""
    return bool(
        TEN.search(before) or (UNIT.search(before) and abs(int(power.translate(MINUS))) < 4)
    )
