"""Where misses happen: how many questions each stage lost, for the commands and the page."""

from collections import Counter
from collections.abc import Mapping

from sourcebook.eval.measures.stages import ORDER
from sourcebook.eval.report.document import Report
from sourcebook.eval.report.elements import Html, el, table

# As people say it, in the order in which a question passes the stages.
STAGES = {
    "library": "not in the library",
    "search": "search",
    "ranking": "ranking",
    "reading": "reading",
    "decision": "decision",
    "evidence": "evidence",
}


def misses(report: Report) -> dict[str, int]:
    """Stage -> number of questions missed there, all stages; empty if none was missed."""
    found = Counter(row.missed_at for row in report.questions if row.missed_at)
    return {stage.value: found[stage.value] for stage in ORDER} if found else {}


def misses_table(runs: Mapping[str, Report]) -> Html | None:
    """A row for each stage, a column for each run; None if nothing is known of misses."""
    counts = [misses(report) for report in runs.values()]
    if not any(counts):
        return None
    rows = [
        el(
            "tr",
            el("th", words, scope="row"),
            *(el("td", str(found.get(stage, 0)), class_="number") for found in counts),
        )
        for stage, words in STAGES.items()
    ]
    caption = (
        "Questions whose gold quotes are not all cited, or that have no answer and were given one, "
        "by the stage that lost them."
    )
    return table(["Stage", *runs], [el("tbody", *rows)], caption, numbers=len(counts))
