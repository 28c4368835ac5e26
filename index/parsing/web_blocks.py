"""Reads all visible text of a web page as blocks: in order, each as a reader sees it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from lxml.etree import iterwalk
from lxml.html import HtmlElement

from sourcebook.index.article import BlockKind

HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
# Elements that HTML shows below each other; all others run on in their line.
STACKED = HEADINGS | frozenset(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset"
    " figcaption figure footer form header hr html legend li main nav ol p pre section summary"
    " table tbody td tfoot th thead tr ul".split()
)
# Elements without text for readers, or with that of a control.
UNREAD = frozenset(
    "audio button canvas datalist embed head iframe map noscript object option script select style"
    " svg template textarea title video".split()
)
SECTIONS = ("article", "body", "main", "section")
CAPTION = re.compile(r"(?:^|[\s_-])caption(?:$|[\s_-])")  # `wp-caption-text` of WordPress
STRUCK = frozenset(("del", "s", "strike"))
# What stands beside an article, and not in it.
BESIDE_TAGS = frozenset(("aside", "footer", "form", "nav"))
BESIDE_ROLES = frozenset(("banner", "complementary", "contentinfo", "dialog", "navigation"))
COMMENTS = re.compile(r"\b(?:disqus|user-?)?comments?\b|disqus", re.IGNORECASE)
NO_DISPLAY = re.compile(r"display\s*:\s*none", re.IGNORECASE)
OWN_LINE = re.compile(r"display\s*:\s*(?:block|flex|grid|table)", re.IGNORECASE)
# The classes by which Bootstrap, Tailwind and WordPress hide something from all or most readers.
UNSEEN = frozenset(("hidden", "hide", "sr-only", "visually-hidden", "screen-reader-text"))

# What a raised figure may stand for, by the text before it: the power of a unit or of ten. All
# other raised figures are marks of notes.
UNIT = re.compile(r"(?:^|[\s\d(/·.])(?:[kcdmµμn]?m|km|ft|yd|mi|in|s|inch(?:es)?|[a-zA-Z])$")
POWERS = str.maketrans("0123456789-\N{MINUS SIGN}", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")
POWER = re.compile(r"[-\N{MINUS SIGN}]?\d{1,2}")
NOTE = re.compile(r"\[[^\]]*\]|\(?(?:\d{1,3}|[*†‡§¶]+)\)?(?:\s*[,;–-]\s*\d{1,3})*")

FOOTNOTE, STRIKE, HIDDEN = "footnote mark", "struck text", "hidden text"
MIN_SENTENCE = 8  # words; a shorter line may be a label


@dataclass(frozen=True, slots=True)
class Cut:
    """A span of a block's raw text that is no part of its sentence, and the rule that says so."""

    rule: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class WebBlock:
    """A block of a page: its raw text, what of that is not read, and its element."""

    kind: BlockKind
    raw: str
    element: HtmlElement
    cuts: tuple[Cut, ...] = ()
    linked: int = 0  # characters that are links
    hidden: bool = False
    beside: bool = False  # in what never is an article: menus, forms, footers, readers' comments

    @property
    def text(self) -> str:
        """The text as it is read, without what is cut out."""
        parts, position = [], 0
        for cut in self.cuts:
            parts.append(self.raw[position : cut.start])
            position = cut.end
        return " ".join("".join([*parts, self.raw[position:]]).split())

    @property
    def running(self) -> bool:
        """Whether it is a sentence or more, and not a list of links."""
        return self.raw.count(" ") + 1 >= MIN_SENTENCE and 2 * self.linked < len(self.raw)

    @property
    def fluent(self) -> bool:
        """Whether hardly any of it is links; an item of a list has none."""
        return 4 * self.linked < len(self.raw) and not (self.linked and self.element.tag == "li")


@dataclass(slots=True)
class _Line:
    """The line that is being read: pieces of text, each with the rule that cuts it out or none."""

    pieces: list[tuple[str, str]] = field(default_factory=list)
    linked: int = 0

    def add(self, text: str | None, rule: str = "", *, linked: bool = False) -> None:
        if text:
            self.pieces.append((text, rule))
            self.linked += len(" ".join(text.split())) if linked else 0

    def before(self) -> str:
        """The end of what is read so far."""
        return "".join(text for text, rule in self.pieces[-4:] if not rule)[-40:]

    def blocks(self, element: HtmlElement) -> Iterator[WebBlock]:
        """The blocks of the line: two line breaks in a row begin another one."""
        kind = kind_of(element)
        group: list[tuple[str, str]] = []
        breaks = 0
        for text, rule in [*self.pieces, ("\n", ""), ("\n", "")]:
            breaks = breaks + 1 if text == "\n" else breaks if not text.strip() else 0
            group.append((text, rule))
            if breaks == 2:
                if block := _block(group, kind, element):
                    yield replace(block, linked=min(self.linked, len(block.raw)))
                group = []


def _block(
    pieces: list[tuple[str, str]], kind: BlockKind, element: HtmlElement
) -> WebBlock | None:
    """A block of these pieces with white space collapsed; None if there is nothing to read."""
    raw, cuts = "", []
    for text, rule in pieces:
        collapsed = re.sub(r"\s+", " ", text)
        if not raw or raw.endswith(" "):
            collapsed = collapsed.lstrip()
        if rule and collapsed.strip():
            start = len(raw) + len(collapsed) - len(collapsed.lstrip())
            start -= raw.endswith(" ") and start == len(raw)  # the space before it goes, too
            cuts.append(Cut(rule, start, len(raw) + len(collapsed.rstrip())))
        raw += collapsed
    block = WebBlock(kind, raw.rstrip(), element, tuple(cuts))
    return block if block.text else None


def web_blocks(root: HtmlElement) -> list[WebBlock]:
    """All blocks of text below `root`, in the order of the page."""
    return list(_Reader(root).blocks())


class _Reader:
    """Walks once over a page."""

    def __init__(self, root: HtmlElement) -> None:
        self.root = root
        self.line = _Line()
        self.open: list[HtmlElement] = []  # the stacked elements around, innermost last
        self.hidden = 0  # how many of these are hidden, and how many stand beside an article
        self.beside = 0
        self.links = 0
        self.ended: str | None = None  # the tag of the element that has just ended

    def blocks(self) -> Iterator[WebBlock]:
        walk = iterwalk(self.root, events=("start", "end"))
        for event, element in walk:
            if not isinstance(element.tag, str):
                if event == "end":
                    self.line.add(element.tail, linked=self.links > 0)
            elif event == "start":
                if self.read_whole(element):
                    walk.skip_subtree()
                elif element.tag == "tr" and is_data_row(element):
                    yield from self.flush()
                    yield from self.row(element)
                    walk.skip_subtree()
                elif stacked(element):
                    yield from self.flush()
                    self.open.append(element)
                    self.hidden += unseen(element)
                    self.beside += beside(element)
                    self.line.add(element.text)
                else:
                    self.start_inline(element)
            else:
                if self.open and self.open[-1] is element:
                    yield from self.flush()
                    self.open.pop()
                    self.hidden -= unseen(element)
                    self.beside -= beside(element)
                self.end(element)

    def flush(self) -> Iterator[WebBlock]:
        """The blocks of the line so far; then a line begins."""
        line, self.line = self.line, _Line()
        if line.pieces and self.open:
            yield from self.placed(line.blocks(self.open[-1]))

    def placed(self, blocks: Iterator[WebBlock]) -> Iterator[WebBlock]:
        """The blocks with what the elements around say of them."""
        for block in blocks:
            yield replace(block, hidden=self.hidden > 0, beside=self.beside > 0)

    def start_inline(self, element: HtmlElement) -> None:
        if element.tag == "br":
            self.line.add("\n")
            return
        self.part(element, (element.text or "")[:1])
        self.links += element.tag == "a"
        self.line.add(element.text, linked=self.links > 0)
        if element.text:
            self.ended = None

    def part(self, element: HtmlElement, first: str) -> None:
        """Set two elements apart that touch, if either is a link: they are not one word."""
        before = self.line.before()[-1:]
        if "a" in (self.ended, element.tag) and self.ended and before.isalnum() and first.isalnum():
            self.line.add(" ")

    def end(self, element: HtmlElement) -> None:
        if element.tag == "a" and self.links:
            self.links -= 1
        self.line.add(element.tail, linked=self.links > 0)
        if element.tag != "br":
            self.ended = None if element.tail else element.tag

    def read_whole(self, element: HtmlElement) -> bool:
        """Read an element whose text is not simply read; False for all others."""
        tag = element.tag
        if tag in UNREAD:
            return True
        if tag == "sup":
            self.line.add(*raised(element, self.line.before()))
        elif tag in STRUCK:
            self.line.add(text_of(element), STRIKE)
        elif not stacked(element) and (unseen(element) or is_menu(element)):
            self.line.add(f" {text_of(element)} ", HIDDEN)
        else:
            return False
        return True

    def row(self, row: HtmlElement) -> Iterator[WebBlock]:
        """A row of a table as one block, its cells set apart by bars."""
        line = _Line()
        for number, cell in enumerate(row):
            if number:
                line.add(" | ")
            inside = _Reader(cell)
            parts = list(inside.blocks())
            for place, part in enumerate(parts):
                line.add("; " if place and part.element.tag == "li" else " " if place else "")
                position = 0
                for cut in part.cuts:
                    line.add(part.raw[position : cut.start])
                    line.add(part.raw[cut.start : cut.end], cut.rule)
                    position = cut.end
                line.add(part.raw[position:])
                line.linked += part.linked
        if any(text.strip(" |") for text, _ in line.pieces):
            yield from self.placed(line.blocks(row))


def stacked(element: HtmlElement) -> bool:
    """Whether an element stands in lines of its own."""
    tag = str(element.tag)
    return tag in STACKED or bool(OWN_LINE.search(element.get("style") or ""))


def unseen(element: HtmlElement) -> bool:
    """Whether an element says of itself that it is not shown."""
    return (
        element.get("hidden") is not None
        or element.get("role") == "tooltip"
        or bool(NO_DISPLAY.search(element.get("style") or ""))
        or not UNSEEN.isdisjoint((element.get("class") or "").split())
    )


def beside(element: HtmlElement) -> bool:
    """Whether an element says of itself that it stands beside the article."""
    return (
        element.tag in BESIDE_TAGS
        or element.get("role") in BESIDE_ROLES
        or (
            element.tag not in SECTIONS
            and bool(COMMENTS.search(f"{element.get('id') or ''} {element.get('class') or ''}"))
        )
    )


def is_menu(element: HtmlElement) -> bool:
    """Whether an element within a line holds links that touch: no sentence, but what a hover shows.

    Of the names in a sentence at least a comma or a space stands between.
    """
    if element.tag != "span" or not len(element) or (element.text or "").strip():
        return False
    links = [child for child in element if child.tag == "a"]
    return any(not link.tail and link.getnext() in links for link in links)


def is_data_row(row: HtmlElement) -> bool:
    """Whether a row belongs to a table of data, and not to one that only arranges a page."""
    cells = [cell for cell in row if cell.tag in ("td", "th")]
    if len(cells) < 2:
        return False
    table = next(row.iterancestors("table"), None)
    if table is None or next(table.iterdescendants("table"), None) is not None:
        return False
    return all(len(cell.findall(".//p")) + len(cell.findall(".//div")) <= 6 for cell in cells)


def kind_of(element: HtmlElement) -> BlockKind:
    """The kind of the blocks directly in an element."""
    for around in (element, *element.iterancestors()):
        if around.tag in HEADINGS:
            return BlockKind.HEADING
        if around.tag in ("blockquote", "pre", "table", *SECTIONS):
            break
        if around.tag in ("figcaption", "figure", "caption") or CAPTION.search(
            around.get("class") or ""
        ):
            return BlockKind.CAPTION
    return BlockKind.PARAGRAPH


def text_of(element: HtmlElement) -> str:
    """All text in an element."""
    return "".join(element.itertext())


def raised(element: HtmlElement, before: str) -> tuple[str, str]:
    """What a raised text reads after the text `before`, and the rule that cuts it out or none."""
    text = text_of(element).strip()
    noted = element.find(".//a") is not None or element.getparent().tag == "a"
    if not noted and POWER.fullmatch(text):
        base = before.rstrip()
        if base == before and (
            re.search(r"(?<![\d.,])10$", base) or (UNIT.search(base) and int(text[-2:]) < 4)
        ):
            return text.translate(POWERS), ""
    if NOTE.fullmatch(text):
        return text, FOOTNOTE
    return text, ""
