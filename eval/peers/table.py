"""The comparison with peers as a table for docs/performance.md."""

from pathlib import Path

from sourcebook.eval.bench.tables import machine_line
from sourcebook.eval.data.dataclass_json import from_json
from sourcebook.eval.data.files import json_object, load_text
from sourcebook.eval.peers.compare import PeerComparison
from sourcebook.eval.report.markdown import Table
from sourcebook.eval.report.numbers import NONE
from sourcebook.index.errors import InputError


def peers_table(path: Path) -> str:
    """The comparison in the file `path`, or a sentence if there is none.

    Raises InputError for a file that is not a comparison.
    """
    if not path.exists():
        return "Not measured yet; `make bench-peers` does it."
    try:
        peers = from_json(PeerComparison, json_object(load_text(path), str(path)), "peers")
    except InputError as error:
        raise InputError(f"{path} is not a comparison with peers: {error.message}") from error
    head = [
        "system",
        "kind",
        "model loaded, s",
        "indexed, s",
        "documents/s",
        "passages/s",
        "p50, ms",
        "p95, ms",
        "p99, ms",
        "memory, MB",
        "ingest ×",
        "question ×",
        "note",
    ]
    rows = [
        [
            f"{each.name} {each.version}".strip(),
            each.kind,
            f"{each.load_s:.1f}",
            f"{each.index_s:.1f}",
            f"{each.documents_per_s:.1f}",
            NONE if each.passages_per_s is None else f"{each.passages_per_s:.1f}",
            f"{each.p50_ms:.1f}",
            f"{each.p95_ms:.1f}",
            f"{each.p99_ms:.1f}",
            f"{each.rss_mb:.0f}",
            f"{each.ingest_ratio:.2f}",
            f"{each.question_ratio:.2f}",
            ", ".join(filter(None, ["over HTTP" if each.http else "in process", each.note])),
        ]
        for each in peers.systems
    ]
    said = (
        f"{peers.documents:,} documents of {peers.corpus}, {peers.questions:,} questions, medians "
        f"of {peers.rounds} rounds in one run on {machine_line(peers.machine)}. *Ingest ×* is "
        "Sourcebook's documents per second divided by the system's, *question ×* the median of "
        "`/v1/ask` divided by the system's; both are medians of the ratios within rounds."
    )
    return f"{said}\n\n{Table('', head, rows).markdown()}"
