"""Texts that a conversion to int8 and the codec of token vectors are fitted on."""

from importlib import resources

import numpy as np
from tokenizers import Tokenizer

# As many as ranked as well as text of the library's own kind
# (docs/decisions/0004-token-vectors.md).
SAMPLE_TEXTS = 150
SAMPLE_WORDS = 60


def prose() -> list[str]:
    """The paragraphs of the seeds: text of our own of the kind that libraries hold."""
    files = [
        file for file in resources.files("sourcebook.seeds").iterdir() if file.name.endswith(".md")
    ]
    texts = [file.read_text("utf-8") for file in sorted(files, key=lambda file: file.name)]
    return [part for text in texts for part in text.split("\n\n") if len(part) > 100]


def random_texts(tokenizer: Tokenizer) -> list[str]:
    """Texts of random words of the model's vocabulary, always the same ones."""
    words = sorted(
        word
        for word in tokenizer.get_vocab()
        if len(word) > 2 and word.isascii() and word.isalpha()
    )
    chosen = np.random.default_rng(0).choice(words, (SAMPLE_TEXTS, SAMPLE_WORDS))
    return [" ".join(row) for row in chosen]
