"""Cleaning rules for page furniture: lines that say nothing but what furniture says.

What is certain goes, all else stays. A line is certain if it is one of a finite set of phrases, if
all its words are those of one kind of notice, or if its neighbours or its repetition say so. A line
with a figure is never certain: `Recommended: two doses` and `(c) 2025: 13,000 euros` are facts.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sourcebook.index.parsing.layout import CLOSED, QUOTES, Page
from sourcebook.index.words import listed

TOKEN = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
DIGIT = re.compile(r"\d")
LONGEST_TITLE = 250  # characters with "Read more: "
LONGEST = 400  # characters of a line that is furniture

NETWORKS = frozenset(
    listed(
        "facebook twitter instagram linkedin whatsapp telegram youtube tiktok bluesky threads "
        "mastodon flipboard reddit pinterest messenger pocket x"
    )
)
SHARING = frozenset(listed("share tweet compartir compartilhar partilhar teilen partager"))
SHARE_BAR = NETWORKS | SHARING | frozenset(listed("email e-mail mail print copy link save this"))

ALL_RIGHTS = (
    r"all rights reserved|todos los derechos reservados|tous droits réservés"
    r"|alle rechte vorbehalten|todos os direitos reservados"
)
# Lines that are furniture wherever they stand. No part is open, so the set of lines is finite.
CERTAIN = re.compile(
    r"share (?:this|the) (?:article|story|page|post|video)"
    r"(?: (?:on|via) (?:e-?mail|facebook|twitter|x|whatsapp|linkedin|telegram|reddit)"
    r"| with your friends)?"
    r"|share (?:on|via) (?:facebook|twitter|x|whatsapp|linkedin|telegram|reddit)"
    r"|share this:|tweet this"
    r"|(?:please )?(?:sign up|subscribe)(?: now| today| here)[.!]?"
    r"|(?:-+|—|–) ?(?:advertisement|advertising|sponsored(?: content)?|ad|anuncio|publicidad"
    r"|anzeige|publicité|pubblicità|publicidade) ?(?:-+|—|–)"
    r"|(?:article|story) continues (?:below|after)(?: (?:this |the )?(?:advertisement|ad|gallery"
    r"|photos?|video|slideshow))?"
    r"|skip to (?:main |the )?(?:content|navigation|search|footer)|back to (?:the )?top"
    r"|accept all cookies"
    rf"|(?:{ALL_RIGHTS})\.?"
    r"|\d{1,2} ?-?min(?:ute)? read|listen to this article"
    r"|(?:show|hide|view|load) (?:more |all )?comments|leave a comment",
    re.IGNORECASE,
)
LABEL = re.compile(
    r"(?:read (?:more|next|on|also)|also read|you (?:may|might) also like|don['’]t miss"
    r"|recommended for you|related (?:articles?|stories|story|content|links?|reading)"
    r"|more (?:on|from) this (?:story|topic|author)|lea también|lee también"
    r"|te puede interesar|(?:à )?lire aussi|lesen sie auch|mehr zum thema|leggi anche"
    r"|leia também)(?: ?(?::|…|\.\.\.|[»›>→]))?",
    re.IGNORECASE,
)

# "Read more: " and the title of another article. What `Related:` or `See also:` name may be a part
# of the text itself, so these stay.
POINTER = re.compile(
    r"(?:(?:read (?:more|next|also)|also read|lea también|lee también|(?:à )?lire aussi"
    r"|lesen sie auch|leggi anche|leia também) ?:|don['’]t miss:) (?P<title>.+)",
    re.IGNORECASE,
)

# A year and a holder. A `(c)` may also be the third item of a list, and `Copyright 2019` a subject.
NAMED = r"(?:[A-ZÀ-Þ][^\W\d_]*(?:['’.&-]{1,2}[^\W\d_]+)*[.,]{0,2}|of|and|the|de|del|la|et|und|&)"
RESERVED = (
    r"(?P<reserved>(?:[.,] ?|,? )?(?i:"
    rf"{ALL_RIGHTS})\.?"
    r"(?: (?i:this material may not be published, broadcast, rewritten,? or redistributed"
    r"(?: without permission)?)\.?)?)?"
)
COPYRIGHT = re.compile(
    r"(?P<mark>(?i:copyright )?©|(?i:copyright )?\((?i:c)\)|(?i:copyright))"
    rf" ?\d{{4}}(?: ?[-–] ?\d{{4}})? (?:(?i:by) )?{NAMED}(?P<more>(?: {NAMED}){{1,9}})?{RESERVED}"
)


@dataclass(frozen=True, slots=True)
class Notice:
    """A kind of furniture by its words: a line of these alone, with one of each needed set.

    `names` allows words with a capital, such as the name of a newsletter.
    """

    needed: tuple[frozenset[str], ...]
    others: frozenset[str]
    names: bool = False

    def says(self, words: Sequence[str]) -> bool:
        """Whether these are the words of such a notice, and of nothing else."""
        plain = [word.casefold() for word in words]
        if any(group.isdisjoint(plain) for group in self.needed):
            return False
        known = self.others.union(*self.needed)
        names = self.names and not all(map(str.isupper, words))
        return all(
            word in known or (names and at > 0 and words[at][0].isupper())
            for at, word in enumerate(plain)
        )


def _says(notices: Iterable[Notice], text: str) -> bool:
    """Whether `text` is one of the notices; what has a figure is none."""
    if DIGIT.search(text):
        return False
    words = TOKEN.findall(text)
    return any(notice.says(words) for notice in notices)


def _notice(*needed: str, others: str, names: bool = False) -> Notice:
    return Notice(
        tuple(frozenset(listed(words)) for words in needed), frozenset(listed(others)), names
    )


NOTICES = (
    # "Get the latest updates right in your inbox. Subscribe to the Courier's newsletters."
    _notice(
        "sign subscribe subscribing get receive join register",
        "newsletter newsletters inbox podcast briefing",
        others="a all and breaking by click daily day day's delivered directly each email emailed "
        "evening every exclusive for free from headlines here in latest morning more most news now "
        "of or our out please right so stories story straight that the this to today top up "
        "updates week weekday weekend weekly with you your day’s miss never",
        names=True,
    ),
    _notice(
        "suscríbete suscríbase abonnez-vous inscrivez-vous abonnieren assine inscreva-se",
        "newsletter newsletters boletín boletines infolettre",
        others="a al nuestro nuestros nuestra para recibir las noticias en tu su correo gratis "
        "gratuito diario semanal à notre nos gratuite recevoir l'actualité sie unseren unser "
        "kostenlosen den jetzt hier nossa nosso o aquí ici aqui y et und e",
    ),
    _notice(
        "cookies",
        "accept agree consent experience preferences settings",
        "browse browsing use uses using visit",
        others="a ads advertising all analyse analyze and by can choose click "
        "content cookie continue continuing for improve in learn manage more of on or other our "
        "partners personalise personalize policy privacy read similar site such "
        "technologies terms that the these this to traffic we website "
        "with you your give best ensure",
    ),
    _notice(
        "javascript",
        "enable enabled",
        others="and be browser by comments content continue disqus for in is must needs page "
        "please powered properly reload requires site the this to turn use video view work you "
        "your",
    ),
    _notice(
        "already",
        "account subscriber member subscribed registered",
        "log sign login",
        others="a an are have here in now please to you",
    ),
)
FOLLOW = re.compile(r"(?P<who>(?:follow|like|find|join) .{1,40}?) on (?P<where>.{1,120})", re.I)
FOLLOWED = frozenset(listed("us me him her them our on"))

WALL = "subscribers members subscriber member subscribed"
PAYWALL = (
    _notice(
        "continue",
        "subscribe subscription subscriber register sign log",
        others="a an already and article are by for free full get here in introductory now of "
        "offer or our please read reading rest story subscribers the this to today unlimited up "
        "with you your access just trial start",
    ),
    _notice(
        "read unlock",
        "article story rest",
        "subscribe subscription subscriber",
        others="and full get now of or our please the this to today unlimited with a",
    ),
    _notice(
        "article story content",
        WALL,
        "available exclusive exclusively only premium reserved",
        "this",
        others="a for is our the to",
    ),
    _notice(
        "artículo contenido article contenu artikel inhalt artigo conteúdo seguir leyendo "
        "weiterlesen continuar lire leer ler lesen suite",
        "suscriptores suscríbete suscríbase abonnés abonnez-vous abonnenten abonnieren assinantes "
        "assine",
        others="a agora ahora aux ce cet de del der die dieser dieses e el en es est este "
        "exclusivo für hoy ist jetzt l'article la le lendo les los maintenant nur o os para pour "
        "réservé sie solo só sólo um und unsere zu é",
    ),
)
# What may follow a notice in its own paragraph: "Choose your plan: monthly 9.99, yearly 99."
OFFER = re.compile(
    r"(?:choose|select|see|view|elige|choisissez|wählen sie|escolha) "
    r"(?:a|your|our|tu|votre|ihr|seu) (?:plan|subscription|offer|abonnement|abo|plano)\b",
    re.IGNORECASE,
)
BETWEEN_SENTENCES = re.compile(r"(?<=[.!?]) +(?=[^\W\d_])")
# The key and value among the further metadata of an article that its page cuts off.
INCOMPLETE = "incomplete"
CUT_OFF = "The page says that the rest of the article is for subscribers."


def reading_pointers(page: Page) -> Page:
    """Remove `Read more:`, alone or with a title that has no figure and is no sentence."""
    return page.drop(i for i, piece in enumerate(page.pieces) if is_pointer(piece.text))


def is_pointer(text: str) -> bool:
    """Whether a line does nothing but lead to other articles."""
    if len(text) > LONGEST_TITLE or DIGIT.search(text):
        return False
    if LABEL.fullmatch(text):
        return True
    match = POINTER.fullmatch(text)
    title = match["title"] if match else ""
    return (
        title.count(" ") >= 2
        and title.lstrip(QUOTES + "¿¡")[:1].isupper()
        and (title.endswith(("?", "...", "…")) or not CLOSED.search(title))
    )


def calls_to_action(page: Page) -> Page:
    """Remove share bars, sign-ups, advertising marks, cookie and copyright notices."""
    marks = Counter(piece.text.casefold() for piece in page.pieces)
    bars = _share_bars([piece.text for piece in page.pieces])
    return page.drop(
        i
        for i, piece in enumerate(page.pieces)
        if i in bars
        or (marks[piece.text.casefold()] > 1 and piece.text.casefold() in ADVERTISING)
        or (len(piece.text) <= LONGEST and is_furniture(piece.text))
    )


# Headings of a law as well, so a page has to have one twice.
ADVERTISING = frozenset(
    {"advertisement", "advertising", "ad", "sponsored", "sponsored content", "anuncio"}
    | {"publicidad", "anzeige", "publicité", "pubblicità", "publicidade"}
)


def is_furniture(text: str) -> bool:
    """Whether a line is furniture wherever it stands."""
    return (
        CERTAIN.fullmatch(text) is not None
        or _is_copyright(text)
        or _is_share_bar(text)
        or _is_follow(text)
        or _says(NOTICES, text)
    )


def _is_copyright(text: str) -> bool:
    match = COPYRIGHT.fullmatch(text) if len(text) <= 200 else None
    # One word after the year may be what the year is of.
    return bool(match and (match["reserved"] or ("©" in match["mark"] and match["more"])))


def _is_share_bar(text: str) -> bool:
    """Whether a line names ways to share: `Share | Tweet | Email`, `Facebook Twitter LinkedIn`."""
    words = [word.casefold() for word in TOKEN.findall(text)]
    networks = sum(word in NETWORKS or word == "tweet" for word in words)
    return (
        len(words) > 1
        and SHARE_BAR.issuperset(words)
        and len(set(words)) == len(words)
        and (networks > 2 or (networks > 0 and not SHARING.isdisjoint(words)))
        and not re.search(r"[,;:]", text)
        and (networks < 3 or "|" not in text or not SHARING.isdisjoint(words))
    )


def _is_follow(text: str) -> bool:
    """Whether a line asks to be followed: `Follow the Courier on Facebook and Instagram.`"""
    match = FOLLOW.fullmatch(text) if not DIGIT.search(text) else None
    if not match:
        return False
    who = match["who"].split()[1:]
    where = [word.casefold() for word in TOKEN.findall(match["where"])]
    return (
        (
            FOLLOWED.issuperset(map(str.casefold, who))
            or all(word[0].isupper() or word == "the" for word in who)
        )
        and not (NETWORKS - {"x"}).isdisjoint(where)
        and (NETWORKS | {"and", "or", "on"}).issuperset(where)
    )


def _share_bars(lines: list[str]) -> set[int]:
    """The indexes of three or more lines in a row that together are a share bar."""
    found: set[int] = set()
    run: list[int] = []
    for i, line in enumerate([*lines, "."]):
        if len(line) <= 20 and SHARE_BAR.issuperset(map(str.casefold, line.split())):
            run.append(i)
            continue
        words = {word.casefold() for at in run for word in lines[at].split()}
        shared = not SHARING.isdisjoint(words)
        if len(run) > 2 and shared and not (NETWORKS | {"tweet"}).isdisjoint(words):
            found.update(run)
        run = []
    return found


def paywalls(page: Page) -> Page:
    """Remove the notice that the rest is for subscribers, and note that the text is cut off."""
    gone = {i for i, p in enumerate(page.pieces) if len(p.text) <= LONGEST and _is_wall(p.text)}
    if not gone:
        return page
    extra = {INCOMPLETE: CUT_OFF, **page.facts.extra}
    return replace(page, facts=replace(page.facts, extra=extra)).drop(gone)


def _is_wall(text: str) -> bool:
    first, *others = BETWEEN_SENTENCES.split(text)
    return _says(PAYWALL, first) and all(
        OFFER.match(other) or _says(PAYWALL, other) for other in others
    )
