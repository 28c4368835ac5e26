"""What a page says of itself in JSON-LD: its article, author, publisher and dates.

The vocabulary is schema.org's.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sourcebook.index.parsing.tidy import MAX_DIGITS, MAX_LINE

Node = Mapping[str, Any]

# A page states itself in some kilobytes; blocks beyond this are data of another kind.
MAX_BLOCK = 2_000_000
MAX_NODES = 10_000
MAX_LEVELS = 20
# What writers of templates leave behind in JSON: comments, values left out, commas too many.
COMMENTS = re.compile(r"^[ \t]*+//[^\n]*|/\*.*?(?:\*/|\Z)|(?<=[,{\[])[ \t]*+//[^\n]*", re.M | re.S)
CDATA = re.compile(r"\s*(?:<!--|(?://\s*)?<!\[CDATA\[)")
NO_VALUE = re.compile(r"(\"\s*:)\s*(?=[,}\]])")
LOOSE_COMMA = re.compile(r",\s*(?=[,}\]])")
# Types of a page's own content, best first: articles, reviews and the like, then the page itself.
ARTICLE = ("Article", "Posting", "Report", "Review", "Recipe", "Newsletter", "Legislation")
PAGE = ("Page", "CreativeWork", "WebContent", "Dataset")
SITE = ("WebSite", "rganization")


@dataclass(frozen=True, slots=True)
class Graph:
    """The nodes of a page's JSON-LD in order, and those that have an `@id`."""

    nodes: tuple[Node, ...]
    named: Mapping[str, Node]

    def resolved(self, value: object) -> object:
        """The node that a reference stands for; any other value as it is."""
        if isinstance(value, Mapping) and isinstance(at := value.get("@id"), str):
            return {**self.named.get(at, {}), **value}
        return value

    def article(self, about: Iterable[str]) -> Node:
        """The node of the page's own article; empty where there is none.

        Among several it is the one that has one of the titles or addresses `about`.
        """
        wanted = {each.strip() for each in about if each.strip()}
        for kind in (ARTICLE, PAGE):
            found = [node for node in self.nodes if _is_a(node, kind)]
            for node in found:
                if wanted & {*titles(node), *addresses(node)}:
                    return node
            if found:
                return found[0]
        return {}

    def page(self) -> Node:
        """The node of the page, which may state what its article leaves out."""
        return next((n for n in self.nodes if _is_a(n, PAGE)), {})

    def sites(self) -> Iterator[str]:
        """The names of the organisations and sites that the page describes at its top level."""
        for node in self.nodes:
            if any(
                kind == "WebSite" or kind.lower().endswith("organization") for kind in types(node)
            ):
                yield from texts(node.get("name"))


def read_graph(blocks: Iterable[str]) -> Graph:
    """The nodes in the texts of a page's JSON-LD; what cannot be read, even mended, is left out."""
    nodes: list[Node] = []
    for block in blocks:
        if len(block) <= MAX_BLOCK:
            nodes.extend(_top(_loaded(block), MAX_LEVELS))
    nodes = nodes[:MAX_NODES]
    named = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str)}
    return Graph(tuple(nodes), named)


def _loaded(block: str) -> object:
    opening = CDATA.match(block)
    text = block[opening.end() :] if opening else block
    for mended in (text, _mended(text)):
        try:
            # What follows a whole value is a brace too many.
            decoder = json.JSONDecoder(strict=False, parse_int=_number)
            return decoder.raw_decode(mended.strip())[0]
        except (ValueError, RecursionError):
            continue
    return None


def _number(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_DIGITS else digits


def _mended(text: str) -> str:
    return LOOSE_COMMA.sub("", NO_VALUE.sub(r"\1 null", COMMENTS.sub("", text)))


def _top(value: object, levels: int) -> Iterator[Node]:
    """The nodes that stand for the page: those of lists, graphs and main entities."""
    if levels and isinstance(value, list):
        for each in value:
            yield from _top(each, levels - 1)
    elif levels and isinstance(value, Mapping):
        yield value
        for inner in ("@graph", "mainEntity"):
            yield from _top(value.get(inner), levels - 1)


def types(node: Node) -> tuple[str, ...]:
    """The types of a node, without the address of their vocabulary."""
    kinds = node.get("@type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return tuple(kind.rsplit("/", 1)[-1] for kind in kinds if isinstance(kind, str))


def _is_a(node: Node, endings: tuple[str, ...]) -> bool:
    return any(kind.endswith(endings) for kind in types(node))


def texts(value: object) -> list[str]:
    """The lines of text in a value: itself, the `name` of a mapping, or those of a list."""
    if isinstance(value, list):
        return [text for each in value[:MAX_NODES] for text in texts(each)]
    if isinstance(value, Mapping):
        return texts(value.get("name")) if not isinstance(value.get("name"), Mapping) else []
    line = " ".join(html.unescape(html.unescape(value)).split()) if isinstance(value, str) else ""
    return [line] if 0 < len(line) <= MAX_LINE else []


def titles(node: Node) -> list[str]:
    """The titles that a node states, the headline first."""
    return [*texts(node.get("headline")), *texts(node.get("name"))]


def addresses(node: Node) -> list[str]:
    """The addresses that a node states for itself."""
    whole = node.get("mainEntityOfPage")
    inner = whole.get("@id") or whole.get("url") if isinstance(whole, Mapping) else whole
    return [each for each in (node.get("url"), inner, node.get("@id")) if isinstance(each, str)]
