"""Words as the index needs them: what a word is, stop words, and the names of the months."""

import re

# Letters, digits and underscores. `service/language/words.py` has another pattern of a word, and
# says what it is for.
WORD = re.compile(r"\w+")


def listed(text: str) -> tuple[str, ...]:
    """The words of `text`. Raises `ValueError` for one that stands there twice."""
    words = tuple(text.split())
    if twice := {word for word in words if words.count(word) > 1}:
        raise ValueError(f"words listed twice: {sorted(twice)}")
    return words


# English, for BM25: Lucene's stop list (org.apache.lucene.analysis.en.EnglishAnalyzer) and the
# words that questions are asked with.
STOP_WORDS = frozenset(
    listed(
        """
        a about according also am an and any are as at be been being but by can could did do does
        for from had has have he her his how i if in into is it its may me might my no not of on or
        our she should so some such than that the their then there these they this to was we were
        what when where which who whom whose why will with would you your
        """
    )
)

# The months in prose. `MONTH_STARTS` of `index/dates.py` knows more languages, but in prose a start
# such as "set" or "mar" may be any word.
ENGLISH_MONTHS = listed(
    "January February March April May June July August September October November December"
)
ENGLISH_SHORT_MONTHS = listed("Jan Feb Mar Apr Jun Jul Aug Sept Sep Oct Nov Dec")
SPANISH_MONTHS = listed(
    "enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre "
    "diciembre"
)

# What negates, without accents. Spanish shares "no" with English.
ENGLISH_NEGATIONS = listed("not no never none without cannot nor neither nobody nothing")
SPANISH_NEGATIONS = listed("nunca jamas ningun ninguna ninguno sin")
