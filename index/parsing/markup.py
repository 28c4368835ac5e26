"""Parses Markdown, and converts parts and metadata of any markup."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from sourcebook.index.article import Block, BlockKind, Metadata, Removal
from sourcebook.index.dates import iso_date
from sourcebook.index.errors import UnreadableError
from sourcebook.index.parsing.bylines import (
    DEGREE,
    GENERATION,
    is_body,
    is_person,
    names_nobody,
    plain_name,
)
from sourcebook.index.parsing.structure import Part, led, table
from sourcebook.index.parsing.tidy import MAX_DIGITS, refuse_depth

FRONT_MATTER = re.compile(
    r"\ufeff?---[ \t]*\r?\n(.*?)(?:^|\n)(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.S
)
KEYS = {
    "title": ("title", "headline"),
    "authors": ("authors", "author", "byline", "by", "creator"),
    "publisher": ("publisher", "site", "sitename", "site_name", "publication"),
    "published": ("published", "date", "publish_date", "date_published", "pubdate"),
    "modified": ("modified", "updated", "lastmod", "last_modified", "date_modified"),
    "retrieved": ("retrieved", "accessed", "fetched"),
    "url": ("url", "link", "canonical_url", "permalink"),
    "language": ("language", "lang", "locale"),
    "tags": ("tags", "keywords", "categories"),
}
# A page of metadata; YAML is read at about 100,000 characters a second.
MAX_FRONT_MATTER = 100_000
# A tag or comment is no text. A comment without an end goes on to the end of the block, and what
# is not closed is no tag: each is looked at once, so the time grows with the text alone.
COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
TAG = re.compile(r"<[^<>]*>")
WEB_ADDRESS = re.compile(r"https?://\S+$")
DATES = ("published", "modified", "retrieved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A parsed file: plain text, its blocks and its metadata.

    `removals` are spans of the text that are no part of the article, in order; blocks hold none or
    all of each.
    """

    text: str
    blocks: tuple[Block, ...]
    metadata: Metadata
    removals: tuple[Removal, ...] = ()


def metadata_from(values: Mapping[str, object], *, origin: str, name: str) -> Metadata:
    """The metadata in a mapping of front matter or JSON; unknown keys go to `extra`.

    Raises UnreadableError for a date or an address in an unknown form.
    """
    keys = {
        field: key
        for field, known in KEYS.items()
        if (key := next((key for key in known if values.get(key)), None)) is not None
    }
    found = {field: values[key] for field, key in keys.items()}
    dates = {d: _stated_date(keys[d], found[d], name) for d in DATES if d in found}
    known_keys = {key for known in KEYS.values() for key in known if not values.get(key)}
    used = known_keys | set(keys.values())
    return Metadata(
        title=_line(found.get("title")),
        authors=names(found.get("authors", "")),
        publisher=_line(found.get("publisher")),
        published=dates.get("published"),
        modified=dates.get("modified"),
        retrieved=dates.get("retrieved"),
        url=_stated_url(keys["url"], found["url"], name) if "url" in found else None,
        language=_line(found.get("language")).lower()[:2],
        tags=names(found.get("tags", ""), split_and=False),
        date_sources=dict.fromkeys(dates, origin),
        extra={str(key): value for key, value in values.items() if key not in used},
    )


def _line(value: object) -> str:
    """A value as one line of text; of a mapping the `name`, as in JSON-LD."""
    value = value.get("name") if isinstance(value, Mapping) else value
    return "" if value is None else " ".join(str(value).split())


def _stated_date(key: str, value: object, name: str) -> str:
    if iso := iso_date(value):
        return iso
    raise UnreadableError(
        f"{key} of {name} is {value!r:.80}; expected a date such as 2025, 2025-09 or 2025-09-19.",
        cure=f"Write {key} as YYYY-MM-DD or leave it out.",
    )


def _stated_url(key: str, value: object, name: str) -> str:
    if WEB_ADDRESS.match(str(value)):
        return str(value)
    raise UnreadableError(
        f"{key} of {name} is {value!r:.80}; expected an http or https address.",
        cure=f"Give {key} as https://... or leave it out.",
    )


def names(value: object, *, split_and: bool = True) -> tuple[str, ...]:
    """The names in a list, in mappings with `name`, or in a text such as `A, B and C`.

    With `split_and` they are people and organisations: "and" is kept within the name of an
    office, and honorifics and degrees are left out, and posts beside a name.
    """
    if isinstance(value, list | tuple):
        found = [_line(item) for item in value]
    else:
        parts = re.split(r"[;,]", _line(value))
        found = list(chain.from_iterable(map(_people, _whole(parts)))) if split_and else parts
    found = [plain_name(each) if split_and else each.strip() for each in found]
    return tuple(dict.fromkeys(item for item in found if item))


def _whole(parts: Sequence[str]) -> list[str]:
    """The parts between commas as names: without posts, and with what belongs to a name before."""
    found: list[str] = []
    for part in map(str.strip, parts):
        person = bool(found) and is_person(plain_name(found[-1]))
        if person and GENERATION.fullmatch(part):
            found[-1] += f" {part}"
        elif not (person and _is_degree(part)):
            found.append(part)
    return [part for part in found if not names_nobody(part)] or found


def _is_degree(part: str) -> bool:
    """Whether a part is a degree beyond doubt: PhD, M.D.; capitals alone may be an agency's."""
    return DEGREE.fullmatch(part) is not None and ("." in part or not part.isupper())


def _people(text: str) -> list[str]:
    """The names that "and" joins in a text; an office's name is one."""
    text = text.strip().removeprefix("and ").removeprefix("& ")
    return [text] if is_body(text) else re.split(r" (?:and|&) ", text)


def compose(parts: Iterable[Part]) -> tuple[str, tuple[Block, ...]]:
    """The text and blocks of parts: white space is collapsed, empty lines stand between parts."""
    lines = (part._replace(text=" ".join(part.text.split())) for part in parts)
    full = [part for part in lines if part.text]
    return placed(full, led(full))


def placed(parts: Sequence[Part], leads: Iterable[int | None]) -> tuple[str, tuple[Block, ...]]:
    """The text and blocks of parts that have text on one line, given the lead of each."""
    blocks, position = [], 0
    for part, lead in zip(parts, leads, strict=True):
        blocks.append(Block(part.kind, position, position + len(part.text), lead))
        position += len(part.text) + 2
    return "\n\n".join(part.text for part in parts), tuple(blocks)


def parse_markdown(text: str, name: str) -> Parsed:
    """Parse Markdown with optional YAML front matter.

    Raises UnreadableError if the front matter is not a mapping.
    """
    matter = FRONT_MATTER.match(text)
    metadata = _front_matter(matter.group(1), name) if matter else Metadata()
    tokens = (
        MarkdownIt("commonmark")
        .enable(["table", "strikethrough"])
        .parse(text[matter.end() :] if matter else text)
    )
    if not metadata.title and [token.tag for token in tokens[:1]] == ["h1"]:
        metadata = replace(metadata, title=" ".join(_inline(tokens[1]).split()))
    plain, blocks = compose(_markdown_parts(tokens))
    return Parsed(text=plain, blocks=blocks, metadata=metadata)


class _Loader(yaml.SafeLoader):
    """Plain YAML: without aliases, of which a few lines make gigabytes, and with short numbers."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse an alias; all else as in YAML."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(
                None, None, "an alias (*name) is not supported; write out what it stands for"
            )
        return super().compose_node(parent, index)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Refuse a number that is too long; all else as in YAML."""
        if len(node.value) > MAX_DIGITS + 1:
            raise yaml.constructor.ConstructorError(
                None, None, f"a number has {len(node.value):,} characters", node.start_mark
            )
        return int(super().construct_yaml_int(node))


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def _front_matter(block: str, name: str) -> Metadata:
    cure = "Correct the lines between the two --- marks, or remove them."
    if len(block) > MAX_FRONT_MATTER:
        raise UnreadableError(
            f"The front matter of {name} has {len(block):,} characters; expected at most "
            f"{MAX_FRONT_MATTER:,}.",
            cure=cure,
        )
    try:
        values = yaml.load(block, _Loader) or {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnreadableError(
            f"The front matter of {name} is not YAML: {' '.join(str(error).split())}.", cure=cure
        ) from error
    if not isinstance(values, dict):
        raise UnreadableError(
            f"The front matter of {name} is {values!r:.80}; expected lines of `key: value`.",
            cure=cure,
        )
    refuse_depth(values, f"The front matter of {name}")
    return metadata_from(
        {str(key).lower(): value for key, value in values.items()},
        origin="front matter",
        name=name,
    )


def _markdown_parts(tokens: Sequence[Token]) -> Iterator[Part]:
    rows: list[tuple[list[str], bool]] = []
    kind, depth, header = BlockKind.PARAGRAPH, 0, False
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            kind = BlockKind.HEADING if token.nesting > 0 else BlockKind.PARAGRAPH
        elif token.type in ("list_item_open", "list_item_close"):
            depth += token.nesting
        elif token.type in ("thead_open", "thead_close"):
            header = token.nesting > 0
        elif token.type == "tr_open":
            rows.append(([], header))
        elif token.type == "table_close":
            yield from table(rows)
            rows = []
        elif token.type == "inline" and rows:
            rows[-1][0].append(_inline(token))
        elif text := _markdown_text(token):
            images = all(child.type in ("image", "softbreak") for child in token.children or ())
            if token.type == "inline" and images:
                yield Part(BlockKind.CAPTION, text)
            elif kind is BlockKind.PARAGRAPH and depth:
                yield Part(BlockKind.ITEM, text, depth)
            else:
                yield Part(kind, text)


def _markdown_text(token: Token) -> str:
    """The plain text of a token that is a block; empty for any other."""
    if token.type in ("fence", "code_block"):
        return token.content
    if token.type == "html_block":
        return TAG.sub(" ", COMMENT.sub(" ", token.content))
    return _inline(token) if token.type == "inline" else ""


def _inline(token: Token) -> str:
    """The plain text of an inline token; an image is replaced by its description."""
    parts = []
    for child in token.children or ():
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type == "image":
            parts.append(_inline(child))
        elif child.type in ("softbreak", "hardbreak") or (
            child.type == "html_inline" and child.content.lower().startswith("<br")
        ):
            parts.append(" ")
    return "".join(parts)
