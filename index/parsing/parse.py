"""Parses the bytes of a file into articles: decodes, cleans and reads the metadata."""

import codecs
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePath

from charset_normalizer import from_bytes
from py3langid import classify

from sourcebook.index.article import Article, Block, Metadata, Removal
from sourcebook.index.errors import NotFoundError, TooLargeError, UnreadableError
from sourcebook.index.parsing import exported
from sourcebook.index.parsing.clean import clean
from sourcebook.index.parsing.html import parse_html
from sourcebook.index.parsing.layout import fill
from sourcebook.index.parsing.markup import DATES, metadata_from, parse_markdown
from sourcebook.index.parsing.tidy import (
    MAX_LINE,
    one_line,
    refuse_depth,
    tidied,
    whole,
    whole_number,
)

# All of Tolstoy's works are about 30 MB, so a larger file is not an article.
MAX_BYTES = 50 * 2**20
# Characters are enough to detect a language, and the time grows with their number.
LANGUAGE_SAMPLE = 4000
# charset-normalizer judges a sample; a few pages suffice to recognise a code page.
CHARSET_SAMPLE = 64 * 1024

MAGIC = {
    b"\x89PNG": "a PNG image",
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a ZIP archive or office document",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"\x1f\x8b": "gzip-compressed",
    b"\x7fELF": "a program",
    b"SQLite format 3\x00": "an SQLite database",
    b"{\\rtf": "an RTF document",
    b"\xd0\xcf\x11\xe0": "an old office document",
}
NON_ASCII = re.compile(r"[^\x00-\x7f\ufffd]+")
# A sign between letters (`zdecydowa³a`) shows that another code page was decoded as Western.
IN_WORD_SIGN = re.compile(r"[^\W\d_][¡-´¶¸»-¿ƒ†-‰×÷][^\W\d_]")
TEXT_CURE = "Save it as plain text in UTF-8, or convert it to .txt, .md or .html first."
# The letters and signs of English, Spanish, French, German, Italian, Portuguese and Swedish.
WESTERN = frozenset(
    "áéíóúñüàâãçèêëîïôõûùœæäöåßÁÉÍÓÚÑÜÀÂÃÇÈÊËÎÏÔÕÛÙŒÆÄÖÅìòÌÒ¿¡“”„‘’‚–—…€£«»°ºª·§©\xa0"
)
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is the start of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def parse(
    data: bytes, *, name: str, source: str, overrides: Metadata | None = None
) -> list[Article]:
    """Parse the bytes of the file `name` into articles; its suffix determines the format.

    `source` identifies the article; for a line of JSONL, `#` and its id or number are appended.
    `overrides` take precedence over the metadata in the file, and these over what cleaning finds
    in the text. Raises TooLargeError above MAX_BYTES, and UnreadableError for an unknown suffix,
    for bytes that are not text, and for files without an article.
    """
    name, suffix = one_line(name), suffix_of(name)
    if len(data) > MAX_BYTES:
        raise TooLargeError(
            f"{name} has {len(data):,} bytes; expected at most {MAX_BYTES:,}.",
            cure="Split it into several files.",
        )
    if not data.strip():
        raise UnreadableError(
            f"{name} is empty; expected the text of an article.",
            cure="Check that the file was saved or downloaded completely.",
        )
    given = tidied(overrides or Metadata(), name)
    return PARSERS[suffix](data, name, one_line(source), given)


def suffix_of(name: str) -> str:
    """The suffix of a file's name, by which it is read. Raises UnreadableError if none does it."""
    suffix = PurePath(name).suffix.lower()
    if suffix not in PARSERS:
        raise UnreadableError(
            f"{one_line(name)} {f'ends in {suffix!r}' if suffix else 'has no suffix'}; expected "
            f"one of {', '.join(PARSERS)}.",
            cure="Convert the file, or rename it if it is one of these.",
        )
    return suffix


def find_files(
    paths: Iterable[Path], odd: Callable[[Path, UnreadableError], object] = lambda *_: None
) -> Iterator[Path]:
    """The files among `paths`, and all files with a known suffix in the folders among them.

    Folders are walked in sorted order. A link in one is followed only to a file of that folder or
    of one below; what is named outright is read wherever it is. Hidden entries are skipped, and
    README.md, which describes its folder. `odd` is called for all else in a folder that has a known
    suffix and cannot be an article, such as a pipe. Raises NotFoundError for a path that does not
    exist, and UnreadableError for one that is no file.
    """
    for path in paths:
        if path.is_dir():
            yield from _walk(path, odd)
        elif path.is_file():
            yield path
        elif path.exists():
            raise UnreadableError(
                f"{str(path)!r} is neither a file nor a folder; expected one of these.",
                cure="Save what it gives to a file first, or pass it on standard input: add -",
            )
        else:
            raise NotFoundError(
                f"There is no file or folder {str(path)!r}.", cure="Check the spelling of the path."
            )


def _walk(folder: Path, odd: Callable[[Path, UnreadableError], object]) -> Iterator[Path]:
    home = os.path.realpath(folder)
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(here, name)
            wanted = path.suffix.lower() in PARSERS and name.lower() != "readme.md"
            if wanted and not name.startswith("."):
                if reason := _oddity(path, home):
                    cure = "Name it outright to add what it leads to, or leave it."
                    odd(path, UnreadableError(f"{name} was left out: {reason}.", cure=cure))
                else:
                    yield path


def _oddity(path: Path, home: str) -> str:
    """Why something found in a folder is not read; empty for a file of that folder."""
    if not path.is_file():
        return "it is a link to nothing" if path.is_symlink() else "it is no file"
    if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(home):
        return "it is a link out of the folder"
    return ""


def _parse_text(data: bytes, name: str, source: str, given: Metadata) -> list[Article]:
    return [_article(decode(data, name), data, name, source, given)]


def _parse_markdown(data: bytes, name: str, source: str, given: Metadata) -> list[Article]:
    parsed = parse_markdown(decode(data, name), name)
    known = fill(given, parsed.metadata)
    return [_article(parsed.text, data, name, source, known, blocks=parsed.blocks)]


def _parse_html(data: bytes, name: str, source: str, given: Metadata) -> list[Article]:
    _refuse_binary(data, name)
    # A page may declare its encoding inside; one with NUL bytes or a byte order mark need not.
    coded = b"\0" in data or data.startswith(tuple(mark for mark, _ in BOMS))
    parsed = parse_html(decode(data, name) if coded else data, name)
    known = fill(given, parsed.metadata)
    blocks, removals = parsed.blocks, parsed.removals
    return [_article(parsed.text, data, name, source, known, blocks=blocks, removals=removals)]


def _parse_lines(data: bytes, name: str, source: str, given: Metadata) -> list[Article]:
    _refuse_binary(data, name)
    articles: dict[str, Article] = {}
    for number, line in enumerate(data.removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        if line.strip():
            place = f"{name}, line {number}"
            article = _line_article(line.strip(), place, source, number, given)
            if article.source in articles:
                raise UnreadableError(
                    f"{place} has the source {article.source!r} of an earlier line; "
                    "expected a different one on every line.",
                    cure="Give every line an id of its own, or none.",
                )
            articles[article.source] = article
    return list(articles.values())


def _line_article(line: bytes, place: str, source: str, number: int, given: Metadata) -> Article:
    record = _record(line, place)
    if exported.MARK in record:
        article = exported.from_line(record, line, place)
        if given == Metadata():
            return article
        return replace(article, metadata=fill(given, article.metadata))
    text = str(record.pop("text"))
    base = _name_in(record, "source", place) or source
    label = _name_in(record, "id", place) or _name_in(record, "_id", place) or number
    stated = metadata_from(record, origin="front matter", name=place)
    return _article(
        text,
        line,
        place,
        one_line(f"{base}#{label}"),
        fill(given, stated),
        guess_title="title" not in record,
    )


def _name_in(record: dict[str, object], key: str, place: str) -> str:
    """What a line calls itself; empty where it does not."""
    value = record.pop(key, None)
    if isinstance(value, str | int | float | None) and len(text := str(value)) <= MAX_LINE:
        return "" if value is None else text
    raise UnreadableError(
        f"{key} of {place} is {value!r:.60}; expected a text of at most {MAX_LINE:,} characters.",
        cure="Give every line a short id of its own, or none.",
    )


def _record(line: bytes, place: str) -> dict[str, object]:
    cure = 'Correct that line: it needs at least a text, as in {"text": "..."}.'
    try:
        # No number is as long as to be slow, and NaN, which is not JSON, means that there is none.
        record = json.loads(line, parse_int=whole_number, parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"{place} is not JSON: {error}.", cure=cure) from error
    refuse_depth(record, place, around=1)  # an exported article has its metadata one level down
    if not isinstance(record, dict):
        raise UnreadableError(f"{place} is {record!r:.60}; expected a JSON object.", cure=cure)
    if not isinstance(record.get("text"), str):
        raise UnreadableError(
            f"The text of {place} is {record.get('text')!r:.60}; expected a string.", cure=cure
        )
    return record


PARSERS: dict[str, Callable[[bytes, str, str, Metadata], list[Article]]] = {
    ".txt": _parse_text,
    ".md": _parse_markdown,
    ".markdown": _parse_markdown,
    ".html": _parse_html,
    ".htm": _parse_html,
    ".jsonl": _parse_lines,
    ".ndjson": _parse_lines,
}


def _article(
    text: str,
    raw: bytes,
    name: str,
    source: str,
    known: Metadata,
    *,
    blocks: tuple[Block, ...] | None = None,
    removals: tuple[Removal, ...] = (),
    guess_title: bool = True,
) -> Article:
    text, known = whole(text), tidied(known, name)
    sources = {**{date: "caller" for date in DATES if getattr(known, date)}, **known.date_sources}
    known = replace(known, date_sources=sources)
    cleaned = clean(text, known, blocks=blocks, removals=removals, guess_title=guess_title)
    if not cleaned.text:
        raise UnreadableError(
            f"{name} has no words once page furniture is taken out; expected an article's text.",
            cure="Check that the file holds the article itself.",
        )
    metadata = tidied(cleaned.metadata, name)
    return Article(
        source=source,
        text=cleaned.text,
        blocks=cleaned.blocks,
        metadata=replace(metadata, language=metadata.language or detect_language(cleaned.text)),
        raw=raw,
        removals=cleaned.removals,
    )


def detect_language(text: str) -> str:
    """The two-letter code of the most likely language of `text`."""
    code, _ = classify(text[:LANGUAGE_SAMPLE])
    return str(code)


def decode(data: bytes, name: str) -> str:
    """Decode `data`: UTF-8, UTF-16 or UTF-32 with a byte order mark, UTF-16, or a code page.

    Raises UnreadableError for bytes that are not text.
    """
    _refuse_binary(data, name)
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return _decoded(data, encoding, name)
    if b"\0" in data:
        return _decoded(data, _unmarked_utf16(data, name), name)
    text = data.decode(errors="replace")
    damaged = text.count("\ufffd")
    if damaged and 20 * damaged > sum(map(len, NON_ASCII.findall(text))):
        return _decoded(data, _code_page(data, name), name)
    return text  # a few bad bytes among many good ones are damage, not another encoding


def _refuse_binary(data: bytes, name: str) -> None:
    for mark, kind in MAGIC.items():
        if data.startswith(mark):
            raise UnreadableError(f"{name} is {kind}; expected text.", cure=TEXT_CURE)


def _decoded(data: bytes, encoding: str, name: str) -> str:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise UnreadableError(
            f"{name} begins like {encoding} but goes on otherwise: {error}.", cure=TEXT_CURE
        ) from error


def _unmarked_utf16(data: bytes, name: str) -> str:
    """The byte order of UTF-16: in Western text every other byte is NUL, the others never are."""
    sample = data[: CHARSET_SAMPLE & ~1]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if half and len(data) % 2 == 0:
        if odd > 0.3 * half and even == 0:
            return "utf-16-le"
        if even > 0.3 * half and odd == 0:
            return "utf-16-be"
    raise UnreadableError(f"{name} holds NUL bytes; expected text.", cure=TEXT_CURE)


def _is_western(data: bytes) -> bool:
    """Whether decoding as cp1252 gives only characters of Western prose, in plausible places."""
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return False
    foreign = {character for character in text if not character.isascii()}
    return foreign <= WESTERN and not IN_WORD_SIGN.search(text)


def _code_page(data: bytes, name: str) -> str:
    if _is_western(data):
        return "cp1252"
    matches = from_bytes(data[:CHARSET_SAMPLE])
    best = matches.best()
    if best is None:
        raise UnreadableError(
            f"{name} is in no known character encoding; expected UTF-8.", cure=TEXT_CURE
        )
    # Western and Central European code pages differ in few letters, so short texts are often
    # mistaken for the rarer one. The margins are chosen on the sentences in tests/test_parse.py.
    western = next((match for match in matches if match.encoding == "cp1252"), None)
    if (
        western
        and not IN_WORD_SIGN.search(str(western))
        and (western.chaos <= best.chaos + 0.05 and western.coherence >= best.coherence - 0.03)
    ):
        return "cp1252"
    return best.encoding
