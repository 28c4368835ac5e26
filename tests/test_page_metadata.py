"""The metadata of pages and texts: what is stated, and nothing else."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring

from sourcebook.eval.parsing.metadata import folded, judge, measure
from sourcebook.index.article import Metadata
from sourcebook.index.parsing.bylines import authors_in, byline, is_body, is_person, plain_name
from sourcebook.index.parsing.json_ld import read_graph, titles
from sourcebook.index.parsing.markup import names
from sourcebook.index.parsing.page_dates import date_in_address, stated_date
from sourcebook.index.parsing.page_metadata import page_metadata
from sourcebook.index.parsing.parse import parse
from sourcebook.index.parsing.tidy import tidied

ON_MONDAY = (
    "The monitoring office published its yearly survey of the coastal districts on Monday, and "
    "officials said that the figures would guide the next programme for farmers in the region."
)
ON_FRIDAY = ON_MONDAY.replace("Monday", "Friday")
TITLE = "Survey of coastal districts"


def page(
    head: str = f"<title>{TITLE}</title>",
    top: str = f"<h1>{TITLE}</h1>",
    body: str = f"<p>{ON_MONDAY}</p><p>{ON_FRIDAY}</p>",
    around: str = "",
) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{head}</head>'
        f"<body><article>{top}{body}</article>{around}</body></html>"
    )


def under(html: str) -> str:
    return f"<h1>{TITLE}</h1>{html}"


def stated(**values: Any) -> str:
    node = {"@context": "https://schema.org", "@type": "NewsArticle", "headline": TITLE, **values}
    return f'<title>{TITLE}</title><script type="application/ld+json">{json.dumps(node)}</script>'


def meta(**values: str) -> str:
    tags = (
        f'<meta property="{name.replace("__", ":")}" content="{value}">'
        for name, value in values.items()
    )
    return f"<title>{TITLE}</title>{''.join(tags)}"


def read(text: str, name: str = "page.html") -> Metadata:
    return parse(text.encode(), name=name, source=name)[0].metadata


LOPEZ = [
    {"@type": "Person", "name": "Sarah E. Lopez"},
    {"@type": "Organization", "name": "Reuters"},
]
MINISTRY = "Ministry of Health and Social Protection"
PAGES = {
    "persons and organisations of JSON-LD are kept as such": (
        page(stated(author=LOPEZ)),
        {"authors": ("Sarah E. Lopez", "Reuters")},
    ),
    "an organisation is one name": (
        page(stated(author={"@type": "GovernmentOrganization", "name": MINISTRY})),
        {"authors": (MINISTRY,)},
    ),
    "an author may be a reference": (
        page(stated(author={"@id": "#a"}, **{"@graph": [{"@id": "#a", "name": "Ann Lee"}]})),
        {"authors": ("Ann Lee",)},
    ),
    "honorifics and degrees are left out": (
        page(stated(author={"@type": "Person", "name": "Dr. Rachel Link, MS, RD"})),
        {"authors": ("Rachel Link",)},
    ),
    "job titles of a byline are no authors": (
        page(top=under('<p class="byline">By Ana Ruiz, AP National Security Writer</p>')),
        {"authors": ("Ana Ruiz",)},
    ),
    "the employer in a byline is no author": (
        page(
            top=under(
                '<p class="byline">By <a href="/staff/td">Tom Davies</a>, Associated Press</p>'
            )
        ),
        {"authors": ("Tom Davies",)},
    ),
    "a byline names more than the metadata": (
        page(
            stated(author="Tom Davies"), under('<p class="byline">By Tom Davies and Ana Ruiz</p>')
        ),
        {"authors": ("Tom Davies", "Ana Ruiz")},
    ),
    "a byline writes the name in full": (
        page(meta(author="Troy Smith"), under('<p class="byline">By Troy L. Smith</p>')),
        {"authors": ("Troy L. Smith",)},
    ),
    "accounts, posts, addresses and days are nobody": (
        page(
            meta(author="admin", article__author="https://example.org/ann")
            + '<meta name="dc.creator" content="Staff Reports"><meta name="byl" content="Monday">'
        ),
        {"authors": ()},
    ),
    "comments have no byline": (
        page(around='<div class="comments"><span class="author">Bo Diaz</span></div>'),
        {"authors": ()},
    ),
    "a change is kept beside the publication": (
        page(stated(datePublished="2024-05-07T08:00:00Z", dateModified="2024-05-09T10:00:00Z")),
        {
            "published": "2024-05-07",
            "modified": "2024-05-09",
            "date_sources": {"published": "json-ld", "modified": "json-ld"},
        },
    ),
    "a month stays a month": (page(stated(datePublished="2024-05")), {"published": "2024-05"}),
    "a date that was never set is none": (
        page(stated(datePublished="0001-01-01T00:00:00Z", dateModified="1970-01-01T00:00:00Z")),
        {"published": None, "modified": None, "date_sources": {}},
    ),
    "years in the text are no dates": (
        page(body=f"<p>It said that 1999 wells and the law of 1997 failed.</p><p>{ON_MONDAY}</p>"),
        {"published": None, "modified": None},
    ),
    "captions, copyright, tables and tweets are no dates": (
        page(
            body="<figure><img src=a.jpg><figcaption>Wells on 3 May 2020</figcaption></figure>"
            f"<p>{ON_MONDAY}</p>"
            f"<table><tr><th>2021</th></tr><tr><td>3 May 2019</td></tr></table><p>{ON_FRIDAY}</p>"
            '<blockquote class="twitter-tweet">A tweet <a href="#">May 7, 2018</a></blockquote>',
            around="<footer>Copyright 2014. Updated 3 May 2015</footer>",
        ),
        {"published": None, "modified": None, "publisher": ""},
    ),
    "a time near the title is a date": (
        page(
            top=under(
                '<time datetime="2019-11-19T10:00">today</time>'
                '<time datetime="2019-11-21">Updated Nov 21</time>'
            )
        ),
        {
            "published": "2019-11-19",
            "modified": "2019-11-21",
            "date_sources": {"published": "time", "modified": "time"},
        },
    ),
    "labels in a byline tell the dates apart": (
        page(
            top=under(
                '<div class="byline">Tom Davies Published 10:02 AM EST '
                "Nov 19, 2019 Updated Nov 20, 2019</div>"
            )
        ),
        {
            "published": "2019-11-19",
            "modified": "2019-11-20",
            "date_sources": {"published": "byline", "modified": "byline"},
        },
    ),
    "the day that the page shows is the day": (
        page(
            stated(datePublished="2019-11-20T02:11:00Z"),
            under("<time>Nov. 19, 2019, 6:11 p.m.</time>"),
        ),
        {"published": "2019-11-19", "date_sources": {"published": "time"}},
    ),
    "the day that the page shows may have no year": (
        page(
            stated(datePublished="2020-01-01T01:19:34.819Z"),
            under("<time>Updated Jan 1, 9:41 AM;</time><time>Posted Dec 31, 8:19 PM</time>"),
        ),
        {"published": "2019-12-31", "date_sources": {"published": "time"}},
    ),
    "so may the day after a label": (
        page(
            stated(datePublished="2019-11-19T01:19:34.819Z"),
            under("<p>Posted Nov 18, 8:19 PM</p>"),
        ),
        {"published": "2019-11-18", "date_sources": {"published": "byline"}},
    ),
    "a day in Greenwich that the address has as well is not the one shown": (
        page(
            stated(datePublished="2019-11-19T02:46:42Z")
            + '<link rel="canonical" href="https://example.org/2019/11/19/wells">',
            under(
                '<span class="stamp">November 18, 2019 at 2:26 PM HST - Updated November 18</span>'
            ),
        ),
        {"published": "2019-11-18", "date_sources": {"published": "byline"}},
    ),
    "a time between day and year": (
        page(top=under('<div class="date"><b>May 20</b> <b>15:23</b> <b>2019</b></div>')),
        {"published": "2019-05-20"},
    ),
    "what is hidden is no title and no byline": (
        page(
            top=f'<h1 class="sr-only">Surveys of districts</h1><h2>{TITLE} again</h2>'
            '<p class="byline" hidden>By Bo Diaz</p>'
        ),
        {"title": f"{TITLE} again", "authors": ()},
    ),
    "a title or an address that is too long is none": (
        page(
            f"<title>{'Survey ' * 400}</title>"
            f'<link rel="canonical" href="https://example.org/{"a" * 2100}">'
        ),
        {"title": TITLE, "url": None},
    ),
    "an address states a day": (
        page(
            f'<title>{TITLE}</title><link rel="canonical" href="https://example.org/2019/nov/19/wells">'
        ),
        {"published": "2019-11-19", "date_sources": {"published": "address"}},
    ),
    "the site's name is no title": (
        page(
            "<title>Prices fall in the south - The Daily Planet</title>",
            '<div id="logo"><h1>The Daily Planet</h1></div>'
            '<h2 class="post-title">Prices fall in the south</h2>',
        ),
        {"title": "Prices fall in the south", "publisher": "The Daily Planet"},
    ),
    "a title is written as the heading has it": (
        page(
            "<title>Wells fail in coastal districts | News | CNN</title>"
            '<meta property="og:site_name" content="CNN">',
            "<h1>Why wells fail in the coastal districts</h1>",
        ),
        {"title": "Why wells fail in the coastal districts", "publisher": "CNN"},
    ),
    "a heading with the words of the title is the title wherever it stands": (
        page(
            "<title>Why wells fail | CNN</title>"
            '<meta property="og:title" content="Why wells fail">',
            "<h3>Here is why wells fail and what to do</h3>",
            around='<div class="related"><h1>Why wells fail</h1></div>',
        ),
        {"title": "Why wells fail"},
    ),
    "a publisher may be a reference, and an agency is none": (
        page(
            stated(publisher={"@type": "Organization", "name": "Associated Press"})
            + '<meta property="og:site_name" content="Connecticut Post | News">'
            '<link rel="canonical" href="https://www.ctpost.com/a/b">'
        ),
        {"publisher": "Connecticut Post"},
    ),
    "a host is called as the page writes it": (
        page(
            f'<title>{TITLE}</title><link rel="canonical" href="https://www.barrons.com/a/b">',
            around="<p>Barron's has more. A copy of Barron's.</p><footer>Copyright 2014</footer>",
        ),
        {"publisher": "Barron's"},
    ),
    "the label of a host is no name": (
        page(
            f'<title>{TITLE}</title><meta property="og:site_name" content="vice">'
            '<link rel="canonical" href="https://www.vice.com/en/b">',
            around="<p>More from VICE. Not a vice.</p>",
        ),
        {"publisher": "VICE"},
    ),
    "a machine's name is no publisher": (
        page(
            f'<title>{TITLE} | Hosted</title><meta property="og:site_name" content="Hosted">'
            '<link rel="canonical" href="https://hosted.ap.org/a/b">',
            under('<div class="byline">Associated Press</div>'),
        ),
        {"publisher": "Associated Press", "authors": ("Associated Press",)},
    ),
}


@pytest.mark.parametrize(("text", "wanted"), PAGES.values(), ids=PAGES)
def test_a_page_is_what_it_states(text: str, wanted: dict[str, Any]) -> None:
    found = read(text)
    assert {name: getattr(found, name) for name in wanted} == wanted


BODY = f"{ON_MONDAY}\n\n{ON_FRIDAY}\n"
TEXTS = {
    "title, name, date": (
        "Certification explained again\nMaría de la Cruz\nNovember 3, 2025\n"
        f"Updated November 5, 2025\n\n{BODY}",
        {
            "title": "Certification explained again",
            "authors": ("María de la Cruz",),
            "published": "2025-11-03",
            "modified": "2025-11-05",
        },
    ),
    "a year signs no title": (
        f"Budget of the harbour town\n\nIncome and spending compared\n\n2024\n\n{BODY}",
        {"title": "Budget of the harbour town", "published": None},
    ),
    "a post in a byline": (
        f"Ministry plans new roads in the south\n\nBy Jane Doe, Staff Writer\n\n{BODY}",
        {"title": "Ministry plans new roads in the south", "authors": ("Jane Doe",)},
    ),
    "an office in a byline": (
        f"New rules for clinics in the south\n\nBy the {MINISTRY}\n\n{BODY}",
        {"authors": (MINISTRY,)},
    ),
    "a dateline": (
        f"Wells fail in the districts\n\nBOGOTÁ, May 7, 2024 (Reuters) - {BODY}",
        {"published": "2024-05-07"},
    ),
    "a month": (
        f"Wells fail in the districts\n\nPublished: May 2024\n\n{BODY}",
        {"published": "2024-05"},
    ),
    "a date below the first paragraph is the body's": (
        f"A short history of the wells\n\n{ON_MONDAY}\n\n3 May 2019\n\n{ON_FRIDAY}\n",
        {"published": None},
    ),
    "a year in the text": (
        f"A short history of the wells\n\nThe law of 1997 had failed. {BODY}",
        {"published": None},
    ),
    "a title without spaces": (
        "哥伦比亚古柯种植面积创新高\n\n联合国毒品和犯罪问题办公室周一表示，哥伦比亚的古柯种植面积在2023年达到25万3千公顷，比上一年增加百分之十。\n",
        {"title": "哥伦比亚古柯种植面积创新高"},
    ),
}


@pytest.mark.parametrize(
    "text",
    [
        *(f"{line}\n12 May 2024\n\n" for line in ("Fact Sheet", "San Salvador", "Ann Lee")),
        f"{TITLE}\nFact Sheet\n12 May 2024\n\nThis fact sheet is for districts. ",
        f"{TITLE}\nSan Salvador\n12 May 2024\n\nThe wells were dug in San Salvador. ",
        f"{TITLE}\nAnn Lee\n\n",
    ],
)
def test_a_line_that_may_be_a_name_is_no_author_and_stays(text: str) -> None:
    [article] = parse(f"{text}{BODY}".encode(), name="a.txt", source="a.txt")
    line = next(each for each in text.splitlines() if each != TITLE)
    assert article.metadata.authors == ()
    assert line in article.text


@pytest.mark.parametrize(("text", "wanted"), TEXTS.values(), ids=TEXTS)
def test_a_text_is_what_its_head_states(text: str, wanted: dict[str, Any]) -> None:
    found = read(text, "a.txt")
    assert {name: getattr(found, name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("By Ann Lee and Bo de la Cruz", ("Ann Lee", "Bo de la Cruz")),
        ("Analysis by Chris Cillizza, CNN Editor-at-large", ("Chris Cillizza",)),
        ("By Jill Disis, CNN Business", ("Jill Disis",)),
        ("By Meg Kinnard and Errin Haines, Associated Press", ("Meg Kinnard", "Errin Haines")),
        ("Troy Smith | tsmith@example.org", ("Troy Smith",)),
        ("By HNN Staff | November 18, 2019 at 2:26 PM HST", ("HNN Staff",)),
        ("Текст: Венера Ерофеева", ("Венера Ерофеева",)),
        ("Por Álvaro Núñez en Bogotá", ("Álvaro Núñez",)),
        ("By Sarah E. Lopez", ("Sarah E. Lopez",)),
        (f"{MINISTRY}", (MINISTRY,)),
        ("By Staff Reports", ()),
        ("Monday, March 3", ()),
        ("By Tuesday the figures had been corrected by the office.", ()),
        ("", ()),
    ],
)
def test_a_byline_names(text: str, wanted: tuple[str, ...]) -> None:
    assert authors_in(text, elsewhere=["CNN"]) == wanted


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("By Ann Lee, Staff Writer", ("Ann Lee",)),
        ("By Ann Lee and the roads that were promised", ()),
        ("By Monday Evening, Forty Roads", ()),
        ("Ann Lee", ()),
    ],
)
def test_a_line_is_a_byline_throughout(line: str, wanted: tuple[str, ...]) -> None:
    assert byline(line) == wanted


def test_names_in_front_matter_are_people_and_offices() -> None:
    assert names(f"Dr. Ann Lee, Bo Diaz PhD; {MINISTRY}, and C. D. Roe") == (
        "Ann Lee",
        "Bo Diaz",
        MINISTRY,
        "C. D. Roe",
    )
    assert names(MINISTRY) == (MINISTRY,)
    assert names("Ann Lee, PhD, Bo Diaz, M.D.; Cy King, Jr.") == (
        "Ann Lee",
        "Bo Diaz",
        "Cy King Jr.",
    )
    assert names("Ann Lee, Staff Writer, AFP") == ("Ann Lee", "AFP")
    assert names("Staff Writer") == ("Staff Writer",)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Dr. Jane Doe, PhD", "Jane Doe"),
        ("Prof. Dr. Jane Doe", "Jane Doe"),
        ("Jane Doe M.D.", "Jane Doe"),
        ("Robert De Niro III", "Robert De Niro III"),
        ("J. K. Lee", "J. K. Lee"),
        ("JANE DOE", "JANE DOE"),
        ("Nu\u0301n\u0303ez Ana", "Núñez Ana"),
        ("Dr.", "Dr."),
        ("", ""),
        ("AB " * 20_000 + "x", "AB " * 20_000 + "x"),
    ],
)
def test_a_name_is_plain(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_persons_and_organisations_are_told_apart() -> None:
    assert all(map(is_person, ["Ann Lee", "Ursula K. Le Guin", "María de la Cruz", "April Diaz"]))
    assert not any(map(is_person, ["Lee", "Staff Writer", "Monday Lee", MINISTRY, "ann lee", ""]))
    assert is_body(MINISTRY)
    assert not is_body("Ann Lee")


@pytest.mark.parametrize(
    ("block", "title"),
    [
        ('{"@type": "Article", "headline": "A &amp; B",}', "A & B"),
        ('{"@type": "Article", // said\n "image": , "headline": "A"}', "A"),
        ('<!-- {"@type": "Article", "headline": "A"} -->', "A"),
        ('{"@type": "Article", "headline": "A"}}', "A"),
        ('[{"@graph": [{"@type": "BlogPosting", "headline": ["A"]}]}]', "A"),
        ('{"@type": "Article", "headline": {"@value": 1}}', ""),
        ('{"@type": "ItemList", "itemListElement": [{"@type": "Article", "headline": "B"}]}', ""),
        ("{" * 5000, ""),
        ("nothing", ""),
    ],
)
def test_json_ld_is_read_as_it_is_written(block: str, title: str) -> None:
    assert next(iter(titles(read_graph([block]).article([]))), "") == title


def test_the_article_of_a_page_is_the_one_with_its_title() -> None:
    blocks = [json.dumps([{"@type": "Article", "headline": each} for each in "AB"])]
    assert titles(read_graph(blocks).article(["B"])) == ["B"]


@pytest.mark.parametrize(
    ("address", "date"),
    [
        ("https://e.org/2019/11/19/a", "2019-11-19"),
        ("https://e.org/2019/nov/19/a", "2019-11-19"),
        ("https://e.org/story/2019-11-19/a", "2019-11-19"),
        ("https://e.org/2019/11/a", "2019-11"),
        ("https://e.org/news/2019-11-wells.html", "2019-11"),
        ("https://e.org/2019/13/19", None),
        ("https://e.org/2019/abc/19/a", None),
        ("https://e.org/law-1997", None),
        (None, None),
    ],
)
def test_dates_in_addresses(address: str | None, date: str | None) -> None:
    assert date_in_address(address) == date


@pytest.mark.parametrize(
    ("value", "date"),
    [
        ("01:38:07 PM IST Nov 20, 2019", "2019-11-20"),
        ("publiziert am 25. September 2018", "2018-09-25"),
        ("Tue Nov 19 2019 05:44:06 GMT+0000", "2019-11-19"),
        ("On 11/13/19 at 4:00 PM EST", "2019-11-13"),
        ("Tue Nov 19 05:44:06 +0000 2019", "2019-11-19"),
        ("Posted November 20 3:23 PM EST 2019", "2019-11-20"),
        ("in 1997", None),
        (5, None),
        ("1970-01-01T00:00:00Z", None),
        ("x" * 500, None),
    ],
)
def test_stated_dates(value: object, date: str | None) -> None:
    assert stated_date(value) == date


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_page_has_metadata_that_can_be_stored(one: str, two: str) -> None:
    safe = "".join(each for each in one if each.isprintable() and each not in "<&")
    tree = document_fromstring(
        f"<html><head><title>{safe}</title></head><body><h1>{safe}</h1>"
        f'<p class="byline">{safe}</p></body></html>'
    )
    found = page_metadata(tree)
    assert found.title in " ".join(safe.split())
    assert tidied(found, "page.html").authors == found.authors
    assert authors_in(two) == tuple(dict.fromkeys(authors_in(two)))


def test_long_text_in_nested_elements_is_not_read_for_each_of_them() -> None:
    nested = f"{'<div class=byline>' * 200}{'word ' * 200_000}"
    tree = document_fromstring(f"<body><h1>{TITLE}</h1>{nested}</body>")
    start = time.process_time()
    assert page_metadata(tree).title == TITLE
    assert time.process_time() - start < 1.5


def test_a_judgement_is_compared_by_its_words() -> None:
    wanted = {
        "page": "p",
        "title": "“A” b",
        "authors": ["Ann Lee", "Bo Diaz"],
        "publisher": "X",
        "published": None,
        "modified": "2024-05-03",
        "also": {"publisher": ["X News"]},
    }
    found = Metadata(
        title='"a"  B', authors=("Bo Diaz", "ann lee"), publisher="x news", modified="2024-05"
    )
    assert [(each.field, each.right) for each in judge(wanted, found)] == [
        ("title", True),
        ("authors", True),
        ("publisher", True),
        ("published", True),
        ("modified", False),
    ]
    assert folded(None) == folded("") != folded("x")


def test_without_pages_nothing_is_measured(tmp_path: Path) -> None:
    assert measure(None) is None
    assert measure(tmp_path) is None
