"""The languages whose words are known: each alone, and all together, as the rules look them up."""

from sourcebook.service.language.english import ENGLISH
from sourcebook.service.language.spanish import SPANISH

LANGUAGES = {"en": ENGLISH, "es": SPANISH}
LEXICON = ENGLISH | SPANISH
