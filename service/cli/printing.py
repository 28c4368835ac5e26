"""Prints results as text; with `--json`, commands print what the HTTP API returns instead."""

import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sourcebook.index.article import LeadKind
from sourcebook.service.asking.answer import STATUSES
from sourcebook.service.asking.citation import LEADS
from sourcebook.service.asking.disagreement import dated
from sourcebook.service.cli.explaining import explanation
from sourcebook.service.notation.answers import (
    AnswerOut,
    CitationOut,
    CitedOut,
    ContextOut,
    DisagreementOut,
    JudgementsOut,
    SearchOut,
    VerifyOut,
    WrittenOut,
)
from sourcebook.service.notation.articles import ArticleFull, ArticleOut, ArticlesPage, PassagesOut
from sourcebook.service.notation.library import (
    AddedOut,
    BackupOut,
    CheckOut,
    ExportedOut,
    FailureOut,
    LibraryOut,
    LibraryRestoredOut,
    PurgedOut,
    RemovedOut,
    RestoredOut,
    TrashOut,
    UpgradedOut,
)

# Articles are untrusted: control characters could command the terminal, and signs of direction
# could show a line in another order, so they are replaced.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

Line = Callable[..., None]


def console() -> Console:
    """A console on the current standard output that never wraps, so quotes stay verbatim."""
    return Console(
        file=sys.stdout, soft_wrap=True, markup=False, highlight=False, emoji=False, width=None
    )


def answer(found: AnswerOut) -> None:
    """Print an answer: its sentences with note numbers, then the notes."""
    say = printer()
    confidence = f"{found.confidence_in_words}, {found.confidence:.2f}"
    say(f"{STATUSES[found.status]} (confidence: {confidence})", style="bold")
    for note in found.notes:
        say(note)
    if found.short:
        say(f"\nIn short: {found.short.text} [{found.short.citation}]", style="bold")
    if found.written:
        _written(say, found.written)
    cited = {citation.number: citation for citation in found.citations}
    for sentence in found.sentences:
        _context(say, cited[sentence.citations[0]].context)
        say(f"\n{noted(sentence.text, sentence.citations)}")
    for matter in found.disagreements:
        _disagreement(say, matter)
    if found.publishers > 1:
        say(f"\nFrom {found.publishers} independent publishers.")
    if found.reason_in_words:
        say(found.reason_in_words)
    if found.nearest:
        say("\nClosest passages:")
    for citation in found.nearest:
        _context(say, citation.context)
        say(f"\n  “{citation.exact}” [{citation.number}]")
    if found.citations or found.nearest:
        say()
    for citation in (*found.citations, *found.nearest):
        _reference(say, citation, outdated=citation.number in found.outdated)
    if found.explanation:
        explanation(say, found.explanation, answered=found.status == "answered")


def _context(say: Line, context: Iterable[ContextOut]) -> None:
    """Print what a quote is not understood without, before the quote."""
    for need in context:
        say(f"\n{LEADS[LeadKind(need.kind)].capitalize()}: “{need.exact}”")


def _disagreement(say: Line, found: DisagreementOut) -> None:
    say(f"\n{found.heading}: {found.matter}", style="bold")
    for side in found.sides:
        when = dated(side.published, side.modified)
        say(f"  {side.value} ({when}): “{side.text}” [{side.citation}]")


def noted(text: str, numbers: Sequence[int]) -> str:
    """A sentence followed by its note numbers."""
    return f"{text} {''.join(f'[{number}]' for number in numbers)}"


def _written(say: Line, written: WrittenOut) -> None:
    """Print the model's sentences and those that were dropped; verbatim sentences follow."""
    for sentence in written.sentences:
        say(f"\n{noted(sentence.text, sentence.citations)}")
    if written.failure:
        say(f"\n{written.model} wrote nothing: {written.failure}.", style="yellow")
    for drop in written.dropped:
        say(f"    dropped: “{drop.text}” ({drop.reason})", style="dim")
    if written.sentences:
        say(f"\nThe text above was written by {written.model}. Verbatim:", style="bold")


def _reference(say: Line, citation: CitationOut, *, outdated: bool = False) -> None:
    note = " (a newer source says something else)" if outdated else ""
    say(f"[{citation.number}] {citation.reference}{note}")
    place = f"article {citation.article.id}, characters {citation.start} to {citation.end}"
    for need in citation.context:
        place += f", with its {LEADS[LeadKind(need.kind)]} at {need.start} to {need.end}"
    say(f"    {place}", style="dim")
    if citation.link:
        say(f"    {citation.link}", style="dim")
    for other in citation.also:
        say(f"    also in: {other.title or other.source} ({other.publisher})", style="dim")


def search(found: SearchOut) -> None:
    """Print passages, best first, each under its article's title."""
    say = printer()
    if not found.hits:
        say("No passages found.")
    for hit in found.hits:
        article = hit.citation.article
        known = ", ".join(filter(None, [article.publisher, article.published]))
        say(f"{hit.citation.number}. {article.title or article.source} ({known})", style="bold")
        say(f"   {hit.passage.text}")
        place = f"passage {hit.passage.id} of article {article.id}"
        say(f"   {place}, score {hit.citation.scores.fused:.3f}\n", style="dim")


def added(found: AddedOut) -> None:
    """Print what was added, what failed, and the totals."""
    say = printer()
    for outcome in found.outcomes:
        article = outcome.article
        if outcome.action != "unchanged":
            copy = f" (a copy of {article.copy_of})" if article.copy_of else ""
            say(f"{outcome.action:<9} {article.id}  {article.title or article.source}{copy}")
    for failure in found.failures:
        _failure(say, failure)
    actions = [outcome.action for outcome in found.outcomes]
    counts = [f"{actions.count(name)} {name}" for name in ("added", "replaced", "unchanged")]
    say(", ".join([*counts, f"{len(found.failures)} failed"]), style="bold")


def removed(found: RemovedOut) -> None:
    """Print the removed articles."""
    say = printer()
    for article in found.removed:
        say(f"removed   {article.id}  {article.title or article.source}")


def trash(found: TrashOut) -> None:
    """Print the articles in the trash, a line each."""
    say = printer()
    for one in found.trash:
        day = one.until.partition("T")[0]
        say(f"{one.id}  until {day}  {one.title or one.source}")
    if not found.trash:
        say("The trash is empty.")


def restored(found: RestoredOut) -> None:
    """Print the articles that are back."""
    say = printer()
    for article in found.restored:
        say(f"restored  {article.id}  {article.title or article.source}")


def purged(found: PurgedOut) -> None:
    """Print the ids of the articles that were deleted."""
    say = printer()
    for one in found.purged:
        say(f"deleted   {one}")
    if not found.purged:
        say("The trash was empty.")


def articles(page: ArticlesPage) -> None:
    """Print a table on a terminal, and tab-separated lines otherwise."""
    rows = [_row(article) for article in page.articles]
    table(("id", "published", "publisher", "title", "source"), rows, whole=("id", "published"))
    further(page)


def further(page: ArticlesPage) -> None:
    """Say on a terminal which part of the list this is, unless it is all."""
    last = page.offset + len(page.articles)
    if page.total > len(page.articles) and console().is_terminal:
        first = min(page.offset + 1, last)
        told = f"{first} to {last} of {page.total}; for more: --offset {last}"
        console().print(told, style="dim")


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, whole: Collection[str] = ()
) -> None:
    """Print a table on a terminal, and tab-separated lines without the head otherwise.

    The columns named in `whole` are never wrapped.
    """
    out = console()
    lines = [[one_line(cell) for cell in row] for row in rows]
    if not out.is_terminal:
        for line in lines:
            print("\t".join(line))
        return
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for name in head:
        shown.add_column(name, no_wrap=name in whole, overflow="fold")
    for line in lines:
        shown.add_row(*map(Text, line))
    out.print(shown, soft_wrap=False)


def _row(article: ArticleOut) -> tuple[str, ...]:
    return (
        article.id,
        article.published or "",
        article.publisher,
        article.title,
        article.source,
    )


def article(found: ArticleFull) -> None:
    """Print an article's metadata, then its text."""
    say = printer()
    for name in ("title", "authors", "publisher", "published", "modified", "retrieved", "url"):
        _fact(say, name, getattr(found, name))
    for name in ("language", "tags", "source", "id", "sha256", "copy_of", "passages", "added"):
        _fact(say, name, getattr(found, name))
    for name, value in found.extra.items():
        _fact(say, name, value)
    for name, page in found.corrected.items():
        said = ", ".join(page) if isinstance(page, list) else page
        _fact(say, "corrected", f"{name}; the page says: {said or 'nothing'}")
    for one in found.attention:
        _fact(say, "attention", f"{one.message} {one.cure}")
    say(f"\n{found.text}")


def removals(found: ArticleFull) -> None:
    """Print the cleaning report: what was removed, by which rule."""
    say = printer()
    for removal in found.removals:
        say(f"{removal.rule} ({removal.start} to {removal.end})", style="bold")
        say(f"{removal.text}\n")
    say(f"{len(found.removals)} removals")


def passages(found: PassagesOut) -> None:
    """Print the passages of an article with their headings."""
    say = printer()
    for passage in found.passages:
        headings = " > ".join(passage.headings)
        place = f"{passage.id} ({passage.start} to {passage.end}, {passage.kind})"
        say(f"{place}  {headings}".rstrip(), style="bold")
        say(f"{passage.text}\n")


def cited(found: CitedOut) -> None:
    """Print the text to paste, and nothing else."""
    printer()(found.text.replace("\r\n", "\n").rstrip())


def verdicts(found: VerifyOut) -> None:
    """Print each quote with its verdict."""
    say = printer()
    for verdict in found.verdicts:
        style = {"exact": "green", "not_found": "red"}.get(verdict.match, "yellow")
        say(f"{verdict.match.replace('_', ' ')}: “{verdict.quote}”", style=style)
        for place in verdict.locations:
            say(f"    {place.title}, article {place.article_id}, {place.start} to {place.end}")
            for need in place.context:
                what = LEADS[LeadKind(need.kind)]
                say(f"    its {what}: “{need.exact}”, {need.start} to {need.end}")
            if verdict.match == "normalised":
                say(f"    the article says: “{place.text}”")
    if not found.verdicts:
        say("The draft contains no quotation of three words or more.")


def judgements(found: JudgementsOut) -> None:
    """Print judgements, newest first."""
    say = printer()
    for judgement in found.judgements:
        say(f"{judgement.verdict:<12} {judgement.question}", style="bold")
        for quote in judgement.quotes:
            say(f"    “{quote.text}”")
            say(f"    {quote.source}, {quote.start} to {quote.end}", style="dim")
        if judgement.note:
            say(f"    {judgement.note}")
    say(f"{len(found.judgements)} judgements")


def checked(found: CheckOut) -> None:
    """Print each damage with its cure, a line each."""
    say = printer()
    for damage in found.damage:
        say(f"{damage.what} {damage.cure}")
    if not found.damage:
        say("No damage found.")


def library(found: LibraryOut) -> None:
    """Print what the library contains, and what could not be added."""
    say = printer()
    for name in ("folder", "generation", "fingerprint", "encoder", "articles", "copies"):
        _fact(say, name, getattr(found, name))
    for name in ("passages", "publishers", "languages"):
        _fact(say, name, getattr(found, name))
    _fact(say, "bytes", ", ".join(f"{name} {size:,}" for name, size in found.bytes.items()))
    if found.upgrade:
        to = found.upgrade
        _fact(say, "upgrade", f"to {to.encoder}: {to.done:,} of {to.total:,} passages")
    _fact(say, "failures", found.failures)
    for failure in found.failed:
        _failure(say, failure)
    if found.failed:
        say("To try these again: sourcebook add --retry", style="dim")


def upgraded(found: UpgradedOut) -> None:
    """Print what an upgrade did."""
    say = printer()
    if not found.upgraded:
        say(f"The library has the encoder {found.encoder} already.")
        return
    say(f"Encoded {found.articles} articles with {found.encoder}: {found.passages:,} passages.")
    say(f"The database as it was before: {found.copy_kept} (delete it when you like)", style="dim")


def backed_up(found: BackupOut) -> None:
    """Print what a backup holds."""
    say = printer()
    articles = _many(found.articles, "article")
    say(f"{found.file} holds {articles} in {found.bytes:,} bytes, and is whole.")
    say(f"library {found.uuid}, generation {found.generation}, {found.encoder}", style="dim")


def library_restored(found: LibraryRestoredOut) -> None:
    """Print what was put back, and where the library is that was there before."""
    say = printer()
    articles = _many(found.backup.articles, "article")
    say(f"Restored {articles} from {found.backup.file} to {found.folder}.")
    if found.kept:
        say(f"What was there before: {found.kept} (delete it when you like)", style="dim")


def exported(found: ExportedOut) -> None:
    """Print how many articles were exported, and those that were not."""
    say = printer()
    say(f"{found.path} holds {_many(found.articles, 'article')} in {_many(found.files, 'file')}.")
    for source in found.without_raw:
        say(f"without its original bytes, which are too large: {source}", style="dim")
    for failure in found.failures:
        _failure(say, failure)


def _many(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _failure(say: Line, failure: FailureOut) -> None:
    say(f"failed    {failure.source}: {failure.message} {failure.cure}".rstrip(), style="red")


def _fact(say: Line, name: str, value: object) -> None:
    if isinstance(value, Mapping):
        value = [f"{key}: {one}" for key, one in value.items()]
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = ", ".join(str(one) for one in value)
    if value not in (None, ""):
        say(f"{name:<12} {one_line(str(value))}")


def printer() -> Line:
    """Says a line on standard output, in a style on a terminal."""
    out = console()

    def say(text: str = "", style: str | None = None) -> None:
        if out.is_terminal:
            out.print(_clean(text), style=style)
        else:  # rich would replace tabs with spaces
            print(_clean(text))

    return say


def _clean(text: str) -> str:
    return CONTROL.sub("\ufffd", text)


def one_line(text: str) -> str:
    """A cell of a table: no line break or tab in it can forge another one."""
    return " ".join(_clean(text).split())
