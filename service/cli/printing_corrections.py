"""Prints corrections, and which articles need attention, as text."""

from collections.abc import Sequence

from sourcebook.service.cli.printing import further, one_line, printer, table
from sourcebook.service.notation.articles import ArticlesPage, CorrectedOut


def corrected(found: CorrectedOut) -> None:
    """Print each field that changed, before and after, and what of the page is corrected now."""
    say, article = printer(), found.article
    say(f"corrected {article.id}  {article.title or article.source}", style="bold")
    for name, before in found.before.items():
        say(f"{name:<12} {_shown(before)} -> {_shown(getattr(article, name))}")
    if not found.before:
        say("Nothing changed: it says so already.")
    for name, page in article.corrected.items():
        say(f"    the page says of {name}: {_shown(page)}", style="dim")


def attention(page: ArticlesPage) -> None:
    """Print a table on a terminal, and tab-separated lines otherwise: article, reason, cure."""
    rows = [
        (article.id, article.title or article.source, one.message, one.cure)
        for article in page.articles
        for one in article.attention
    ]
    table(("id", "title", "why", "what to do"), rows, whole=("id",))
    further(page)


def _shown(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = ", ".join(map(str, value))
    return one_line(str(value)) if value else "(none)"
