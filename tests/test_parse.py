"""Reading: each format and encoding, metadata and its origin, and every way to fail."""

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sourcebook.index.article import Article, BlockKind, Metadata
from sourcebook.index.attention import is_cut_off
from sourcebook.index.errors import InputError, NotFoundError, TooLargeError, UnreadableError
from sourcebook.index.parsing.markup import names
from sourcebook.index.parsing.parse import (
    MAX_BYTES,
    PARSERS,
    decode,
    detect_language,
    find_files,
    parse,
)

SHARED = Path(__file__).parents[2] / "shared"
PAGES = SHARED / "bench" / "article_extraction"
REPO = Path(__file__).parents[1]

TEXT = (
    "The council voted on Tuesday to double the fines for dumping waste in the river, after two "
    "years of complaints from the villages downstream."
)
MORE = (
    "The new rules take effect in March, and the town will spend the money on cleaner banks and "
    "on a public record of every fine that it collects."
)


def one(data: str | bytes, name: str, overrides: Metadata | None = None) -> Article:
    raw = data.encode() if isinstance(data, str) else data
    (article,) = parse(raw, name=name, source=f"file:{name}", overrides=overrides)
    return article


def blocks(article: Article) -> list[tuple[str, str]]:
    return [(b.kind.value, article.text[b.start : b.end]) for b in article.blocks]


# --- plain text ----------------------------------------------------------------------------------


def test_a_text_file() -> None:
    data = f"Town Doubles Fines for Dumping\n\nBy Ann Lee\n\n{TEXT}\n\n{MORE}\n".encode()
    article = one(data, "fines.TXT")
    assert article.text == f"{TEXT}\n\n{MORE}"
    assert article.metadata == Metadata(
        title="Town Doubles Fines for Dumping", authors=("Ann Lee",), language="en"
    )
    assert article.source == "file:fines.TXT"
    assert article.raw == data
    assert [removal.rule for removal in article.removals] == ["masthead", "masthead"]


def test_overrides_win_and_say_so() -> None:
    given_by_caller = Metadata(title="Mine", published="2020-01", language="xx")
    article = one(f"3 May 2024\n\n{TEXT}\n\nUpdated: 4 May 2024", "a.txt", given_by_caller)
    assert (article.metadata.title, article.metadata.language) == ("Mine", "xx")
    assert (article.metadata.published, article.metadata.modified) == ("2020-01", "2024-05-04")
    assert article.metadata.date_sources == {"published": "caller", "modified": "text"}
    assert article.text.startswith("3 May 2024")  # says otherwise, so it is kept


# --- Markdown ------------------------------------------------------------------------------------

MARKDOWN = f"""---
Title: Fines
author: Ann Lee and Bo Diaz
site: Valley Courier
date: 2024-05-03
updated: 4 May 2024
retrieved: 2024-06
link: https://example.org/fines
lang: en-GB
keywords: [river, waste]
about:
  published: 2023-01-02
  parts: [1, 2]
---

# Fines

{TEXT} It is *not* the [first](https://example.org) `time`.

## What the inspectors found

![A weir](weir.jpg)

- Old **tyres**
- Motor oil
  in drums

| Waste | Fine |
| --- | --- |
| Tyres | 500 |

```
fine = 2 * old_fine
```

> {MORE}
"""


def test_markdown_becomes_plain_blocks() -> None:
    assert blocks(one(MARKDOWN, "fines.md")) == [
        ("paragraph", f"{TEXT} It is not the first time."),
        ("heading", "What the inspectors found"),
        ("item", "Old tyres"),
        ("item", "Motor oil in drums"),
        ("header", "Waste | Fine"),
        ("row", "Tyres | 500"),
        ("paragraph", "fine = 2 * old_fine"),
        ("paragraph", MORE),
        ("caption", "A weir"),
    ]


def test_front_matter_becomes_metadata() -> None:
    assert one(MARKDOWN, "fines.markdown").metadata == Metadata(
        title="Fines",
        authors=("Ann Lee", "Bo Diaz"),
        publisher="Valley Courier",
        published="2024-05-03",
        modified="2024-05-04",
        retrieved="2024-06",
        url="https://example.org/fines",
        language="en",
        tags=("river", "waste"),
        date_sources=dict.fromkeys(("published", "modified", "retrieved"), "front matter"),
        extra={"about": {"published": "2023-01-02", "parts": [1, 2]}},
    )


def test_the_first_heading_is_the_title_where_the_front_matter_has_none() -> None:
    article = one(f"# Fines\n\n{TEXT}\n\n# Costs\n\n{MORE}", "fines.md")
    assert article.metadata.title == "Fines"
    assert [text for kind, text in blocks(article) if kind == "heading"] == ["Costs"]


def test_a_first_heading_other_than_the_title_stays() -> None:
    article = one(f"---\ntitle: Fines\n---\n# Background\n\n{TEXT}", "fines.md")
    assert blocks(article)[0] == ("heading", "Background")


def test_crlf_a_mark_and_no_front_matter() -> None:
    article = one(f"\ufeff---\r\ntitle: Fines\r\n---\r\n{TEXT}\r\n".encode(), "fines.md")
    assert (article.metadata.title, article.text) == ("Fines", TEXT)
    assert one(f"{TEXT}\n\n---\n\n{MORE}", "rule.md").text == f"{TEXT}\n\n{MORE}"


@pytest.mark.parametrize(
    ("matter", "says"),
    [
        ("title: [", "not YAML"),
        ("- a\n- b", "expected lines of `key: value`"),
        ("date: soon", "date of x.md is 'soon'; expected a date"),
        ("url: example.org", "expected an http or https address"),
    ],
)
def test_front_matter_that_cannot_be_read(matter: str, says: str) -> None:
    with pytest.raises(UnreadableError, match=re.escape(says)) as caught:
        one(f"---\n{matter}\n---\n{TEXT}", "x.md")
    assert caught.value.cure


# --- HTML ----------------------------------------------------------------------------------------

PAGE = f"""<!DOCTYPE html><html lang="en"><head><title>Fines double | Valley Courier</title>
<meta property="og:title" content="Fines double">
<meta property="og:site_name" content="Valley Courier">
<meta name="author" content="Ann Lee">
<meta property="article:published_time" content="2024-05-03T10:00:00Z">
<link rel="canonical" href="https://example.org/2024/fines"></head>
<body><nav><a href="/">Home</a> <a href="/news">News</a></nav>
<article><h1>Fines double</h1><p>{TEXT}</p><h2>What the inspectors found</h2>
<p>{MORE} <em>Nobody</em> was surprised by it.</p><p>{TEXT} And the villages rejoiced.</p>
<p>Sign up for our newsletter</p></article>
<footer>Imprint. All rights reserved. Privacy</footer></body></html>"""


def test_a_web_page() -> None:
    article = one(PAGE, "fines.html")
    assert blocks(article) == [
        ("paragraph", TEXT),
        ("heading", "What the inspectors found"),
        ("paragraph", f"{MORE} Nobody was surprised by it."),
        ("paragraph", f"{TEXT} And the villages rejoiced."),
    ]
    assert article.metadata == Metadata(
        title="Fines double",
        authors=("Ann Lee",),
        publisher="Valley Courier",
        published="2024-05-03",
        url="https://example.org/2024/fines",
        language="en",
        date_sources={"published": "meta"},
    )
    assert article.raw == PAGE.encode()


def test_a_page_behind_a_paywall_is_marked_as_cut_off() -> None:
    opening = "The ministry plans to cut the programme by a third next year, said two officials."
    cut = "The draft, which parliament will debate in October, also"
    wall = (
        "<p>To continue reading, subscribe today with our introductory offer.</p>"
        "<p>Already have an account? Log in</p>"
        "<p>This article is for subscribers only. Choose your plan: monthly 9.99, yearly 99.</p>"
    )
    page = f"<article><h1>Plan</h1><p>{opening}</p><p>{cut}</p><div>{wall}</div></article>"
    article = one(page.encode(), "page.html")
    assert article.text.endswith(f"{opening}\n\n{cut}")
    assert is_cut_off(article)
    assert "subscribers" in article.metadata.extra["incomplete"]
    whole = one(page.replace(wall, "").encode(), "page.html")
    assert not is_cut_off(whole)


def test_what_a_file_says_of_itself_is_composed() -> None:
    front = "title: Bogota\u0301 co\u00aduncil\nauthor: A\u0301lvaro Nu\u0301n\u0303ez"
    raw = f"---\n{front}\n---\n\nIt met."
    metadata = one(raw.encode(), "a.md").metadata
    assert (metadata.title, metadata.authors) == ("Bogotá council", ("Álvaro Núñez",))


def test_a_web_page_names_its_own_encoding() -> None:
    page = PAGE.replace("<head>", '<head><meta charset="windows-1252">').replace("river", "Rivière")
    for data in (page.encode("cp1252"), page.encode("utf-16")):
        assert "Rivière" in one(data, "fines.htm").text


@pytest.mark.parametrize("page", ["<html></html>", "<html><body></body></html>", "x"])
def test_a_page_without_an_article(page: str) -> None:
    with pytest.raises(UnreadableError, match=r"No article was found in p\.html"):
        one(page, "p.html")


# --- JSON lines ----------------------------------------------------------------------------------


def test_one_article_a_line() -> None:
    lines = [
        {"text": TEXT, "title": "Fines", "date": "3 May 2024", "rank": 7},
        {"_id": "doc-9", "title": "", "text": f"Not a title at all\n\n{MORE}"},
        {"id": 4, "source": "https://example.org/a", "text": MORE, "author": ["Ann Lee"]},
    ]
    raw = "\n".join(json.dumps(line) for line in lines[:2]) + "\n\n" + json.dumps(lines[2]) + "\r\n"
    first, second, third = parse(raw.encode(), name="a.jsonl", source="file:a.jsonl")
    assert [a.source for a in (first, second, third)] == [
        "file:a.jsonl#1",
        "file:a.jsonl#doc-9",
        "https://example.org/a#4",
    ]
    assert first.raw == json.dumps(lines[0]).encode()
    assert first.metadata == Metadata(
        title="Fines",
        published="2024-05-03",
        language="en",
        date_sources={"published": "front matter"},
        extra={"rank": 7},
    )
    assert second.text.startswith("Not a title at all")
    assert third.metadata.authors == ("Ann Lee",)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "b.ndjson, line 2 is not JSON"),
        ("[" * 100_000, "b.ndjson, line 2 is not JSON"),
        ("[1]", "b.ndjson, line 2 is [1]; expected a JSON object"),
        ('{"title": "x"}', "The text of b.ndjson, line 2 is None; expected a string"),
        ('{"text": 5}', "The text of b.ndjson, line 2 is 5; expected a string"),
        ('{"text": " "}', "b.ndjson, line 2 has no words"),
        ('{"text": "some words", "date": "soon"}', "date of b.ndjson, line 2 is 'soon'"),
        ('{"text": "some words", "id": 1}', "b.ndjson, line 2 has the source 's#1'"),
    ],
)
def test_a_bad_line_is_named(line: str, says: str) -> None:
    data = json.dumps({"text": TEXT}) + "\n" + line
    with pytest.raises(UnreadableError, match=re.escape(says)) as caught:
        parse(data.encode(), name="b.ndjson", source="s")
    assert caught.value.cure


# --- every way to fail ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "error", "says"),
    [
        ("a.docx", b"x", UnreadableError, "a.docx ends in '.docx'; expected one of .txt, .md,"),
        ("a", b"x", UnreadableError, "a has no suffix; expected one of"),
        ("a.txt", b"", UnreadableError, "a.txt is empty"),
        ("a.txt", b" \r\n\t ", UnreadableError, "a.txt is empty"),
        ("a.txt", "\u00a0\u200b\n".encode(), UnreadableError, "a.txt has no words"),
        ("a.md", b"---\ntitle: x\n---\n", UnreadableError, "a.md has no words"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\x00\x00", UnreadableError, "a.txt is a PNG image"),
        ("a.html", b"%PDF-1.7\nstuff", UnreadableError, "a.html is a PDF"),
        ("a.md", b"PK\x03\x04rest", UnreadableError, "a.md is a ZIP archive"),
        ("a.jsonl", b"\x1f\x8b\x08", UnreadableError, "a.jsonl is gzip-compressed"),
        ("a.txt", b"some\x00binary\x00\x00stuff", UnreadableError, "a.txt holds NUL bytes"),
        ("a.txt", b"\xff\xfea", UnreadableError, "a.txt begins like utf-16 but goes on otherwise"),
        ("a.txt", bytes(range(128, 256)) * 3, UnreadableError, "in no known character encoding"),
        ("a.txt", b"x" * (MAX_BYTES + 1), TooLargeError, "a.txt has 52,428,801 bytes; expected"),
    ],
)
def test_a_file_that_cannot_be_read(
    name: str, data: bytes, error: type[InputError], says: str
) -> None:
    with pytest.raises(error) as caught:
        parse(data, name=name, source="s")
    assert says in caught.value.message
    assert caught.value.cure


@given(st.binary(max_size=300), st.sampled_from(sorted(PARSERS)))
@settings(deadline=None)
def test_any_bytes_are_an_article_or_a_clear_refusal(data: bytes, suffix: str) -> None:
    try:
        articles = parse(data, name=f"a{suffix}", source="s")
    except InputError as error:
        articles, cure = [], error.cure
    else:
        cure = ""
    assert bool(articles) != bool(cure)
    assert all(article.text.strip() for article in articles)


def test_the_largest_text_that_is_allowed_is_read() -> None:
    paragraph = f"{TEXT} {MORE} " * 20
    count = MAX_BYTES // (len(paragraph) + 20)
    text = "\n\n".join(f"{n} {paragraph}" for n in range(count))
    article = one(text + "." * (MAX_BYTES - len(text.encode())), "large.txt")
    assert len(article.raw) == MAX_BYTES
    assert len(article.blocks) == count


# --- encodings -----------------------------------------------------------------------------------

SAMPLES = {
    "German “quoted” – naïvely: der Bürgermeister erklärte, dass die Gebühren höher würden.": (
        "cp1252 utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32"
    ),
    "La municipalité a décidé d’élever les amendes à cause de la pollution; dès l’été.": "cp1252",
    "El ayuntamiento decidió duplicar las multas por arrojar basura al río después.": "latin-1",
    "The fee is £5 at the café.": "cp1252 latin-1",
    "Rada miasta zdecydowała podwoić kary za wyrzucanie śmieci do rzeki po dwóch.": "cp1250",
    "Městská rada rozhodla zdvojnásobit pokuty za vyhazování odpadu do řeky po dvou letech "
    "stížností obyvatel vesnic.": "cp1250",
    "Городской совет решил удвоить штрафы за сброс мусора в реку.": "cp1251 koi8-r utf-16",
    "市議会は火曜日、川への廃棄物投棄に対する罰金を倍増することを決定した。": "shift_jis utf-8",
}


@pytest.mark.parametrize(
    ("text", "encoding"), [(t, e) for t, encodings in SAMPLES.items() for e in encodings.split()]
)
def test_encodings(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding), "a.txt").removeprefix("\ufeff") == text


def test_a_bad_byte_among_many_good_ones_is_damage() -> None:
    text = "Der Bürgermeister erklärte, dass die Gebühren höher würden. " * 10
    assert decode(text.encode() + b"\xfc.", "a.txt") == text + "\ufffd."


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff\ufffd")))
def test_utf8_always_survives(text: str) -> None:
    if not text.startswith(("%PDF-", "GIF8", "PK\x03\x04", "{\\rtf", "\x7fELF")):
        assert decode(text.encode(), "a.txt") == text


# --- names, languages ----------------------------------------------------------------------------


def test_names_in_many_forms() -> None:
    assert names("A B, C D and E F") == ("A B", "C D", "E F")
    assert names(["A B", {"name": "C D"}, "A B"]) == ("A B", "C D")
    assert names("river and sea, sky", split_and=False) == ("river and sea", "sky")
    assert names(None) == ()


@pytest.mark.parametrize(("text", "code"), [(TEXT, "en"), (list(SAMPLES)[2], "es")])
def test_languages(text: str, code: str) -> None:
    assert detect_language(text) == code


# --- finding files -------------------------------------------------------------------------------


def test_folders_are_walked_in_order_and_files_taken_as_given(tmp_path: Path) -> None:
    for name in ("b.md", "a.TXT", "README.md", "c.docx", ".hidden.txt", "sub/z.html", ".git/x.md"):
        path = tmp_path / "lib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "lib" / "sub" / "loop").symlink_to(tmp_path / "lib", target_is_directory=True)
    (tmp_path / "lib" / "dead.txt").symlink_to(tmp_path / "nowhere")
    given_file = tmp_path / "lib" / "README.md"
    found = [str(p.relative_to(tmp_path)) for p in find_files([given_file, tmp_path / "lib"])]
    expected = ["lib/README.md", "lib/a.TXT", "lib/b.md", "lib/sub/z.html"]
    assert [name.replace(os.sep, "/") for name in found] == expected


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"There is no file or folder .*nowhere"):
        list(find_files([tmp_path / "nowhere"]))


def test_the_seeds_of_this_repository_read_without_a_word_removed() -> None:
    paths = list(find_files([REPO / "seeds"]))
    assert len(paths) == 5
    for path in paths:
        article = one(path.read_bytes(), path.name)
        assert article.removals == ()
        assert article.metadata.publisher == "Sourcebook"
        assert article.metadata.extra["about"]["published"].startswith("202")
        assert BlockKind.HEADING in {block.kind for block in article.blocks}


@pytest.mark.parametrize(
    "text",
    [
        "La niña comió el jamón y bailó la canción española.",
        "Une école fermée à Paris",
        "Übergrößen weiß",
        "“No,” said the señor – twice.",
    ],
)
def test_short_western_texts_without_a_mark(text: str) -> None:
    assert decode(text.encode("cp1252"), "short.txt") == text
