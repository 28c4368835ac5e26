"""Passages: exact spans of any text, whole sentences, within what the encoder can read."""

import itertools
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sourcebook.index import segmenting
from sourcebook.index.article import Article, Block, BlockKind, Metadata
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.parsing.structure import Part, led
from sourcebook.index.passages import MAX_WORDS, Passage, Span, cut, sentence_spans

DATA = Path(__file__).parent / "data"
GOLD = Path(__file__).parents[1] / "eval" / "gold"
WORDS = [
    "coca", "Petro", "U.S.", "Gen.", "25%", "2024-09-15", "decertification", "said.”", "“Never",
    "👩🏽‍🌾", "🇨🇴", "e\u0301tude", "ñandú", "السلام", "שלום", "毒品政策改革。", "大麻", "मादक", "ﬃ",
    "x" * 130, "\u202edesrever", "a\u0308\u0304\u0316", "½", "Sr.", "?!", "…", ".", "\u0007", "İ",
]  # fmt: skip
PROSE = st.lists(
    st.one_of(
        st.sampled_from(WORDS),
        st.text(
            st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
            min_size=1,
            max_size=12,
        ),
    ),
    min_size=1,
    max_size=60,
).map(" ".join)
LONG = st.tuples(PROSE, st.integers(1, 25)).map(lambda drawn: " ".join([drawn[0]] * drawn[1]))
BLOCKS = st.lists(
    st.builds(Part, st.sampled_from(list(BlockKind)), LONG, st.integers(0, 3), st.booleans()),
    min_size=1,
    max_size=6,
)
relaxed = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def article(
    *parts: Part | tuple[BlockKind, str], language: str = "en", source: str = "a.txt"
) -> Article:
    """An article whose blocks are these texts, set apart by blank lines."""
    text, blocks = "", []
    whole = [Part(*part) for part in parts]
    for part, lead in zip(whole, led(whole), strict=True):
        text += "\n\n" if text else ""
        blocks.append(Block(part.kind, len(text), len(text) + len(part.text), lead))
        text += part.text
    metadata = Metadata(language=language)
    return Article(source=source, text=text, blocks=tuple(blocks), metadata=metadata)


def passages(encoder: Encoder, of: Article) -> list[Passage]:
    return cut(of, encoder.piece_offsets, encoder.passage_pieces)


def prose(*texts: str) -> Article:
    return article(*((BlockKind.PARAGRAPH, text) for text in texts))


def sentence_words(count: int, first: str = "Word") -> str:
    return " ".join([first, *["time"] * (count - 2), "end."])


@relaxed
@given(BLOCKS)
@example([Part(BlockKind.PARAGRAPH, "x" * 5000)])
@example([Part(BlockKind.PARAGRAPH, "毒品政策" * 800)])
@example([Part(BlockKind.PARAGRAPH, "a. " * 900)])
@example([Part(BlockKind.PARAGRAPH, "\u0301" * 700 + " 👩🏽‍🌾" * 500)])
@example([Part(BlockKind.HEADER, "Port | Tons"), *[Part(BlockKind.ROW, "Turbo | 3")] * 200])
def test_laws_on_any_text(encoder: Encoder, parts: list[Part]) -> None:
    parts = [part for part in parts if part.text.strip()]
    if not parts:
        return
    made = article(*parts)
    found = passages(encoder, made)
    # Exact.
    assert all(made.text[p.start : p.end] == p.text for p in found)
    # In order, without overlap.
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    # All that is no heading is covered, and headings are not.
    covered = {at for p in found for at in range(p.start, p.end)}
    for block in made.blocks:
        inside = {at for at in range(block.start, block.end) if not made.text[at].isspace()}
        assert (not inside & covered) if block.kind is BlockKind.HEADING else inside <= covered
    for passage in found:
        within = [b for b in made.blocks if b.start < passage.end and passage.start < b.end]
        # Of one kind, and of captions one only: nothing else lies between its blocks.
        captions = {b.kind is BlockKind.CAPTION for b in within}
        assert captions == {passage.kind is BlockKind.CAPTION}
        assert BlockKind.HEADING not in {b.kind for b in within}
        assert passage.kind is not BlockKind.CAPTION or len(within) == 1
        # What its blocks need stands before them, word for word, and is whole at its end.
        for block in within:
            lead = None if block.lead is None else made.blocks[block.lead]
            needed = [a for a in passage.leads if a.first <= block.start and block.end <= a.last]
            assert lead is None or lead.end in {a.end for a in needed}
            assert all(made.text[a.start : a.end] == a.text for a in needed)
        # What the encoder can read.
        assert len(encoder.piece_offsets(passage.text)) <= encoder.passage_pieces
        assert len(passage.text.split()) <= MAX_WORDS or len(passage.sentences) == 1
        # Its sentences are its own text, but for white space.
        assert "".join("".join(made.text[s.start : s.end].split()) for s in passage.sentences) == (
            "".join(passage.text.split())
        )
    assert len({p.id for p in found}) == len(found)


@settings(max_examples=150, deadline=None)
@given(PROSE, st.sampled_from(["en", "es", "ar", "zh", "xx", ""]))
def test_sentences_cover_any_text(text: str, language: str) -> None:
    spans = sentence_spans(text, language)
    covered = {at for span in spans for at in range(span.start, span.end)}
    assert covered >= {at for at, character in enumerate(text) if not character.isspace()}
    assert all(a.end <= b.start for a, b in itertools.pairwise(spans))
    assert all(text[s.start : s.end] == text[s.start : s.end].strip() != "" for s in spans)


SEGMENTED = [
    ("en", "The U.S. withdrew its visa.", "Petro shrugged."),
    ("en", "Policy of the U.S. has failed.", "That is agreed."),
    ("en", "Gen. Óscar Naranjo spoke first.", "Nobody answered."),
    ("en", "“It failed,” he said.", "“It will fail again.”", "Then he left."),
    ("en", "“We were not asked,” the farmer said.”", "Another agreed."),
    ("en", "J. D. Vance met A. B. Uribe.", "They talked."),
    ("en", "Dr. Gil of Rum Club Inc. wrote on Sept. 15.", "Few read it."),
    ("en", "It grew by 3.5 percent in 2023.", "In 2024, it fell."),
    ("es", "El Sr. Petro habló en EE. UU. sobre coca.", "Nadie respondió."),
    ("es", "¿Quién lo dijo?", "La Sra. Gil lo negó.", "¡Basta!"),
]


@pytest.mark.parametrize("case", SEGMENTED, ids=[case[1][:20] for case in SEGMENTED])
def test_sentences(case: tuple[str, ...]) -> None:
    language, *sentences = case
    text = " ".join(sentences)
    assert [text[s.start : s.end] for s in sentence_spans(text, language)] == sentences


HARD = [
    (language, json.loads(line))
    for language in ("en", "es")
    for line in (DATA / f"sentences.{language}.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize(("language", "count"), [("en", 60), ("es", 40)])
def test_at_most_two_of_the_hard_sentences_are_cut_wrongly(language: str, count: int) -> None:
    cases = [case["sentences"] for each, case in HARD if each == language]
    texts = [" ".join(sentences) for sentences in cases]
    wrong = [
        text
        for text, sentences in zip(texts, cases, strict=True)
        if [text[s.start : s.end] for s in sentence_spans(text, language)] != sentences
    ]
    assert len(cases) == count
    assert len(wrong) <= 2, wrong


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("fr", ["Le décret n° 12 du 3 mars est publié.", "M. Durand l’a signé.", "Il vaut 3,5 M."]),
        ("de", ["Das Gesetz gilt seit dem 3. Mai.", "Dr. Weber, z. B., lehnt es ab.", "Warum?"]),
        ("pt", ["O Sr. Lima assinou em 3 de maio.", "A Dra. Reis não.", "Por quê?"]),
        ("zh", ["政策已经改变。", "没有人反对。"]),
        ("xx", ["Nothing is known of it.", "It ends here."]),
        ("", ["Nothing is known of it.", "It ends here."]),
        ("auto", ["Nothing is known of it.", "It ends here."]),
    ],
)
def test_sentences_of_other_languages(language: str, sentences: list[str]) -> None:
    text = ("" if language == "zh" else " ").join(sentences)
    assert [text[s.start : s.end] for s in sentence_spans(text, language)] == sentences


def test_what_is_cut_without_the_rules_is_cut_as_by_them(seed_articles: list[Article]) -> None:
    lines = (GOLD / "spanish-articles.jsonl").read_text("utf-8").splitlines()
    texts = [("en", article.text) for article in seed_articles]
    texts += [("es", json.loads(line)["text"]) for line in lines]
    skipped = 0
    for language, text in texts:
        known = segmenting.of_language(language)
        for paragraph in text.split("\n"):
            by_parts = {0}
            for start, end in segmenting.parts(paragraph, known):
                by_parts |= {start, *segmenting.by_rules(paragraph, start, end, known)}
                skipped += start > 0
            whole = {0, *segmenting.by_rules(paragraph, 0, len(paragraph), known)}
            # The library leaves the space to the sentence that follows.
            assert {len(paragraph[:at].rstrip()) for at in by_parts} == {
                len(paragraph[:at].rstrip()) for at in whole
            }, paragraph
    assert skipped > 100


@pytest.mark.parametrize("text", [".", "?!", "A. ", "1. a. ", "(", "“a. b” c ", 'a "', "a ... "])
def test_the_time_for_sentences_grows_with_the_text_alone(text: str) -> None:
    """A run of full stops took the library time that grows with its square: 3 s for 20,000."""
    begun = time.process_time()
    sentence_spans(text * (20_000 // len(text)), "en")
    assert time.process_time() - begun < 2


def test_a_long_article_is_cut_near_the_target(encoder: Encoder) -> None:
    found = passages(encoder, prose(" ".join(sentence_words(15) for _ in range(100))))
    counts = [len(p.text.split()) for p in found]
    assert sum(counts) == 1500
    assert all(120 <= count <= MAX_WORDS for count in counts)


def test_a_cut_falls_between_paragraphs_where_it_can(encoder: Encoder) -> None:
    paragraphs = [" ".join(sentence_words(14) for _ in range(size)) for size in (9, 12, 10)]
    made = prose(*paragraphs)
    assert [p.text for p in passages(encoder, made)] == paragraphs


def test_headings_are_context_and_never_quoted(encoder: Encoder) -> None:
    made = article(
        (BlockKind.PARAGRAPH, "Before any heading."),
        (BlockKind.HEADING, "The history"),
        (BlockKind.HEADING, "The 1980s"),
        (BlockKind.PARAGRAPH, "It began with Nixon."),
        (BlockKind.CAPTION, "A farmer in Cauca."),
        (BlockKind.PARAGRAPH, "It went on."),
    )
    assert [(p.text, p.kind.value, p.headings) for p in passages(encoder, made)] == [
        ("Before any heading.", "paragraph", ()),
        ("It began with Nixon.", "paragraph", ("The history", "The 1980s")),
        ("A farmer in Cauca.", "caption", ()),
        ("It went on.", "paragraph", ("The history", "The 1980s")),
    ]


def test_a_sentence_too_long_for_the_encoder_is_cut_at_words(encoder: Encoder) -> None:
    text = " ".join(["decertification"] * 400)
    found = passages(encoder, prose(text))
    assert len(found) > 1
    assert " ".join(p.text for p in found) == text
    assert all(re.fullmatch(r"(decertification ?)+", p.text) for p in found)


def test_time_grows_with_the_length_and_not_faster(encoder: Encoder) -> None:
    """A million characters without a full stop: each part must not read all the rest."""
    made = prose("coca leaf harvest market " * 40_000)
    begun = time.perf_counter()
    assert sum(len(p.text.split()) for p in passages(encoder, made)) == 160_000
    assert time.perf_counter() - begun < 20


def test_ids_name_content(encoder: Encoder) -> None:
    first = "The council voted."
    ids = [p.id for p in passages(encoder, prose(first))]
    assert [p.id for p in passages(encoder, prose(first))] == ids
    assert re.fullmatch(r"[0-9a-f]{20}", ids[0])
    changed = passages(encoder, prose(first, "It did so again."))[0]
    other = article((BlockKind.PARAGRAPH, first), source="b.txt")
    assert len({*ids, changed.id, passages(encoder, other)[0].id}) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"end": 5}, "cannot span"),
        ({"sentences": ()}, "starts with"),
        ({"sentences": (Span(1, 4),)}, "starts with"),
        ({"sentences": (Span(0, 3),)}, "ends with"),
    ],
)
def test_a_passage_refuses_to_be_wrong(changes: dict[str, Any], message: str) -> None:
    right: dict[str, Any] = {
        "article_id": "a",
        "article_sha256": "b",
        "start": 0,
        "end": 4,
        "text": "Coca",
        "kind": BlockKind.PARAGRAPH,
        "headings": (),
        "sentences": (Span(0, 4),),
    }
    assert Passage(**right).text == "Coca"
    with pytest.raises(ValueError, match=message):
        Passage(**right | changes)
