"""The title and the publisher of a page, told apart: a title without the name of its site."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from rapidfuzz.fuzz import token_set_ratio
from tld import Result, get_tld

from sourcebook.index.article import host_of
from sourcebook.index.parsing.bylines import is_body, key
from sourcebook.index.parsing.json_ld import Node, texts, titles
from sourcebook.index.parsing.page_head import PageHead, line_of, text_of

# Between one space and the next, as all texts here are written.
SEPARATOR = re.compile(r" [|–—\-·•»«:/]{1,3} | ?[|»«] ?|(?<=\w): ")
TAGLINE = re.compile(r" [|–—-] ")
# A heading is the page's title if it shares most words with what the page calls itself; below
# this it is another one. Chosen on pages that are not among those of the measure.
SAME = 60
EXACT = 100.0  # of other headings; one with the very words is above it
HOME = re.compile(r"\b(?:logo|home|brand|site-?title)\b", re.IGNORECASE)
WORDS = re.compile(r"\w[\w'’.&-]*")
MAX_WORDS = 6  # of a host's name
PICTURE = ("logo", "image", "img", "icon", "home", "homepage", "picture")
MAX_PAGE_TEXT = 200_000  # characters in which a spelling of the host's name is looked for


def publisher_of(head: PageHead, sites: Sequence[str], authors: Sequence[str], host: str) -> str:
    """The publisher that the page states, or its host's name as the page writes it.

    A statement that agrees with the host is preferred: a page may name an agency, or the
    software that it is made with. `sites` are the stated names, the most certain first; an
    organisation among the `authors` is the publisher if its name agrees as well.
    """
    if not host:
        return next(chain(sites, _logos(head)), "")
    own = [name for name in sites if key(name) in map(key, host.split("."))]
    agreeing = [name for name in (*own, *sites) if _agrees(name, host)]
    agreeing += [name for name in authors if is_body(name) and _initials(name) == _label(host)]
    written = [name for name in agreeing if name != _label(host)]  # a label is not a name yet
    spelled = "" if written else _spelled(head, host)
    return next(iter([*written, *filter(None, [spelled]), *sites]), host)


def _logos(head: PageHead) -> Iterator[str]:
    """The names that describe the pictures of logos, without the words for a picture."""
    for image in head.tree.iter("img"):
        labels = f"{image.get('class') or ''} {image.get('src') or ''}".lower()
        words = re.findall(r"[^\W_]+", image.get("alt") or "")
        name = " ".join(word for word in words if word.lower() not in PICTURE)
        if "logo" in labels and 0 < len(name) <= 60:
            yield _spelled(head, name) or name


def beside_title(head: PageHead, title: str, host: str) -> str:
    """What a page's title element adds to its title: `Entermedia` in `The title - Entermedia`.

    Where the host is known it is only what agrees with it, at the end of any title.
    """
    whole, parts = head.title, SEPARATOR.split(head.title)
    if host:
        return next(
            (part for part in (parts[-1], parts[0]) if parts[1:] and _agrees(part, host)), ""
        )
    for cut in SEPARATOR.finditer(whole):
        before, after = whole[: cut.start()], whole[cut.end() :]
        if key(before) == key(title):
            return SEPARATOR.split(after)[-1].strip()
        if key(after) == key(title):
            return SEPARATOR.split(before)[0].strip()
    return ""


def home_of(head: PageHead) -> str:
    """The host of the site, by the link of its logo; empty where there is none."""
    for element in head.tree.iter("base", "a"):
        labels = " ".join(element.get(each) or "" for each in ("class", "id", "rel"))
        host = host_of(element.get("href"))
        if host and (element.tag == "base" or HOME.search(labels)):
            return host
    return ""


def site_names(head: PageHead, article: Node, host: str) -> tuple[str, ...]:
    """The names by which a page calls its publisher or site."""
    return tuple(dict.fromkeys(_stated_publishers(head, article, host)))


def _stated_publishers(head: PageHead, article: Node, host: str) -> Iterator[str]:
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
            yield from _without_tagline(name, host)


def _is_address(name: str) -> bool:
    return name.startswith(("http:", "https:", "www.", "@")) or ("/" in name and " " not in name)


def _one(value: object) -> object:
    return value[0] if isinstance(value, list) and value else value


def _without_tagline(name: str, host: str) -> list[str]:
    """A site's name without what it says of itself after a rule: `X | All the news`."""
    parts = [part.strip() for part in TAGLINE.split(name) if part.strip()]
    return [part for part in parts if host and _agrees(part, host)][:1] or parts[:1]


def _label(host: str) -> str:
    """The name in a host: `barrons` of blogs.barrons.com, `bbc` of news.bbc.co.uk."""
    known = get_tld(f"https://{host}", as_object=True, fail_silently=True)
    return key(known.domain if isinstance(known, Result) else host)


def _agrees(name: str, host: str) -> bool:
    """Whether a name and a host say the same: one holds the other, a word, or the initials.

    A name in another script than that of hosts cannot disagree.
    """
    label, whole = _label(host), key(name)
    words = [key(word) for word in re.findall(r"\w+", name)]
    initials = _initials(name)
    if whole and not any(letter.isascii() for letter in whole):
        return True
    return bool(whole) and (
        label in whole
        or (len(whole) > 2 and whole in label)
        or initials == label
        or (len(initials) > 2 and initials in label)
        or any(len(word) > 2 and word in label for word in words)
    )


def _initials(name: str) -> str:
    return "".join(key(word)[:1] for word in re.findall(r"\w+", name))


def _spelled(head: PageHead, host: str) -> str:
    """The host's name as the page most often writes it: `Barron's`, `Phys.org`; else empty.

    Most of the name is enough: `Practical Horseman` for practicalhorsemanmag.com. Names with
    a capital are preferred, because a host may be called by a common word.
    """
    names = {_label(host), key(host)}
    described = (v for each in ("description", "og:description") for v in head.meta.get(each, ()))
    words = WORDS.findall(" ".join([*text_of(head.tree).split(), *described])[:MAX_PAGE_TEXT])
    seen: Counter[tuple[int, str]] = Counter()
    for i, word in enumerate(words):
        if any(name.startswith(key(word)) for name in names) and key(word):
            for end in range(i + 1, min(i + MAX_WORDS, len(words)) + 1):
                written = " ".join(words[i:end])
                run = key(written)
                if not any(name.startswith(run) for name in names):
                    break
                if run in names or (end > i + 1 and 3 * len(run) > 2 * len(_label(host))):
                    name = re.sub(r"['’]s$", "", written) if run not in names else written
                    seen[run in names, name.strip(".,-'’")] += 1
    ranked = sorted(seen, key=lambda each: (each[1] != each[1].lower(), each[0], seen[each]))
    return ranked[-1][1] if ranked else ""


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
    # What a page calls itself is its title where a heading says just that, wherever it stands.
    exact = {key(line_of(each)) for each in head.tree.iter("h1")}
    said = next((each for each in bare if key(each) in exact), "")
    if said and not (best and best[0] > EXACT):
        return said
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
            return EXACT + 1
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
