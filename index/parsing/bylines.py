"""The names in a byline: persons and organisations, without titles, posts, places and dates."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from sourcebook.index.parsing.layout import PARTICLES
from sourcebook.index.words import (
    ENGLISH_MONTHS,
    ENGLISH_SHORT_MONTHS,
    SPANISH_MONTHS,
    listed,
)

# Words of a byline that introduce the names: "By", "Analysis by", "Written by", "Por".
LEAD = re.compile(
    r"(?:(?:[^\W\d_]+ ){0,2}(?:by|BY|By)|Por|Par|Von|por|par|von|Di|[^\W\d_]+(?=\s*:))"
    r"(?:\s*:\s*|\s+)(?=\S)"
)
# Patterns are for texts in which one space stands between words.
# What follows the names and is no part of them: the time, a rule, an address, a handle.
AFTER = re.compile(
    r" ?(?:[|•·/<>()\[\]{}→]|\b\d|[\w.+-]{0,64}@|https?:|www\."
    r"|\b(?:Published|Updated|Posted|Last|Modified|PUBLISHED|UPDATED|POSTED|Publicado|Actualizado"
    r"|published|updated|posted|on|On)\b)| [-–—]{1,3}(?: |$)"
)
JOINED = re.compile(r" (?:and|AND|And|with|&|y|e|und|et) ")
COMMA = re.compile(r" ?, ?(?:(?:and|&) )?")
HONORIFIC = re.compile(
    r"(?:the\s+)?(?:dr|dra|prof|professor|mr|mrs|ms|mx|rev|hon)(?:\.\s*|\s+)(?=\S)", re.IGNORECASE
)
# A degree or post-nominal is written as letters that are not a word: PhD, M.D., MS, RD, CPA.
DEGREE = re.compile(r"(?:[A-Z][a-z]{0,2}\.?){1,4}[A-Z]\.?(?:-[A-Z]+)?")
GENERATION = re.compile(r"(?:Jr|Sr)\.?|II|III|IV", re.IGNORECASE)
WORD_OF_NAME = re.compile(r"[^\W\d_](?:[\w'’`\u0300-\u036f-]*\w)?\.?(?:[^\W\d_]\.)*")
# A word in lower case that begins what is said of a person: "in Bogotá", "for The Daily".
AFFILIATED = re.compile(r"\s(?:in|for|at|from|via|en|para|desde|is|reports?|contributed)\s")

POSTS = frozenset(
    listed(
        """
        admin administrator analyst anchor anonymous archive associate author authors autor
        blogger bureau
        chief columnist comments contributed contributing contributor contributors copy
        correspondent corresponsal critic desk director editor editora editorial editors
        email fellow follow freelance freelancer guest host intern journalist lecturer
        manager managing meteorologist moderator newsroom periodista photographer posts
        president producer professor profile read redacción redactor redactora reporter reporters
        reportero
        reporting reports researcher senior share special specialist staff staffer
        strategist student subscribe unknown user view webmaster writer writers
        """
    )
)
BODIES = frozenset(
    listed(
        """
        administración administration agence agencia agency asociación associates
        association authority autoridad ayuntamiento banco bank board bureau center centers
        centre centro chamber club coalition college comisión comité commission committee
        company congress consejo consortium cooperative corporation council court
        departamento department desk directorate embassy federación federation forum
        foundation fund fundación gobierno government group grupo inc institute institution
        instituto journal laboratory league llc ltd magazine media ministerio ministry
        movement nations network news newspaper newswire ngo observatory office oficina
        organisation organización organization parliament partnership policía press program
        programme project redaction review secretariat secretaría senate service services
        society staff studio studios team think-tank times trust union universidad
        university unión weekly wire
        """
    )
)
CALENDAR = frozenset(
    word.casefold()
    for word in [
        *ENGLISH_MONTHS, *ENGLISH_SHORT_MONTHS, *SPANISH_MONTHS,
        *["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
        *["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
    ]
) - {"may", "mayo", "april", "june", "august", "domingo"}  # fmt: skip  # names as well
LED = re.compile(r"(?:by|the|from|in) ", re.IGNORECASE)  # begins no person's name
# The words that make a line of a text a byline.
BY = re.compile(r"(?:[Bb]y|BY|[Ww]ritten by|[Ss]tory by|Por|Par|Von)(?: ?: ?| )(?=\S)")
MAX_LINE = 130  # characters of such a line
MAX_BYLINE = 300  # characters; longer texts are prose


def authors_in(text: str, *, elsewhere: Iterable[str] = ()) -> tuple[str, ...]:
    """The authors that a byline names, such as `By Dr. Ann Lee and Bo Diaz, Staff Writers`.

    `elsewhere` are names that are no author: of the publisher, say. A byline that is not made of
    names throughout, or names a post alone (`Staff Reports`), gives none.
    """
    text = " ".join(text.split())
    if not text or len(text) > MAX_BYLINE:
        return ()
    text = _without_lead(text)
    if cut := AFTER.search(text):
        text = text[: cut.start()]
    known = [key(each) for each in elsewhere]
    found = dict.fromkeys(_names(text.strip(" ,;:.–—-") if text[-2:-1].islower() else text))
    people = [name for name in found if not _is_of(name, known)]
    return tuple(people or found)


def byline(text: str) -> tuple[str, ...]:
    """The authors in a line that is a byline throughout: `By Ann Lee, Staff Writer`; else none."""
    text = " ".join(text.split())
    lead = BY.match(text) if len(text) <= MAX_LINE else None
    if lead is None:
        return ()
    rest = text[lead.end() :].rstrip(".")
    said = rest[: cut.start()] if (cut := AFTER.search(rest)) else rest
    named = all(_is_part(part) for group in said.split(";") for part in COMMA.split(group.strip()))
    return authors_in(said) if named else ()


def _is_part(text: str) -> bool:
    """Whether a part of a byline is made of names, or names a post."""
    words = [word.strip(".").casefold() for word in text.split()]
    names = [plain_name(each) for each in together(text)]
    return all(map(is_author, names)) or (len(words) <= 8 and any(word in POSTS for word in words))


def is_author(name: str) -> bool:
    """Whether a name has the form of a person's, or of an organisation's with its capitals."""
    return is_person(name) or (is_body(name) and any(word[0].isupper() for word in name.split()))


def _is_of(name: str, sites: Iterable[str]) -> bool:
    """Whether a name is a site's, shortened or with its desk: `CNN Business` of CNN."""
    whole, first = key(name), key(name.split(maxsplit=1)[0])
    return any(site.startswith(whole) or site == first for site in sites)


def _without_lead(text: str) -> str:
    lead = LEAD.match(text)
    return text[lead.end() :] if lead else text


def _names(text: str) -> Iterator[str]:
    """The names in a text without its lead, in order; a list that ends in "and" ends there.

    An organisation after a person is the one that the person works for.
    """
    for group in text.split(";"):
        closed = person = False
        for part in COMMA.split(group):
            names = [plain_name(each) for each in together(part)]
            if closed or not all(is_person(each) or is_body(each) for each in names):
                continue
            if person and is_body(names[0]):
                continue
            yield from names
            closed, person = len(names) > 1, person or is_person(names[0])


def together(text: str) -> list[str]:
    """The names that "and" joins; one name where it stands within it, as in a ministry's."""
    parts = [part.strip(" ,") for part in JOINED.split(" ".join(text.split()))]
    return parts if all(is_person(plain_name(part)) for part in parts) else [text.strip(" ,")]


def plain_name(text: str) -> str:
    """A name without honorifics before it, and without degrees and affiliations after it.

    A text longer than MAX_BYLINE is no name and stays as it is.
    """
    if len(text) > MAX_BYLINE:
        return text
    name = " ".join(unicodedata.normalize("NFC", text).split()).strip(" ,;:–—-|")
    if is_body(name):
        return name.removeprefix("the ")
    while (titled := HONORIFIC.match(name)) and titled.end() < len(name):
        name = name[titled.end() :]
    if (said := AFFILIATED.search(name)) and is_person(name[: said.start()]):
        name = name[: said.start()]
    first, *rest = COMMA.split(name)
    if rest and all(DEGREE.fullmatch(word) for part in rest for word in part.split()):
        name = first
    words = name.split()
    while len(words) > 2 and DEGREE.fullmatch(words[-1]) and not GENERATION.fullmatch(words[-1]):
        if all(word.isupper() for word in words):  # the whole name is in capitals
            break
        words.pop()
    return " ".join(words)


def person_names(candidates: Iterable[str]) -> tuple[str, ...]:
    """The plain names of those candidates that are persons, each once."""
    return tuple(dict.fromkeys(filter(is_person, map(plain_name, candidates))))


def is_person(name: str) -> bool:
    """Whether a text has the form of a person's name: two to six words, none of them of an office.

    Words begin with a capital, but for particles such as `de la`.
    """
    words = name.split()
    if not 2 <= len(words) <= 6 or words[-1] in PARTICLES or is_body(name) or LED.match(name):
        return False
    if any(word.strip(".,").casefold() in POSTS | CALENDAR for word in words):
        return False
    return all(
        word.casefold() in PARTICLES or re.fullmatch(r"al-\w+", word) is not None
        or ((word[0].isupper() or (not word[0].islower() and word[0].isalpha()))
        and WORD_OF_NAME.fullmatch(word) is not None)
        for word in words
    )  # fmt: skip


def is_body(name: str) -> bool:
    """Whether a text names an organisation: a word in it says so, and none is of a post alone."""
    words = [word.strip(".,’'").casefold() for word in name.split()]
    named = any(word in BODIES for word in words) and not all(word in POSTS for word in words)
    # Between the words of a name there are only short ones in lower case: "of", "for the".
    long = [word for word in name.split() if word[0].islower() and len(word) > 4]
    return named and len(words) <= 15 and all(word.casefold() in BODIES for word in long)


def names_nobody(name: str) -> bool:
    """Whether a text given as an author is an address, a handle, a post or a part of the date."""
    words = [word.strip(".,’'").casefold() for word in name.split()]
    return (
        not any(letter.isalpha() for letter in name)
        or re.search(r"https?:|www\.|^@|\S@\S|\.(?:com|org|net)/", name) is not None
        or all(word in POSTS | CALENDAR or word in ("by", "the", "and") for word in words)
        or (len(words) == 1 and "admin" in words[0])
    )


def key(name: str) -> str:
    """The letters and digits of a name, to compare names by; marks and case are folded."""
    bare = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in bare if letter.isalnum())
