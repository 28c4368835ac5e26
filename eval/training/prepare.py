"""Makes the arrays that encoder and reader are trained on."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tokenizers
from tokenizers import Tokenizer

from sourcebook.eval.training.changes import Changer, without_answer
from sourcebook.eval.training.prepared import Prepared, Spans, Texts
from sourcebook.eval.training.rows import Row, Span, read_rows
from sourcebook.eval.training.written import written_rows
from sourcebook.index.encoding.reader import CONTEXT_PIECES, PAIR_PIECES, QUESTION_PIECES

# What no question leaves room for is not kept: four marks stand around question and passage.
PASSAGE_PIECES = PAIR_PIECES - QUESTION_PIECES

# Pages of a benchmark of ours.
LEFT_OUT = ("feedbackqa", "feedbackqa_rated_who")
# So many changed questions of a pair come with a passage that is changed alike.
CHANGED_ALIKE = 2


class Preparation:
    """Collects texts and cuts them into word pieces."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Take the tokenizer that the models are shipped with."""
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer

    def prepare(
        self, pairs: Sequence[Row], unanswered: Sequence[Row], pool: Sequence[Row]
    ) -> Prepared:
        """All arrays; a passage that several rows have is kept once."""
        places: dict[tuple[str, str], int] = {}
        passages: list[Row] = []
        for row in (*pool, *pairs, *unanswered):
            if (row.set, row.passage) not in places:
                places[row.set, row.passage] = len(passages)
                passages.append(row)

        def numbers(rows: Sequence[Row]) -> list[int]:
            return [places[row.set, row.passage] for row in rows]

        changed = _Changed(pairs, Changer(pairs, pool))
        sets = sorted({row.set for row in passages})
        documents: dict[tuple[str, str], int] = {}
        cut = self._cut([row.passage for row in passages])
        changed_cut = self._cut(changed.passages)
        return Prepared(
            passages=_limited(cut, PASSAGE_PIECES),
            titles=self._texts([row.title for row in passages], CONTEXT_PIECES),
            documents=np.array(
                [documents.setdefault((r.set, r.document), len(documents)) for r in passages],
                np.int32,
            ),
            passage_sets=_set_numbers(passages, sets),
            questions=self._texts([row.question for row in pairs], QUESTION_PIECES),
            answering=np.array(numbers(pairs), np.int32),
            spans=_spans([cut[place] for place in numbers(pairs)], [row.span for row in pairs]),
            sets=_set_numbers(pairs, sets),
            held=np.array([row.is_held for row in pairs], np.bool_),
            without=np.array(changed.without, np.int32),
            unanswered=self._texts([row.question for row in unanswered], QUESTION_PIECES),
            misleading=np.array(numbers(unanswered), np.int32),
            unanswered_held=np.array([row.is_held for row in unanswered], np.bool_),
            changed_questions=self._texts(changed.questions, QUESTION_PIECES),
            changed_from=np.array(changed.origins, np.int32),
            changed_to=np.array(changed.targets, np.int32),
            changed_passages=_limited(changed_cut, PASSAGE_PIECES),
            changed_titles=self._texts(changed.titles, CONTEXT_PIECES),
            changed_spans=_spans(changed_cut, changed.spans),
            set_names=np.array(sets, np.str_),
        )

    def _cut(self, texts: Sequence[str]) -> list[tokenizers.Encoding]:
        return self._tokenizer.encode_batch(list(texts), add_special_tokens=False)

    def _texts(self, texts: Sequence[str], most: int) -> Texts:
        return _limited(self._cut(texts), most)


class _Changed:
    """The near misses of all pairs: lists as `Prepared` has them."""

    def __init__(self, pairs: Sequence[Row], changer: Changer) -> None:
        self.questions: list[str] = []
        self.origins: list[int] = []
        self.targets: list[int] = []
        self.passages: list[str] = []
        self.titles: list[str] = []
        self.spans: list[Span | None] = []
        self.without: list[int] = []
        for number, row in enumerate(pairs):
            rest = without_answer(row)
            self.without.append(self._passage(rest, row.title, None) if rest else -1)
            alike = 0
            for change in changer.changes(row):
                self.questions.append(change.question)
                self.origins.append(number)
                if change.passage is not None and alike < CHANGED_ALIKE:
                    alike += 1
                    self.targets.append(self._passage(change.passage, change.title, change.span))
                else:
                    self.targets.append(-1)

    def _passage(self, text: str, title: str, span: Span | None) -> int:
        self.passages.append(text)
        self.titles.append(title)
        self.spans.append(span)
        return len(self.passages) - 1


def _limited(cut: Sequence[tokenizers.Encoding], most: int) -> Texts:
    return Texts.of(each.ids[:most] for each in cut)


def _set_numbers(
    rows: Sequence[Row], sets: Sequence[str]
) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    numbers = {name: number for number, name in enumerate(sets)}
    return np.array([numbers[row.set] for row in rows], np.int32)


def _spans(cut: Sequence[tokenizers.Encoding], spans: Sequence[Span | None]) -> Spans:
    """The first and the last piece of each span, or -1 where it has none within the limit."""
    found = np.full((len(spans), 2), -1, np.int16)
    for number, span in enumerate(spans):
        if span:
            held = [
                piece
                for piece, (start, end) in enumerate(cut[number].offsets[:PASSAGE_PIECES])
                if start < end and start < span[1] and span[0] < end
            ]
            if held:
                found[number] = held[0], held[-1]
    return found


def main() -> None:
    """Prepare what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of *pairs, *unanswerable and *passages")
    parser.add_argument("tokenizer", type=Path, help="tokenizer.json of the shipped encoder")
    parser.add_argument("out", type=Path, help="the .npz file to write")
    options = parser.parse_args()
    pairs, unanswered, pool = (
        read_rows(options.data, kind, LEFT_OUT) for kind in ("pairs", "unanswerable", "passages")
    )
    written = written_rows([*pool, *pairs])
    pairs, unanswered = pairs + written[0], unanswered + written[1]
    prepared = Preparation(Tokenizer.from_file(str(options.tokenizer))).prepare(
        pairs, unanswered, pool
    )
    prepared.save(options.out)
    print(
        f"{len(pairs)} pairs, {len(prepared.passages)} passages, {len(unanswered)} unanswerable, "
        f"{len(prepared.changed_questions)} changed questions"
    )


if __name__ == "__main__":
    main()
