"""Reads all visible text of a web page as blocks: in order, each as a reader sees it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from lxml.etree import iterwalk
from lxml.html import HtmlElement

from sourcebook.index.article import BlockKind
from sourcebook.index.parsing.elements import beside, is_menu, kind_of, stacked, unseen
from sourcebook.index.parsing.layout import word_count
from sourcebook.index.parsing.raised import raised, text_of

# Elements without text for readers, or with that of a control.
UNREAD = frozenset(
    (
        "audio",
        "button",
        "canvas",
        "datalist",
        "embed",
        "head",
        "iframe",
        "map",
        "noscript",
        "object",
        "option",
        "script",
        "select",
        "style",
        "svg",
        "template",
        "textarea",
        "title",
        "video",
    )
)
CELL_TAGS = ("td", "th")
STRUCK = frozenset(("del", "s", "strike"))

STRIKE, HIDDEN = "struck text", "hidden text"
MAX_PARAGRAPHS = 6  # in a cell of data; one with more is a part of the page
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
    beside: bool = False  # in what never is an article: menus, footers, readers' comments

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
        return word_count(self.raw) >= MIN_SENTENCE and 2 * self.linked < len(self.raw)

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
        """Add a piece of text, which `rule` cuts out; its length counts if it is of a link."""
        if text:
            self.pieces.append((text, rule))
            self.linked += len(" ".join(text.split())) if linked else 0

    def read_again(self, block: WebBlock) -> None:
        """Add the text of a block with its cuts; all of it is one if the block is hidden."""
        position = 0
        for cut in (Cut(HIDDEN, 0, len(block.raw)),) if block.hidden else block.cuts:
            self.add(block.raw[position : cut.start])
            self.add(block.raw[cut.start : cut.end], cut.rule)
            position = cut.end
        self.add(block.raw[position:])
        self.linked += block.linked

    def before(self) -> str:
        """The end of what is read so far."""
        return "".join(text[-20:] for text, rule in self.pieces[-4:] if not rule)

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


def _block(pieces: list[tuple[str, str]], kind: BlockKind, element: HtmlElement) -> WebBlock | None:
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


def _is_element(node: HtmlElement) -> bool:
    """Whether a node is an element, and no comment."""
    return isinstance(node.tag, str)


def _cells(row: HtmlElement) -> list[HtmlElement]:
    return [each for each in row if each.tag in CELL_TAGS]


@dataclass(frozen=True, slots=True)
class _Open:
    """An element that is being read, and what it or one around it says of what it holds."""

    element: HtmlElement
    hidden: bool
    beside: bool


def _opened(element: HtmlElement, around: list[_Open]) -> _Open:
    return _Open(
        element,
        (bool(around) and around[-1].hidden) or unseen(element),
        (bool(around) and around[-1].beside) or beside(element),
    )


class _Reader:
    """Walks once over a page."""

    def __init__(self, root: HtmlElement) -> None:
        self.root = root
        self.line = _Line()
        self.open: list[_Open] = []  # innermost last
        self.links = 0
        self.ended: str | None = None  # the tag of the element that has just ended
        self.nests: dict[HtmlElement, bool] = {}  # whether a table holds other ones

    def blocks(self) -> Iterator[WebBlock]:
        """The blocks, in order."""
        walk = iterwalk(self.root, events=("start", "end"))
        for event, element in walk:
            if event == "end" or not _is_element(element):
                if self.open and self.open[-1].element is element:
                    yield from self.flush()
                    self.open.pop()
                self.end(element)
            elif self.read_whole(element):
                walk.skip_subtree()
            elif element.tag == "tr" and self.is_data(element):
                yield from self.flush()
                yield from self.row(element)
                walk.skip_subtree()
            elif stacked(element):
                yield from self.flush()
                self.open.append(_opened(element, self.open))
                self.line.add(element.text)
            else:
                self.start_inline(element)

    def flush(self) -> Iterator[WebBlock]:
        """The blocks of the line so far; then a line begins."""
        line, self.line = self.line, _Line()
        if line.pieces and self.open:
            yield from self.placed(line.blocks(self.open[-1].element))

    def placed(self, blocks: Iterator[WebBlock]) -> Iterator[WebBlock]:
        """The blocks with what the elements around say of them."""
        for block in blocks:
            yield replace(block, hidden=self.open[-1].hidden, beside=self.open[-1].beside)

    def is_data(self, row: HtmlElement) -> bool:
        """Whether a row belongs to a table of data, and not to one that only arranges a page.

        All that such a row says stands in its cells.
        """
        cells = _cells(row)
        table = next(row.iterancestors("table"), None)
        beside_cells = [row.text, *(each.tail for each in row)]
        if (
            table is None
            or len(cells) < 2
            or any(text.strip() for text in beside_cells if text)
            or any(each.tag not in (*CELL_TAGS, *UNREAD) for each in row if _is_element(each))
        ):
            return False
        if table not in self.nests:
            self.nests[table] = next(table.iterdescendants("table"), None) is not None
        return not self.nests[table] and all(
            len(cell.findall(".//p")) + len(cell.findall(".//div")) <= MAX_PARAGRAPHS
            for cell in cells
        )

    def start_inline(self, element: HtmlElement) -> None:
        """Read on into an element within the line."""
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
        """Read on after an element."""
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
        for number, cell in enumerate(_cells(row)):
            if number:
                line.add(" | ")
            shown = False
            for part in _Reader(cell).blocks():
                line.add("; " if shown and part.element.tag == "li" and not part.hidden else " ")
                line.read_again(part)
                shown = shown or not part.hidden
        if any(text.strip(" |") for text, rule in line.pieces if not rule):
            self.open.append(_opened(row, self.open))
            yield from self.placed(line.blocks(row))
            self.open.pop()
