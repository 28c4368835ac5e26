"""The engine: one question in, one answer out; the same for askers and evaluators."""

from collections.abc import Callable
from dataclasses import dataclass

from sourcebook.index.encoding.reader import Reader
from sourcebook.index.library import Library
from sourcebook.index.profile import Profile
from sourcebook.index.storage.records import Filter
from sourcebook.service.asking.answer import Answer
from sourcebook.service.asking.compose import Compose, FoundPassage
from sourcebook.service.asking.decide import Decide
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
    """All that one question brought: the whole ranking, its best passages, and the answer."""

    query: Query
    ranking: Ranking
    passages: tuple[FoundPassage, ...]
    answer: Answer


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
            timed = view.watch.timed
            query = timed("plan", self.plan, question, view)
            found = self.search(query, view, chosen, COLLAPSED)
            ranking = timed("rank", self.rank, query, found, view.sourced, COLLAPSED)
            ranking = timed("read", self.read, query, ranking)
            decision = timed("decide", self.decide, query, ranking, view, chosen)
            answer = timed("compose", self.compose, query, ranking, decision, view)
        return self.still_there(answer)

    def find(self, question: str, chosen: Filter | None = None, limit: int = 10) -> Found:
        """The best `limit` passages, each with its best sentences as the quote."""
        depth = max(limit, COLLAPSED)
        with self.library.view() as view:
            timed = view.watch.timed
            query = timed("plan", self.plan, question, view)
            found = self.search(query, view, chosen, depth)
            ranking = timed("rank", self.rank, query, found, view.sourced, depth)
            ranking = timed("read", self.read, query, ranking)
            return Found(
                query=query,
                hits=timed("compose", self.compose.passages, query, ranking, limit, view),
                generation=view.generation,
                fingerprint=view.fingerprint,
                seconds=view.watch.seconds,
            )

    def examine(self, question: str, limit: int = 10) -> Examined:
        """The answer, with the ranking of all candidates and the best `limit` passages."""
        with self.library.view() as view:
            timed = view.watch.timed
            query = timed("plan", self.plan, question, view)
            found = self.search(query, view, None, None)
            ranking = timed("rank", self.rank, query, found, view.sourced, None)
            ranking = timed("read", self.read, query, ranking)
            decision = timed("decide", self.decide, query, ranking, view, None)
            answer = timed("compose", self.compose, query, ranking, decision, view)
            passages = self.compose.passages(query, ranking, limit, view)
        return Examined(query=query, ranking=ranking, passages=passages, answer=answer)

    def still_there(self, answer: Answer) -> Answer:
        """The answer without citations of articles that were removed or replaced since."""
        with self.library.view() as view:
            if view.generation == answer.generation:
                return answer
            texts = view.texts({citation.article.id for citation in answer.quoted})
        return answer.without(
            {
                citation.number
                for citation in answer.quoted
                if (text := texts.get(citation.article.id)) is None
                or text.sha256 != citation.text_sha256
            }
        )
