"""The word pieces of Latin script or of none, and a tokenizer that knows only them."""

import unicodedata
from collections.abc import Sequence

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from sourcebook.eval.training.published import PublishedModel

# The pieces at the head of the vocabulary are marks, not words; so is `MASK` at its end.
MARKS, MASK = 4, "<mask>"


def latin_pieces(pieces: Sequence[str]) -> list[int]:
    """The numbers of the pieces without a letter of another script, and of the marks."""
    return [
        number
        for number, piece in enumerate(pieces)
        if number < MARKS or piece == MASK or all(_is_latin(letter) for letter in piece)
    ]


def _is_latin(character: str) -> bool:
    is_letter = unicodedata.category(character).startswith("L")
    return not is_letter or "LATIN" in unicodedata.name(character, "")


def tokenizer(model: PublishedModel, kept: Sequence[int]) -> Tokenizer:
    """The model's tokenizer with the `kept` pieces only, numbered in their order.

    A word of which no piece is kept becomes the unknown piece. All white space is one space, as in
    the published tokenizer.
    """
    renumbered = {old: new for new, old in enumerate(kept)}
    pieces = [(model.pieces[number], float(model.scores[number])) for number in kept]
    made = Tokenizer(models.Unigram(pieces, unk_id=renumbered[model.unknown]))
    made.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    made.decoder = decoders.Metaspace()
    begin, end, padding, unknown = (
        model.pieces[number] for number in (model.begin, model.end, model.padding, model.unknown)
    )
    made.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}",
        pair=f"{begin} $A {end} {end} $B {end}",
        special_tokens=[(begin, renumbered[model.begin]), (end, renumbered[model.end])],
    )
    made.add_special_tokens([begin, padding, end, unknown])
    return made
