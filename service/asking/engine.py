"""The engine: one question in, one answer out; the same for askers and evaluators."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sourcebook.index.encoding.reader import Reader
from sourcebook.index.library import Library
from sourcebook.index.profile import Profile
from sourcebook.index.search.candidates import Candidates
from sourcebook.index.search.view import LibraryView
from sourcebook.index.storage.records import Filter
from sourcebook.service.asking.answer import Answer
from sourcebook.service.asking.compose import Compose, FoundPassage
from sourcebook.service.asking.contradictions import Compare
from sourcebook.service.asking.decide import Decide
from sourcebook.service.asking.explanation import Explained, Explanation, explain
from sourcebook.service.asking.query import Query, Vocabulary, plan
from sourcebook.service.asking.rank import COLLAPSED, Rank, Ranking
from sourcebook.service.asking.read import Read, ReadHits, no_reader
from sourcebook.service.asking.search import Search
from sourcebook.service.asking.variants import READ, variant


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Ranked passages, best first."""

    query: Query
    hits: tuple[FoundPassage, ...]
    generation: int
    fingerprint: str
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """All that one question brought: the whole ranking, its best passages, and the answer.

    `ranked` is the ranking before its best hits were read.
    """

    query: Query
    ranked: Ranking
    ranking: Ranking
    passages: tuple[FoundPassage, ...]
    answer: Answer


@dataclass(frozen=True, slots=True)
class _Course:
    """What the first stages made of a question."""

    query: Query
    found: Candidates
    ranked: Ranking
    read: Ranking


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Answers questions from one library, stage by stage; an ablation is another value.

    `method` names the variant of the profile that the stages were made of, `fingerprint` the
    library with the encoder that the profile is for.
    """

    library: Library
    fingerprint: str
    profile: Profile
    method: str
    search: Search
    rank: Rank
    decide: Decide
    compare: Compare
    compose: Compose
    read: Read = no_reader
    reader: Reader | None = None
    plan: Callable[[str, Vocabulary], Query] = plan

    @classmethod
    def of(
        cls,
        library: Library,
        method: str = "full",
        *,
        profile: Profile | None = None,
        reader: Reader | None = None,
    ) -> "Engine":
        """The engine on a library, with the profile of its encoder unless another is given.

        A `reader` reads only in the method `full` and where a part of it is left out. Raises
        `InputError` for a method that there is not.
        """
        used = variant(profile or library.encoder.profile, method)
        reading = used.reading if reader and method in READ else None
        return cls(
            library=library,
            fingerprint=library.fingerprint,
            profile=used,
            method=method,
            search=Search(used.dense_count, used.lexical_count),
            rank=Rank(used.weights),
            decide=Decide(
                reading.calibration if reading else used.calibration, used.evidence.near_best
            ),
            compare=Compare(
                used.evidence, reader if reading else None, reading.further if reading else 0
            ),
            compose=Compose(used),
            read=ReadHits(reader, reading.count, reading.order)
            if reader and reading
            else no_reader,
            reader=reader,
        )

    def fitting(self) -> "Engine":
        """This engine; after an upgrade of the library, one with its new encoder's profile."""
        if self.fingerprint == self.library.fingerprint:
            return self
        return Engine.of(self.library, self.method, reader=self.reader)

    def ask(self, question: str, chosen: Filter | None = None) -> Answer:
        """Answer a question from the articles that the filter lets through."""
        with self.library.view() as view:
            answer = self._answer(self._rank(question, view, chosen, COLLAPSED), view, chosen)
        return self.still_there(answer)

    def explain(self, question: str, chosen: Filter | None = None) -> Explained:
        """The same answer, and how it came about."""
        with self.library.view() as view:
            course = self._rank(question, view, chosen, COLLAPSED)
            answer = self._answer(course, view, chosen)
            explanation = view.watch.timed(
                "explain",
                explain,
                answer,
                # What ranked lower never reached the answer, and is ranked for people alone.
                self.rank(course.query, course.found, view.sourced, None),
                course.read,
                found=len(course.found.items),
                needed=self.decide.calibration.answered,
                view=view,
                chosen=chosen,
            )
        return Explained(self.still_there(answer), self.still_held(explanation))

    def find(self, question: str, chosen: Filter | None = None, limit: int = 10) -> Found:
        """The best `limit` passages, each with its best sentences as the quote."""
        with self.library.view() as view:
            course = self._rank(question, view, chosen, max(limit, COLLAPSED))
            passages = self.compose.passages
            return Found(
                query=course.query,
                hits=view.watch.timed("compose", passages, course.query, course.read, limit, view),
                generation=view.generation,
                fingerprint=view.fingerprint,
                seconds=view.watch.seconds,
            )

    def examine(self, question: str, limit: int = 10, chosen: Filter | None = None) -> Examined:
        """The answer, with the ranking of all candidates and the best `limit` passages."""
        with self.library.view() as view:
            course = self._rank(question, view, chosen, None)
            answer = self._answer(course, view, chosen)
            passages = self.compose.passages(course.query, course.read, limit, view)
        return Examined(
            query=course.query,
            ranked=course.ranked,
            ranking=course.read,
            passages=passages,
            answer=answer,
        )

    def still_there(self, answer: Answer) -> Answer:
        """The answer without citations of articles that were removed or replaced since."""
        used = {citation.article.id: citation.text_sha256 for citation in answer.quoted}
        gone = self._gone(used, answer.generation)
        return answer.without(
            {citation.number for citation in answer.quoted if citation.article.id in gone}
        )

    def still_held(self, explanation: Explanation) -> Explanation:
        """The explanation without passages of articles that were removed or replaced since."""
        used = {each.article_id: each.article_sha256 for each in explanation.passages}
        return explanation.without(self._gone(used, explanation.generation))

    def _rank(
        self, question: str, view: LibraryView, chosen: Filter | None, depth: int | None
    ) -> _Course:
        """The stages that put passages in order: the best `depth` of them, or all."""
        timed = view.watch.timed
        query = timed("plan", self.plan, question, view)
        found = self.search(query, view, chosen, depth)
        ranked = timed("rank", self.rank, query, found, view.sourced, depth)
        return _Course(query, found, ranked, timed("read", self.read, query, ranked))

    def _answer(self, course: _Course, view: LibraryView, chosen: Filter | None) -> Answer:
        """The stages that follow: what is said of the passages, and in which words."""
        timed = view.watch.timed
        decision = timed("decide", self.decide, course.query, course.read, view, chosen)
        differing = timed("read", self.compare, course.query, course.read, decision, view, chosen)
        return timed("compose", self.compose, course.query, course.read, decision, differing, view)

    def _gone(self, used: Mapping[str, str], generation: int) -> set[str]:
        """Those of the articles (id -> SHA-256) that are not as they were in that generation."""
        with self.library.view() as view:
            texts = view.texts(used) if view.generation != generation else None
        if texts is None:
            return set()
        return {one for one in used if one not in texts or texts[one].sha256 != used[one]}
