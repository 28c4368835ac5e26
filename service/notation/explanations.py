"""Explanations as JSON: what each stage made of a question, and where to look for a fault."""

from pydantic import Field

from sourcebook.service.notation.responses import Returned

STAGES = "`library`, `search`, `ranking`, `reading` or `decision`"


class AskedWordOut(Returned):
    """A word of the question that says what it is about."""

    text: str
    rarity: float = Field(description="0 to 1; 1 for a word that no passage contains.")
    held: bool = Field(description="Whether a passage that was searched contains it.")


class ConsideredOut(Returned):
    """A passage that search found: its scores at each stage, and what became of it."""

    place: int = Field(description="Its final place, from 1.")
    article_id: str
    title: str
    passage_id: str
    start: int
    end: int
    opening: str = Field(description="Its first words.")
    dense: float = Field(description="Search by meaning: the cosine with the question.")
    lexical: float = Field(description="Search by words: BM25 as a share of the best possible.")
    late: float = Field(description="Ranking: how well each part of the question is matched.")
    window: float = Field(description="Ranking: the same, within its best few words.")
    score: float = Field(description="Ranking: the weighted sum that determines the order.")
    rank: int = Field(description="Its place after ranking, from 1.")
    logit: float | None = Field(
        description="Reading: whether it answers, above 0 for yes; null if it was not read."
    )
    read_score: float | None = Field(description="Reading: the score with the reader's verdict.")
    dropped: str | None = Field(
        description="The stage that kept it out of the answer: `ranking`, `reading` or `decision`; "
        "null if it is cited."
    )
    outcome: str = Field(description="What became of it, in words.", examples=["cited"])
    lacks: list[str] = Field(description="Words of the question that it does not contain.")
    copies: list[str] = Field(description="Titles of other articles that contain the same passage.")


class ExplanationOut(Returned):
    """What each stage made of the question, and where to look for a fault first."""

    stage: str = Field(
        description="Where a wrong answer, or a missing one, should be looked for first: "
        f"{STAGES}. A suggestion, made from what the stages saw."
    )
    because: str = Field(description="What speaks for that stage, in a sentence.")
    advice: str = Field(description="Where to look first, in a sentence.")
    words: list[AskedWordOut]
    found: int = Field(description="Number of passages that search found.")
    merged: int = Field(description="How many of them contain the same text as a better one.")
    read: int = Field(description="How many of them were read.")
    confidence: float
    needed: float = Field(description="The confidence from which on a question is answered.")
    passages: list[ConsideredOut] = Field(description="The best 20 at most, in their final order.")
