"""Words as the lexical index keeps them: without case and accents, stemmed by their language."""

from functools import lru_cache

import tantivy

from sourcebook.index.words import STOP_WORDS

# Languages, beside English, that tantivy has a Snowball stemmer and a list of stop words for.
STEMMERS = {
    "da": "danish",
    "de": "german",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "nb": "norwegian",
    "no": "norwegian",
    "pt": "portuguese",
    "ru": "russian",
    "sv": "swedish",
}


def _analyser(*filters: tantivy.Filter) -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    for step in (tantivy.Filter.lowercase(), *filters):
        builder = builder.filter(step)
    return builder.build()


FOLDING = _analyser(tantivy.Filter.ascii_fold())
STEMMING = _analyser(
    tantivy.Filter.ascii_fold(),
    tantivy.Filter.custom_stopword(sorted(STOP_WORDS)),
    tantivy.Filter.stemmer("english"),
)
SPACED = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
_WORDS = _analyser()


def folded_words(text: str) -> list[str]:
    """The words of a text as they are indexed for phrases: without case and accents."""
    return list(FOLDING.analyze(text))


@lru_cache(maxsize=65_536)
def stem(word: str) -> str | None:
    """The stem of a word by the rules of English; None for a stop word."""
    return next(iter(STEMMING.analyze(word)), None)


def own_stems(text: str, language: str) -> list[str]:
    """The words of a text stemmed by its own language, which stands before each: "es:cultiv".

    Stop words of the language are left out. None for English and for a language without a stemmer.
    """
    if language not in STEMMERS:
        return []
    return [f"{language}:{word}" for word in _of(language).analyze(text)]


def words(text: str) -> list[str]:
    """The words of a text, in small letters and each once."""
    return list(dict.fromkeys(_WORDS.analyze(text)))


@lru_cache
def _of(language: str) -> tantivy.TextAnalyzer:
    # A stemmer knows the accents of its language; people leave them out.
    name = STEMMERS[language]
    return _analyser(
        tantivy.Filter.stopword(name), tantivy.Filter.stemmer(name), tantivy.Filter.ascii_fold()
    )
