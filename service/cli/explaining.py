"""Prints an explanation as text: an account of what each stage made of a question."""

from collections.abc import Callable

from sourcebook.service.notation.explanations import ConsideredOut, ExplanationOut

LISTED = 10  # passages; `--json` lists all

Line = Callable[..., None]


def explanation(say: Line, found: ExplanationOut, *, answered: bool) -> None:
    """Print the suspected stage, then one paragraph for each stage."""
    say("\nWhy this answer" if answered else "\nWhy no answer", style="bold")
    say(f"{found.because} {found.advice}")
    same = f"; {found.merged} of them repeat the text of a better one" if found.merged else ""
    say(f"Search found {_passages(found.found)}{same}.")
    read = f"The reader read {_passages(found.read)}." if found.read else "No reader was at work."
    reached = "reaches" if found.confidence >= found.needed else "lies below"
    say(f"{read} The confidence, {found.confidence:.3f}, {reached} {found.needed:.3f}.")
    for passage in found.passages[:LISTED]:
        _passage(say, passage)
    if (rest := found.found - found.merged - LISTED) > 0:
        say(f"\nNot listed: {_passages(rest)} that came after these.", style="dim")


def _passages(number: int) -> str:
    return f"{number} passage{'' if number == 1 else 's'}"


def _passage(say: Line, found: ConsideredOut) -> None:
    say(f"\n{found.place}. {found.title}: {found.outcome}")
    say(f"   “{' '.join(found.opening.split())} …”")
    scores = f"meaning {found.dense:.2f}, words {found.lexical:.2f}; ranked {found.rank} with"
    read = f"; reader {found.logit:+.2f}" if found.logit is not None else ""
    say(f"   {scores} {found.score:.3f}{read}; passage {found.passage_id}", style="dim")
    if found.lacks:
        say(f"   does not contain: {', '.join(found.lacks)}", style="dim")
