"""Writes references to articles: APA, Chicago, MLA, BibTeX, RIS and CSL-JSON."""

import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle
from citeproc.formatter import plain
from citeproc.source.json import CiteProcJSON
from lxml import etree

from sourcebook.index.article import Article
from sourcebook.index.errors import InputError
from sourcebook.index.library import Library
from sourcebook.index.storage.records import ArticleRecord
from sourcebook.service.asking.citation import Context, contexts, display_title
from sourcebook.service.asking.needed import needed_in
from sourcebook.service.notation.answers import CitedOut, ContextOut
from sourcebook.service.notation.requests import Style

Item = Mapping[str, Any]
"""An article as a CSL-JSON item."""

CSL = "{http://purl.org/net/xbiblio/csl}"
NAMESPACE = MappingProxyType({"cs": CSL.strip("{}")})

# Words that do not occur in a person's name (chosen by us).
ORGANISATION = re.compile(
    r"\b(agency|alliance|assembly|association|authority|bank|board|bureau|center|centre|centro|"
    r"coalition|college|commission|committee|company|congress|council|court|department|desk|"
    r"editors?|embassy|federation|foundation|fund|fundación|gobierno|government|group|initiative|"
    r"institute|instituto|international|ministerio|ministry|nations|network|news|office|"
    r"organi[sz]ation|parliament|press|programme|program|project|reporters|secretariat|senate|"
    r"service|society|staff|team|times|trust|union|universidad|university|writers)\b",
    re.IGNORECASE,
)
# Particles that start a family name, as in Ana de la Cruz.
PARTICLES = {"al", "bin", "da", "de", "del", "den", "der", "di", "do", "dos", "du", "el", "ibn"}
PARTICLES |= {"la", "le", "ten", "ter", "van", "von"}
SUFFIX = re.compile(r"(jr|sr)\.?|[ivx]{2,4}", re.IGNORECASE)
MOST_NAME_WORDS = 5


def cited(
    library: Library,
    article_id: str,
    style: Style,
    *,
    start: int | None = None,
    end: int | None = None,
    accessed: str | None = None,
    context: Iterable[tuple[int, int]] = (),
) -> CitedOut:
    """Cite an article, or its characters `[start, end)` with what they need, in a style.

    `context` are places of leads to show instead of what the quote needs by itself. `accessed` is
    the date the user read it; by default the date it was retrieved, if known.
    Raises `NotFoundError` for an unknown article and `InputError` for a span outside its text, or
    for context without a quote.
    """
    with library.view() as view:
        record, article = view.record(article_id), view.article(article_id)
    quote, needs = quoted(article, start, end), tuple[Context, ...]()
    context = tuple(context)
    if quote is None and context:
        raise InputError(
            "The context has no quote; expected start and end of the quote that it belongs to.",
            cure="Copy them from a citation, or leave out the context.",
        )
    if quote and start is not None and end is not None:
        needs = contexts(article, needed_in(article, start, end, context))
    media_type, write = STYLES[style]
    # Each in marks of its own: other text may stand between them.
    marked = [f"“{each}”" for each in (*(need.exact for need in needs), quote) if each]
    note = " ".join(marked) if needs else quote
    reference = write(csl_item(record, accessed=accessed, quote=note))
    return CitedOut(
        style=style,
        quote=quote,
        context=[ContextOut.model_validate(need) for need in needs],
        reference=reference,
        text="\n".join([*marked, reference]) if style in PRINTED else reference,
        media_type=media_type,
    )


def quoted(article: Article, start: int | None, end: int | None) -> str | None:
    """The characters `[start, end)` of the text; None if neither is given.

    Raises `InputError` for one bound without the other, for a span outside the text, and for a
    span of only white space.
    """
    if start is None and end is None:
        return None
    if start is None or end is None:
        missing = "start" if start is None else "end"
        raise InputError(
            f"The quote has no {missing}; expected both start and end.",
            cure="Copy both from a citation, or give neither.",
        )
    text = article.text
    if not 0 <= start < end <= len(text) or not text[start:end].strip():
        raise InputError(
            f"The quote is [{start}, {end}) of article {article.id!r}, whose text has "
            f"{len(text):,} characters; expected a span within the text that contains a word.",
            cure="Copy start and end from a citation, or give neither.",
        )
    return text[start:end]


def csl_item(
    record: ArticleRecord, *, accessed: str | None = None, quote: str | None = None
) -> Item:
    """The article as a CSL-JSON item (schema 1.0); unknown fields are left out."""
    known = record.metadata
    publisher = "container-title" if known.url else "publisher"  # of a page: the site's name
    facts: dict[str, Any] = {
        "id": record.id,
        "type": "webpage" if known.url else "document",
        "title": _one_line(display_title(record)) or record.id,  # it may be white space alone
        "author": [name for text in known.authors if (name := _name(text, known.publisher))],
        publisher: _one_line(known.publisher),
        "issued": _date(known.published),
        "accessed": _date(accessed or known.retrieved),
        "URL": known.url,
        "language": known.language,
        "annote": quote,
    }
    return {key: value for key, value in facts.items() if value}


def _date(known: str | None) -> dict[str, list[list[int]]] | None:
    """A date such as `2025-09` in CSL's form, as precise as known."""
    return {"date-parts": [[int(part) for part in known.split("-")]]} if known else None


def _name(text: str, publisher: str) -> dict[str, str] | None:
    """An author in CSL's form: the parts of a person's name, or an organisation as it is.

    Which of the two it is has to be guessed. The family name is the last word with the particles
    before it, or whatever precedes a comma.
    """
    text = _one_line(text)
    words = text.split()
    if not words or _is_organisation(text, words) or text.casefold() == publisher.casefold():
        return {"literal": text} if words else None
    suffix = words.pop() if len(words) > 2 and SUFFIX.fullmatch(words[-1]) else ""
    family, comma, given = " ".join(words).rstrip(",").partition(",")
    if not comma:
        words = family.split()
        particles = [i for i, word in enumerate(words[1:-1], 1) if word in PARTICLES]
        first = particles[0] if particles else len(words) - 1
        given, family = " ".join(words[:first]), " ".join(words[first:])
    parts = {"family": family.strip(), "given": given.strip(), "suffix": suffix}
    return {key: value for key, value in parts.items() if value}


def _is_organisation(text: str, words: list[str]) -> bool:
    small = {word for word in words if word.islower()} - PARTICLES
    return bool(
        len(words) == 1
        or len(words) > MOST_NAME_WORDS
        or small  # "Doctors without Borders"
        or re.search(r"[\d&/]", text)
        or ORGANISATION.search(text)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A style for people: its name in the collection of CSL styles, from which `styles/` has it.

    `note`: it is cited in notes, whose form differs from that of a bibliography. `repeats`: the
    macro that prints the title a second time if it replaces a missing author.
    """

    csl: str
    note: bool = False
    repeats: str = ""


PRINTED: Mapping[str, Printed] = {
    "apa": Printed(csl="apa", repeats="title-and-descriptions"),
    "chicago": Printed(csl="chicago-notes-bibliography-access-dates", note=True),
    "mla": Printed(csl="modern-language-association", repeats="author"),
}


def _printed(name: str) -> Callable[[Item], str]:
    def write(item: Item) -> str:
        shown = {key: value for key, value in item.items() if key != "annote"}
        if name != "apa":
            shown["title"] = _within_quotes(item["title"], item.get("language", "en"))
        return _rendered(PRINTED[name], shown)

    return write


MISSED = re.compile(r"‘\w|(?<=[?!] )[a-z]|(?<= )[a-z](?=[^\W\d_A-Z]*\W*$)")


def _within_quotes(title: str, language: str) -> str:
    """The title for use within quotation marks, where all styles but APA put it."""
    single = re.sub(r'[“”"]', _single, title)
    if language != "en":
        return single
    # These styles capitalise the words of English titles; the processor misses quoted ones, and
    # small ones that are the last or begin a sentence.
    return MISSED.sub(lambda found: found[0].upper(), single)


def _single(mark: re.Match[str]) -> str:
    """The single form of a quotation mark; a straight one opens where a word begins after it."""
    after = mark.string[mark.end() : mark.end() + 1]
    opens = mark[0] == "“" or (mark[0] == '"' and after.strip() and after not in ".,;:!?)")
    return "‘" if opens else "’"


def _rendered(printed: Printed, item: Item) -> str:
    # A style remembers what it cited, so each reference has one of its own.
    source = io.BytesIO(_style(printed, "author" in item))
    style = CitationStylesStyle(source, validate=False)
    bibliography = CitationStylesBibliography(style, CiteProcJSON([item]), plain)
    citation = Citation([CitationItem(item["id"])])
    bibliography.register(citation)
    if printed.note:
        text = str(bibliography.cite(citation, lambda _: None))
    else:
        text = str(bibliography.bibliography()[0])
    # The processor leaves a style's wish for punctuation within quotation marks unheard.
    return re.sub(r"”([.,])", r"\1”", text).strip()


@cache
def _style(printed: Printed, authored: bool) -> bytes:
    """The style as XML, without what the processor would not do as the style means it."""
    file = resources.files("sourcebook.service.documents") / "styles" / f"{printed.csl}.csl"
    root = etree.fromstring(file.read_bytes())
    # It writes initials for all names of a style that does so for some.
    mark = root.attrib.pop("initialize-with", "")
    for name in root.iter(f"{CSL}name"):
        if name.get("initialize") != "false":
            name.set("initialize-with", mark)
    # A date of access that is known is printed, also where the date of publication is known.
    for condition in root.iter(f"{CSL}if"):
        dates = condition.findall(f".//{CSL}date[@variable='accessed']")
        if dates and condition.get("match") == "none":
            del condition.attrib["match"]
            condition.set("variable", "accessed")
    # It does not take back what a substitute has printed.
    if printed.repeats and not authored:
        within = "//*[self::cs:bibliography or self::cs:macro[@name='bibliography']]"
        path = f"{within}//cs:text[@macro='{printed.repeats}']"
        for text in root.xpath(path, namespaces=dict(NAMESPACE)):
            text.getparent().remove(text)
    return bytes(etree.tostring(root))


TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\textbraceleft{}",
        "}": r"\textbraceright{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{mark: f"\\{mark}" for mark in "&%$#_"},
    }
)
# What would end a field of an address, which is not typeset.
TEX_URL = str.maketrans({"\\": "%5C", "{": "%7B", "}": "%7D"})


def _bibtex(item: Item) -> str:
    """An `@online` entry, as biblatex and Zotero read it; BibTeX takes it for `@misc`."""
    issued, accessed = _iso(item.get("issued")), _iso(item.get("accessed"))
    publisher = item.get("container-title") or item.get("publisher", "")
    fields = {
        "author": " and ".join(_tex_name(name) for name in item.get("author", ())),
        "title": f"{{{_tex(item['title'])}}}",  # in two pairs of braces its case is kept
        "organization": _tex(publisher),
        "date": issued,
        "year": issued[:4],
        "month": issued[5:7],
        "url": item.get("URL", "").translate(TEX_URL),
        "urldate": accessed,
        "annote": _tex(item.get("annote", "")),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    kind = "online" if "URL" in item else "misc"
    return "\n".join([f"@{kind}{{{_key(item, issued)},", *lines, "}"])


def _key(item: Item, issued: str) -> str:
    """A key in ASCII: family name, year and the article's id, so that no two are alike."""
    first: Mapping[str, str] = next(iter(item.get("author", ())), {})
    name = re.sub(r"[^a-z]", "", (first.get("family") or first.get("literal", "")).lower())
    return "-".join(filter(None, [name[:20] or "article", issued[:4], item["id"]]))


def _tex(text: str) -> str:
    return _one_line(text).translate(TEX)


def _tex_name(name: Mapping[str, str]) -> str:
    if "literal" in name:
        return f"{{{_tex(name['literal'])}}}"  # in braces it is one name, whatever it holds
    parts = (name["family"], name.get("suffix"), name.get("given"))
    return ", ".join(_tex(part) for part in parts if part)


def _ris(item: Item) -> str:
    """A record of RIS; each line ends with CR and LF."""
    issued, accessed = _iso(item.get("issued")), _iso(item.get("accessed"))
    people = [name.get("literal") or _inverted(name) for name in item.get("author", ())]
    fields = [
        ("TY", "ELEC" if "URL" in item else "GEN"),
        ("ID", item["id"]),
        *(("AU", name) for name in people),
        ("TI", item["title"]),
        ("T2", item.get("container-title")),
        ("PB", item.get("publisher")),
        ("PY", issued[:4]),
        ("DA", _slashed(issued)),
        ("UR", item.get("URL")),
        ("Y2", _slashed(accessed)),
        ("LA", item.get("language")),
        ("N1", item.get("annote")),
    ]
    lines = [f"{tag}  - {_one_line(value)}" for tag, value in fields if value]
    return "".join(f"{line}\r\n" for line in [*lines, "ER  - "])


def _inverted(name: Mapping[str, str]) -> str:
    parts = (name["family"], name.get("given"), name.get("suffix"))
    return ", ".join(part for part in parts if part)


def _iso(date: Mapping[str, list[list[int]]] | None) -> str:
    if date is None:
        return ""
    [year, *rest] = date["date-parts"][0]
    return "-".join([f"{year:04}", *(f"{part:02}" for part in rest)])


def _slashed(date: str) -> str:
    """RIS keeps the places of month and day: `2025/09//`."""
    return "/".join([*date.split("-"), "", "", ""][:4]) if date else ""


def _csl_json(item: Item) -> str:
    return json.dumps([item], ensure_ascii=False, indent=2)


def _one_line(text: str) -> str:
    """The text with each run of white space and control characters as one space."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text).split())


# name: (media type, writer)
STYLES: Mapping[str, tuple[str, Callable[[Item], str]]] = {
    **{name: ("text/plain", _printed(name)) for name in PRINTED},
    "bibtex": ("application/x-bibtex", _bibtex),
    "ris": ("application/x-research-info-systems", _ris),
    "csl-json": ("application/vnd.citationstyles.csl+json", _csl_json),
}
