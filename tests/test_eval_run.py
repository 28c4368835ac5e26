"""Runs: questions asked, measured by hand-checked values, interrupted, resumed and imported."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, MakeLibrary, article_from

from sourcebook.eval.cli.evaluating import ABLATIONS, ALL_METHODS
from sourcebook.eval.data.articles import corpus_articles
from sourcebook.eval.data.cached_library import build_cost, cached_library, default_cache, is_built
from sourcebook.eval.data.gold import Span, Wanted
from sourcebook.eval.data.judged import Evidence, JudgedQuestion, Quote, SourceArticle, load_judged
from sourcebook.eval.data.question_set import (
    Question,
    QuestionSet,
    judged_question_set,
    load_with_corpus,
)
from sourcebook.eval.data.trec import load_trec_run, save_trec_run
from sourcebook.eval.report.document import Found, Row
from sourcebook.eval.runs.hidden import ask_hidden
from sourcebook.eval.runs.imported_run import (
    ImportedRun,
    by_finding,
    by_name,
    exported_run,
    observed_run,
)
from sourcebook.eval.runs.observing import observe, sample
from sourcebook.eval.runs.partial_run import Partial
from sourcebook.eval.runs.scoring import identity, measured_rows, report_of
from sourcebook.eval.runs.subject import EngineSubject, Observation, articles_of, engine_for
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import InputError, UnreadableError
from sourcebook.service.asking.engine import Engine

GOLD = REPOSITORY / "eval" / "gold" / "seeds.jsonl"
TEXT = "Coca fell by half. Nobody said why. The minister left in May."
NOTE = article_from(TEXT, "note")
ARTICLES: dict[str, SourceArticle] = {NOTE.id: NOTE}

STAGES = {
    "plan",
    "encode",
    "catch_up",
    "dense",
    "lexical",
    "load",
    "rank",
    "read",
    "decide",
    "compose",
}


class Scripted:
    """A subject whose every reply is written down, so that the measures are known."""

    method = "scripted"
    threshold = 0.5

    def __init__(self, replies: Mapping[str, Observation], stop_after: int = -1) -> None:
        self.replies = replies
        self.left = stop_after
        self.heard: list[str] = []

    def ask(self, question: str) -> Observation:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        self.heard.append(question)
        return self.replies[question]

    def articles(self) -> Mapping[str, SourceArticle]:
        return ARTICLES

    def identity(self) -> dict[str, Any]:
        return {"library": "notes"}

    def cost(self) -> dict[str, Any]:
        return {"articles": 1}


def quote(text: str) -> Found:
    start = TEXT.index(text)
    return Found(NOTE.id, "note", start, start + len(text), text)


def reply(*cited: Found, status: str = "answered", confidence: float = 0.9) -> Observation:
    whole = Found(NOTE.id, "note", 0, len(TEXT), TEXT, 1.0)
    return Observation(
        articles={NOTE.id: 1.0},
        passages=(whole,),
        quotes=(quote("Coca fell by half."),),
        cited=cited,
        status=status,
        confidence=confidence,
        seconds={"total": 0.5},
    )


def question(name: str, text: str | None, **more: Any) -> Question:
    if text is None:
        return Question(id=name, text=name, answerable=False)
    start = TEXT.index(text)
    wanted = Wanted(((Span(NOTE.id, start, start + len(text)),),))
    return Question(id=name, text=name, wanted=wanted, relevant={NOTE.id: 1}, **more)


TASK = QuestionSet(
    name="notes",
    questions=(
        question("how much", "Coca fell by half.", type="number"),
        question("when", "The minister left in May.", type="date"),
        question("who", None),
    ),
)
REPLIES = {
    "how much": reply(quote("Coca fell by half.")),
    "when": reply(quote("Nobody said why."), quote("The minister left in May.")),
    "who": reply(status="not_in_library", confidence=0.1),
}


def rows_of(replies: Mapping[str, Observation], question_set: QuestionSet = TASK) -> dict[str, Row]:
    return {row.id: row for row in measured_rows(question_set, replies, ARTICLES)}


def test_each_measure_of_a_known_run_has_its_value() -> None:
    rows = rows_of(REPLIES)
    first, second = rows["how much"].measures, rows["when"].measures
    assert first["Hit@1"] == first["PassageRR@10"] == first["Success@1"] == first["nDCG@10"] == 1
    # The passage has 12 words, the gold 4, and the best sentences are exactly the gold.
    assert first["SpanRecall@5"] == 1
    assert first["SpanPrecision@5"] == first["SpanIoU@5"] == pytest.approx(4 / 12)
    assert (first["EvidenceRecall@10"], second["EvidenceRecall@10"]) == (1, 0)
    assert first["QuoteRecall"] == first["QuotePrecision"] == first["QuoteIoU"] == 1
    assert second["QuoteRecall"] == second["QuotePrecision"] == second["QuoteIoU"] == 0
    assert (first["CitationPrecision"], second["CitationPrecision"]) == (1, 0.5)
    assert first["CitationRecall"] == second["CitationRecall"] == 1
    assert second["CitedArticles"] == 1
    assert (first["EvidenceFirst"], second["EvidenceFirst"]) == (1, 0)
    assert first["EvidenceShown"] == second["EvidenceShown"] == 1
    assert first["StatusRight"] == second["StatusRight"] == 1
    assert rows["who"].measures == {"Exact": 1, "StatusRight": 1}


def test_a_short_answer_is_measured_where_it_was_judged() -> None:
    asked = tuple(
        replace(each, short=short)
        for each, short in zip(TASK.questions, (("by half",), None, ()), strict=True)
    )
    replies = {
        "how much": replace(REPLIES["how much"], short="half"),
        "when": replace(REPLIES["when"], short="May"),
        "who": replace(reply(quote("Nobody said why.")), short="The minister"),
    }
    rows = rows_of(replies, replace(TASK, questions=asked))
    first, second, third = (rows[each.id].measures for each in asked)
    assert (first["ShortGiven"], first["ShortRight"]) == (1, 0)
    assert first["ShortF1"] == pytest.approx(2 / 3)
    assert "ShortGiven" not in second
    # Nothing answers the third, so any short answer is wrong, and so is the status.
    assert (third["ShortGiven"], third["ShortRight"], third["StatusRight"]) == (1, 0, 0)


def test_the_report_measures_silence_speed_and_says_what_decided_it() -> None:
    subject = Scripted(REPLIES)
    report = report_of(TASK, observe(subject, TASK.questions), subject)
    assert report.abstention is not None
    assert (report.abstention.auroc, report.abstention.accuracy) == (1.0, 1.0)
    assert report.threshold == 0.5
    assert report.cost["questions_per_second"] == pytest.approx(2.0)
    assert report.fingerprint["library"] == "notes"
    assert report.fingerprint["questions"] == TASK.fingerprint
    assert {"sourcebook", "subject"} <= report.fingerprint.keys()
    assert report.machine["cores"]


def test_a_quote_that_is_not_in_its_article_is_counted() -> None:
    wrong = replace(quote("Coca fell by half."), text="Coca rose by half.")
    rows = rows_of(REPLIES | {"how much": reply(wrong)})
    assert rows["how much"].measures["Exact"] == 0.5
    assert rows["when"].measures["Exact"] == 1


def test_a_question_that_was_never_asked_scores_zero() -> None:
    rows = rows_of({key: REPLIES[key] for key in ("how much", "who")})
    assert rows["when"].measures["Hit@1"] == 0
    assert rows["when"].measures["nDCG@10"] == 0


def test_a_refused_question_scores_zero_and_says_why(engine: Engine) -> None:
    asked = EngineSubject(engine).ask("coca " * 500)
    assert asked.problem.startswith("The question has 2,4")
    row = rows_of(REPLIES | {"when": asked})["when"]
    assert (row.problem, row.status, row.confidence) == (asked.problem, "not_in_library", 0.0)
    assert row.measures["Hit@1"] == row.measures["CitationRecall"] == 0


def test_a_sample_is_the_same_for_the_same_seed_and_keeps_the_order() -> None:
    question_set = QuestionSet(
        name="many", questions=tuple(question(f"q{i:02}", None) for i in range(40))
    )
    ids = [each.id for each in sample(question_set, 10, seed=1).questions]
    assert ids == [each.id for each in sample(question_set, 10, seed=1).questions]
    assert ids == sorted(ids)
    assert ids != [each.id for each in sample(question_set, 10, seed=2).questions]
    assert sample(question_set, 99, seed=1) == sample(question_set, None, seed=1) == question_set
    with pytest.raises(InputError, match="limit is 0"):
        sample(question_set, 0, seed=1)


def interrupted(path: Path, after: int) -> None:
    subject = Scripted(REPLIES, stop_after=after)
    with (
        pytest.raises(KeyboardInterrupt),
        Partial(path, identity(TASK, subject), resume=False) as partial,
    ):
        observe(subject, TASK.questions, log=partial.log)


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("torn", ["", '{"id": "when", "asked": {"arti'])
def test_an_interrupted_and_resumed_run_equals_an_uninterrupted_one(
    tmp_path: Path, after: int, torn: str
) -> None:
    path = tmp_path / "run.partial"
    interrupted(path, after)
    with path.open("a", encoding="utf-8") as file:
        file.write(torn)
    subject = Scripted(REPLIES)
    with Partial(path, identity(TASK, subject), resume=True) as partial:
        observed = observe(subject, TASK.questions, partial.known, partial.log)
    assert subject.heard == [each.text for each in TASK.questions[after:]]
    assert dict(observed.by_question) == REPLIES
    again = Partial(path, identity(TASK, subject), resume=True)
    assert again.known == REPLIES


def test_another_run_is_not_resumed(tmp_path: Path) -> None:
    path = tmp_path / "run.partial"
    interrupted(path, 1)
    other = identity(sample(TASK, 2, 0), Scripted(REPLIES)) | {"library": "others"}
    with pytest.raises(InputError, match=r"is of another run: library, questions differ") as caught:
        Partial(path, other, resume=True)
    assert "without --resume" in caught.value.cure
    assert Partial(path, other, resume=False).known == {}


@pytest.mark.parametrize("damage", ["nonsense\n", '{"id": "q", "asked": {"status": 3}}\n', "[]\n"])
def test_a_damaged_partial_run_is_refused_by_file_and_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "run.partial"
    interrupted(path, 1)
    with path.open("a", encoding="utf-8") as file:
        file.write(damage)
    with pytest.raises(InputError, match=r"run\.partial:3"):
        Partial(path, identity(TASK, Scripted(REPLIES)), resume=True)


def test_every_method_ranks_cites_and_quotes_exactly(engine: Engine) -> None:
    articles = articles_of(engine.library)
    question_set = sample(judged_question_set("seeds", load_judged(GOLD), articles), 6, seed=3)
    assert question_set.missing == ()
    for method in (*ALL_METHODS, *ABLATIONS):
        subject = EngineSubject(engine_for(engine.library, method))
        report = report_of(question_set, observe(subject, question_set.questions), subject)
        assert report.measures["Exact"].mean == 1.0
        assert report.latency.keys() == {*STAGES, "total"}
        assert report.fingerprint["method"] == method
        assert report.abstention is not None
    with pytest.raises(InputError, match="method is 'dance'"):
        engine_for(engine.library, "dance")


def test_a_question_with_its_articles_hidden_finds_others_only(engine: Engine) -> None:
    subject = EngineSubject(engine)
    text = "How many member states adopted the resolution?"
    shown = subject.ask(text)
    best = next(iter(shown.articles))
    rest = subject.ask(text, (best,))
    assert rest.articles
    assert best not in rest.articles
    everything = subject.ask(text, tuple(subject.articles()))
    assert (everything.status, everything.confidence) == ("not_in_library", 0)
    asked = QuestionSet(
        name="one",
        questions=(
            Question(id="a", text=text, relevant={best: 1}),
            Question(id="b", text=text, answerable=False),
        ),
    )
    found = ask_hidden(asked, subject, {"a": shown, "b": shown})
    assert found is not None
    assert found.asked == 1
    assert found.answered == float(rest.status == "answered")
    assert found.auroc == float((shown.confidence or 0) > (rest.confidence or 0))
    assert ask_hidden(replace(asked, questions=asked.questions[1:]), subject, {}) is None


def test_an_article_that_prints_the_same_passage_is_ranked_behind_it(
    make_library: MakeLibrary,
) -> None:
    same = "The council doubled the fines for dumping waste on Tuesday, the mayor said. " * 3
    library = make_library(gazette=same, herald=same, recipe="Knead the dough for ten minutes.")
    asked = EngineSubject(Engine.of(library)).ask("Who doubled the fines for dumping?")
    names = [library.article(article).metadata.title for article in asked.articles]
    assert sorted(names[:2]) == ["gazette", "herald"]


def test_gold_that_is_not_in_the_library_is_named(engine: Engine) -> None:
    gold = JudgedQuestion(id="q", question="why?", evidence=(Evidence(Quote("gone.md", "x")),))
    question_set = judged_question_set("g", [gold], articles_of(engine.library))
    assert [(each.question, each.reason) for each in question_set.missing] == [
        ("q", "no such article")
    ]
    assert question_set.questions[0].relevant is None


def test_a_cached_library_is_built_once(encoder: Encoder, tmp_path: Path) -> None:
    articles = [NOTE, article_from("The senate met. It voted in June.", "senate")]
    library, building = cached_library(articles, encoder, tmp_path)
    with library:
        assert not is_built(library)
        assert list(building) == [1, 2]
        assert is_built(library)
        assert build_cost(library)["passages_per_second"] > 0
    again, building = cached_library(articles, encoder, tmp_path)
    with again:
        assert again.folder == library.folder
        assert list(building) == []
    other, building = cached_library(articles[:1], encoder, tmp_path)
    with other:
        assert other.folder != library.folder


def test_an_interrupted_building_goes_on(encoder: Encoder, tmp_path: Path) -> None:
    def broken() -> Iterator[int]:
        library, building = cached_library([NOTE], encoder, tmp_path)
        with library:
            yield next(building)

    assert list(broken()) == [1]
    library, building = cached_library([NOTE], encoder, tmp_path)
    with library:
        assert not is_built(library)
        assert list(building) == [1]
        assert library.info()["articles"] == 1
        assert is_built(library)


def test_a_corpus_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("A text about coca.", encoding="utf-8")
    assert [each.source for each in corpus_articles(tmp_path)] == [str(tmp_path / "good.txt")]
    (tmp_path / "bad.txt").write_bytes(b"%PDF-1.4 nothing to read")
    with pytest.raises(UnreadableError, match=r"bad\.txt"):
        corpus_articles(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="has no articles"):
        corpus_articles(tmp_path / "empty")


def test_the_cache_has_a_documented_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_cache() == Path("/somewhere/sourcebook/libraries")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache() == Path.home() / ".cache" / "sourcebook" / "libraries"


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    """A tiny BEIR folder with one unanswerable question."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    rows = {
        "corpus.jsonl": [
            '{"_id": "d1", "title": "Coca", "text": "Coca fell by half in two years."}',
            '{"_id": "d2", "title": "Senate", "text": "The senate met in June to vote."}',
            '{"_id": "d3", "title": "Bread", "text": "Knead the dough for ten minutes."}',
        ],
        "queries.dev.jsonl": [
            '{"_id": "q1", "text": "How far did coca fall?"}',
            '{"_id": "q2", "text": "When did the senate vote?"}',
        ],
        "qrels.dev.tsv": ["query-id\tcorpus-id\tscore", "q1\td1\t1", "q2\td2\t1"],
        "unanswerable.dev.jsonl": ['{"_id": "u1", "text": "Who won the football cup?"}'],
    }
    for name, lines in rows.items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_an_exported_run_scores_the_same_when_it_is_imported(
    beir: Path, encoder: Encoder, tmp_path: Path
) -> None:
    question_set, documents = load_with_corpus(beir, "dev")
    library, building = cached_library(documents, encoder, tmp_path / "cache")
    with library:
        list(building)
        subject = EngineSubject(engine_for(library, "full"))
        observed = observe(subject, question_set.questions)
        ours = report_of(question_set, observed, subject)
    path = tmp_path / "ours.trec"
    save_trec_run(path, exported_run(question_set, observed.by_question, "full"))
    assert path.read_text("utf-8").split()[:3] == ["q1", "Q0", "d1"]
    run = load_trec_run(path)
    articles: dict[str, SourceArticle] = {each.id: each for each in documents}
    theirs = report_of(
        question_set,
        observed_run(question_set, run, by_name(question_set)),
        ImportedRun(run, articles),
    )
    assert theirs.measures
    assert all(ours.measures[name] == value for name, value in theirs.measures.items())
    assert theirs.abstention is None
    assert theirs.method == "full"


def test_a_run_names_articles_of_judged_questions_as_people_do(tmp_path: Path) -> None:
    path = tmp_path / "theirs.trec"
    path.write_text("when Q0 note.txt 1 3.5 theirs\nwhen Q0 other 2 3.4 theirs\n", "utf-8")
    run = load_trec_run(path)
    observed = observed_run(TASK, run, by_finding(ARTICLES))
    assert list(observed.by_question["when"].articles) == [NOTE.id, "other"]
    rows = {row.id: row for row in measured_rows(TASK, observed.by_question, ARTICLES)}
    assert rows["when"].measures == {"nDCG@10": 1, "RR@10": 1, "Success@1": 1}
    assert rows["how much"].measures == {"nDCG@10": 0, "RR@10": 0, "Success@1": 0}


def test_a_run_of_other_questions_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "theirs.trec"
    path.write_text("q99 Q0 note 1 3.5 theirs\n", "utf-8")
    with pytest.raises(InputError, match="ranks none of the 3 questions of notes; it has 'q99'"):
        observed_run(TASK, load_trec_run(path), by_finding(ARTICLES))


def test_observed_keeps_what_was_known() -> None:
    observed = observe(Scripted(REPLIES), TASK.questions, {"how much": Observation()})
    assert observed.by_question["how much"] == Observation()
