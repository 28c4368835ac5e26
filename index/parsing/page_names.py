"""The title and the publisher of a page, told apart: a title without the name of its site."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rapidfuzz.fuzz import token_set_ratio
from tld import Result, get_tld

from sourcebook.index.parsing.bylines import key
from sourcebook.index.parsing.json_ld import Node, texts, titles
from sourcebook.index.parsing.page_head import PageHead, line_of, text_of

# Between one space and the next, as all texts here are written.
SEPARATOR = re.compile(r" [|–—\-·•»«:/]{1,3} | ?[|»«] ?|(?<=\w): ")
TAGLINE = re.compile(r" [|–—-] ")
# A heading is the page's title if it shares most words with what the page calls itself; below
# this it is another one. Chosen on pages that are not among those of the measure.
SAME = 60
MAX_PAGE_TEXT = 200_000  # characters in which a spelling of the host's name is looked for


def publisher_of(head: PageHead, sites: Sequence[str], title: str, host: str) -> str:
    """The publisher that the page states, or its host's name as the page writes it.

    A statement that agrees with the host is preferred: a page may name an agency, or the
    software that it is made with. `sites` are the stated names, the most certain first.
    """
    beside = _beside(head.title, title)
    stated = [*sites, beside] if beside and (not host or _agrees(beside, host)) else list(sites)
    if not host:
        return stated[0] if stated else ""
    agreeing = [name for name in stated if _agrees(name, host)]
    written = [name for name in agreeing if name != _label(host)]  # a label is not a name yet
    if written:
        return written[0]
    return stated[0] if stated and not agreeing else _spelled(head, host) or host


def _beside(whole: str, title: str) -> str:
    """What a page's title element adds to its title: `Entermedia` in `The title - Entermedia`."""
    for cut in SEPARATOR.finditer(whole):
        before, after = whole[: cut.start()], whole[cut.end() :]
        if key(before) == key(title):
            return SEPARATOR.split(after)[-1].strip()
        if key(after) == key(title):
            return SEPARATOR.split(before)[0].strip()
    return ""


def site_names(head: PageHead, article: Node) -> tuple[str, ...]:
    """The names by which a page calls its publisher or site."""
    return tuple(dict.fromkeys(_stated_publishers(head, article)))


def _stated_publishers(head: PageHead, article: Node) -> Iterator[str]:
    graph = head.graph
    candidates = [
        *texts(graph.resolved(_one(article.get("publisher")))),
        *texts(graph.resolved(_one(graph.page().get("publisher")))),
        head.first("og:site_name"),
        head.first("dc.publisher", "dcterms.publisher", "publisher"),
        *graph.sites(),
    ]
    own = {key(head.title), key(head.first("og:title"))}
    for name in candidates:
        if name and not _is_address(name) and key(name) not in own:
            yield _without_tagline(name)


def _is_address(name: str) -> bool:
    return name.startswith(("http:", "https:", "www.", "@")) or ("/" in name and " " not in name)


def _one(value: object) -> object:
    return value[0] if isinstance(value, list) and value else value


def _without_tagline(name: str) -> str:
    """A site's name without what it says of itself after a rule: `X | All the news`."""
    return next((part.strip() for part in TAGLINE.split(name) if part.strip()), "")


def _label(host: str) -> str:
    """The name in a host: `barrons` of blogs.barrons.com, `bbc` of news.bbc.co.uk."""
    known = get_tld(f"https://{host}", as_object=True, fail_silently=True)
    return key(known.domain if isinstance(known, Result) else host)


def _agrees(name: str, host: str) -> bool:
    """Whether a name and a host say the same: one holds the other, a word, or the initials."""
    label, whole = _label(host), key(name)
    words = [key(word) for word in re.findall(r"\w+", name)]
    initials = "".join(word[:1] for word in words)
    return bool(whole) and (
        label in whole
        or whole in key(host)
        or (len(initials) > 2 and initials in label)
        or any(len(word) > 2 and word in label for word in words)
    )


def _spelled(head: PageHead, host: str) -> str:
    """The host's name as the page most often writes it: `Barron's`, `Phys.org`; else empty."""
    label = _label(host)
    if not 2 <= len(label) <= 30:
        return ""
    letters = r"[\s.'’&-]?".join(map(re.escape, label))
    domain = re.escape(host).replace(r"\-", "[- ]?")
    pattern = re.compile(rf"(?<![\w@./-])(?:{domain}|{letters})(?![\w@/-]|\.\w)", re.IGNORECASE)
    described = (
        value for each in ("description", "og:description") for value in head.meta.get(each, ())
    )
    text = " ".join([*text_of(head.tree).split(), *described])[:MAX_PAGE_TEXT]
    seen = Counter(pattern.findall(text))
    capitals = [name for name, _ in seen.most_common() if name != name.lower()]
    return next(iter([*capitals, *(name for name, _ in seen.most_common())]), "")


def title_of(head: PageHead, article: Node, sites: Sequence[str], host: str) -> str:
    """The title that the page shows, as its heading writes it, or else the one that it states.

    The name of the site, before or after it, is left out.
    """
    named = {key(site) for site in sites}
    stated = [each for each in _stated_titles(head, article) if key(each) not in named]
    bare = [_without_site(each, named, host) for each in stated]
    lines = ((line_of(each), each.tag) for each in head.headings)
    shown = [(text, tag) for text, tag in lines if key(text) not in named]
    best = max(
        (
            (_likeness(text, bare), tag == "h1", -place, text)
            for place, (text, tag) in enumerate(shown)
        ),
        default=None,
    )
    if best and best[0] >= SAME:
        return _without_site(best[-1], named, host)
    if bare:
        return _shown_part(head, bare[0])
    return shown[0][0] if shown else ""


def _shown_part(head: PageHead, stated: str) -> str:
    """The part of a stated title that the page shows on its own; all of it where it shows none."""
    cuts = list(SEPARATOR.finditer(stated))
    parts = {key(part): part for m in cuts for part in (stated[m.end() :], stated[: m.start()])}
    shown = {key(" ".join((e.text or "").split())) for e in head.own if parts and e.tag != "title"}
    return next(
        (part for bare, part in reversed(parts.items()) if bare in shown and " " in part), stated
    )


def _stated_titles(head: PageHead, article: Node) -> Iterator[str]:
    found = [
        *titles(article)[:1],
        head.first("og:title", "og:headline"),
        head.first("twitter:title", "dc.title", "dcterms.title", "title", "headline"),
        head.title,
    ]
    yield from (each for each in found if each)


def _likeness(text: str, stated: Iterable[str]) -> float:
    """How much a heading is like the most similar stated title, from 0 to 100."""
    words = text.split()
    best = 0.0
    for each in stated:
        if key(each) == key(text):
            return 101.0
        shorter = min(len(words), len(each.split()))
        longer = max(len(words), len(each.split()))
        ratio = token_set_ratio(text.casefold(), each.casefold())
        best = max(best, ratio * min(1.0, 2.5 * shorter / longer))
    return best


def _without_site(title: str, named: set[str], host: str) -> str:
    """The title without the parts at its ends that are the site's name."""
    cuts = [(m.start(), m.end()) for m in SEPARATOR.finditer(title)]
    while cuts and _is_site(title[cuts[-1][1] :], named, host):
        title = title[: cuts[-1][0]].rstrip()
        cuts.pop()
    while cuts and _is_site(title[: cuts[0][0]], named, host):
        shift = cuts[0][1]
        title = title[shift:]
        cuts = [(start - shift, end - shift) for start, end in cuts[1:]]
    return title


def _is_site(part: str, named: set[str], host: str) -> bool:
    """Whether a part of a title is the site's name or its host's, such as `CNNPolitics`."""
    bare, label = key(part), _label(host) if host else ""
    begins = " " not in part and len(label) > 2 and bare.startswith(label)
    return bool(bare) and (bare in named or bare in (label, key(host)) or begins)
