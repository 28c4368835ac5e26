"""The synthetic corpus is always the same, of realistic lengths, and cut as it was made."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sourcebook.eval.bench.synthetic import (
    FEWEST_WORDS,
    MAX_PASSAGES,
    MOST_WORDS,
    PUBLISHERS,
    QUESTION_WORDS,
    SyntheticCorpus,
    vocabulary,
    word_shares,
)
from sourcebook.index.article import BlockKind
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import InputError
from sourcebook.index.passages import cut

WORDS = tuple("".join(letters) for letters in itertools.product("abcdefgh", repeat=5))[:6_000]


@given(passages=st.integers(1, 60), seed=st.integers(0, 2**32), pick=st.integers(0, 1_000))
@settings(max_examples=25, deadline=None)
def test_a_corpus_is_always_the_same_and_of_its_size(passages: int, seed: int, pick: int) -> None:
    corpus = SyntheticCorpus(WORDS, passages, seed)
    articles = list(corpus.articles())
    assert len(articles) == len(corpus)
    assert len({article.source for article in articles}) == len(corpus)
    number = pick % len(corpus)
    assert SyntheticCorpus(WORDS, passages, seed).article(number) == articles[number]
    paragraphs = 0
    for article in articles:
        assert article.metadata.publisher in corpus.publishers
        for block in article.blocks:
            if block.kind is BlockKind.PARAGRAPH:
                text = article.text[block.start : block.end]
                assert FEWEST_WORDS <= len(text.split()) <= MOST_WORDS
                assert text[0].isupper()
                assert text.endswith(".")
                paragraphs += 1
    assert paragraphs == passages


@given(seed=st.integers(0, 2**32))
@settings(max_examples=10, deadline=None)
def test_a_question_is_made_of_the_words_of_one_passage(seed: int) -> None:
    corpus = SyntheticCorpus(WORDS, 12, seed)
    assert corpus.questions(5) == corpus.questions(6)[:5]
    bags = [
        set(article.text[block.start : block.end].lower().replace(".", "").replace(",", "").split())
        for article in corpus.articles()
        for block in article.blocks
        if block.kind is BlockKind.PARAGRAPH
    ]
    for question in corpus.questions(5):
        words = question.rstrip("?").lower().split()
        assert QUESTION_WORDS[0] <= len(words) <= QUESTION_WORDS[1]
        assert any(set(words) <= bag for bag in bags)


def test_another_seed_makes_another_corpus() -> None:
    one, other = SyntheticCorpus(WORDS, 9, 0), SyntheticCorpus(WORDS, 9, 1)
    assert one.article(0) != other.article(0)
    assert one.questions(3) != other.questions(3)
    assert len(set(one.publishers)) == PUBLISHERS


@pytest.mark.parametrize("passages", [0, -1, MAX_PASSAGES + 1])
def test_a_size_out_of_range_is_refused(passages: int) -> None:
    with pytest.raises(InputError, match=f"{passages:,}"):
        SyntheticCorpus(WORDS, passages)


def test_a_library_cuts_a_corpus_into_the_passages_that_it_was_made_of(encoder: Encoder) -> None:
    words = tuple(vocabulary(encoder))
    assert {"the", "of", "and"} <= set(words[:60])
    assert word_shares(len(words)).sum() == pytest.approx(1)
    for article in SyntheticCorpus(words, 60).articles():
        made = [article.text[b.start : b.end] for b in article.blocks if b.kind == "paragraph"]
        passages = cut(article, encoder.piece_offsets, encoder.passage_pieces)
        assert [passage.text for passage in passages] == made
