"""The report page, rendered and then read in a real browser."""

import json
import random
import re

import pytest
from browsing import DESK, PHONE, set_screen
from selenium import webdriver
from selenium.webdriver.common.by import By

from sourcebook.eval.data.judged import MissingGold, Quote
from sourcebook.eval.report.document import Found, Report, Row, build_report
from sourcebook.eval.report.page import render_page, save_page
from sourcebook.index.errors import InputError

HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=alert(1)> & \"quotes\""
)
KINDS = ("factoid", "paraphrase", "temporal", "cross-source", "spanish")
TEXTS = (
    "The ferry ran twice a day until the harbour froze. After that, mail came by sledge and the "
    "school closed for the winter.",
    "Ratepayers may object in writing within 28 days. The council publishes every objection, and "
    "its answer to it, before the vote.",
    "A permit lapses if work has not begun within three years, unless the delay was caused by an "
    "appeal that the applicant did not bring.",
)
QUOTES = (
    "mail came by sledge and the school closed for the winter",
    "may object in writing within 28 days",
    "A permit lapses if work has not begun within three years",
)


def row(i: int, skill: float, chance: random.Random) -> Row:
    answerable = i % 6 != 5
    good = chance.random() < skill
    sure = min(1.0, max(0.0, chance.gauss(0.62 if answerable and good else 0.35, 0.16)))
    rank = 1 if good else chance.choice((2, 3, 5, 40))
    measures = {
        "nDCG@10": 0.0 if rank > 10 else round(1 / (1 + rank / 3), 3) + 0.25 * good,
        "Hit@1": float(rank == 1),
        "Complete@5": float(rank <= 5),
        "CitationRecall": float(good),
    }
    scale = 1 + i % 7 / 5
    found = tuple(
        Found(f"a{n}", ("Harbour notes", HOSTILE, "Permits")[n], 40 * n, 40 * n + 90, text, 1 / n)
        for n, text in enumerate(TEXTS, 0)
        if n
    )
    return Row(
        id=f"q{i:03d}",
        question=f"Question {i}: {'¿Cuándo caduca el permiso?' if i % 5 == 4 else HOSTILE}",
        type=KINDS[i % 5] if answerable else "unanswerable",
        answerable=answerable,
        measures=measures if answerable else {},
        seconds={
            "plan": 0.0004 * scale,
            "search": 0.006 * chance.lognormvariate(0, 0.4),
            "rank": 0.021 * chance.lognormvariate(0, 0.5) * (2 - skill),
            "total": 0.03 * scale,
        },
        confidence=sure,
        status="answered" if sure > 0.45 else "not_in_library",
        found=found if rank < 40 else (),
        wanted=(Quote("a1", QUOTES[1]), Quote("Permits", QUOTES[2])) if answerable else (),
    )


def report(name: str, skill: float, questions: int = 90) -> Report:
    chance = random.Random(name)
    return build_report(
        name=name,
        data="made-up council notes, dev",
        method=name,
        questions=[row(i, skill, chance) for i in range(questions)],
        missing_gold=[MissingGold("q002", "a9", HOSTILE, "no such article")],
        fingerprint={"library": {"articles": 3, "generation": 7}, "settings": {"k": 10}},
        machine={"cpu": "2 cores", "note": HOSTILE},
        right_when="CitationRecall",
        threshold=0.45,
        created="2025-11-22T10:00:00+00:00",
    )


def embedded(page: str) -> list[dict[str, object]]:
    (data,) = re.findall(r'<script type="application/json" id="reports">(.*?)</script>', page)
    reports: list[dict[str, object]] = json.loads(data)
    return reports


# --- without a browser ------------------------------------------------------------------------


def test_no_text_leaves_its_place() -> None:
    page = render_page([report("full </title><script>", 0.7), report("bm25", 0.5)])
    body, _, _ = page.partition('<script type="application/json"')
    assert "<script" not in body
    assert "<img" not in body
    assert page.count("<script") == page.count("</script>") == 1


def test_the_embedded_figures_are_those_of_the_report() -> None:
    made = report("full\u2028", 0.7)
    (document,) = embedded(render_page([made]))
    assert document["name"] == "full\u2028"
    assert document["measures"] == json.loads(made.to_json())["measures"]
    questions = document["questions"]
    assert isinstance(questions, list)
    assert len(questions) == 90
    assert all(each["found"] == each["wanted"] == [] for each in questions)


def test_gold_in_what_was_found_is_marked_and_long_text_is_cut() -> None:
    text = "begins <b>here, goes on\n and on. " + "x" * 2000
    low = Row(
        id="q",
        question="?",
        measures={"Hit@1": 0.0},
        found=(Found("a", text=text),),
        wanted=(
            Quote("a", "here, goes"),
            Quote("a", "goes on and"),
            Quote("a", "<b>here"),
            Quote("a", "absent"),
        ),
    )
    made = build_report(name="n", data="d", method="m", questions=[low])
    page = render_page([made])
    assert "begins <mark>&lt;b&gt;here</mark>, <mark>goes on\n and</mark> on. xx" in page
    assert "x" * 600 + "…" in page
    assert "x" * 700 not in page


def test_reliability_is_drawn_where_confidence_is_a_probability() -> None:
    def page(scale: float) -> str:
        rows = [
            Row(
                id=f"q{i}",
                question="?",
                answerable=i % 4 != 0,
                confidence=scale * (0.25 + 0.5 * (i % 2)),
                status="answered",
                measures={"CitationRecall": float(i % 4 != 0)},
            )
            for i in range(8)
        ]
        made = build_report(
            name="n", data="d", method="m", questions=rows, right_when="CitationRecall"
        )
        return render_page([made])

    # Of the even numbers, said to be .25, a half is answerable; of the odd ones, at .75, all.
    drawn = page(1)
    assert '<polyline points="25.0,50.0 75.0,0.0"' in drawn
    assert re.search(r"Calibration error.*?<td[^>]*>0\.250", drawn)
    assert "Reliability" not in page(3)


def test_a_report_of_almost_nothing_still_makes_a_page() -> None:
    bare = build_report(name="n", data="d", method="m", questions=[Row(id="q", question="?")])
    page = render_page([bare])
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", page)
    assert titles == ["How this was made"]


def test_the_page_leads_with_plain_figures_and_the_rest_is_folded() -> None:
    page = render_page([report("full", 0.8)])
    sections = re.findall(r"<section.*?</section>", page, re.DOTALL)
    assert "At a glance" in sections[0]
    assert "Answered rightly" in sections[0]
    assert "<details" not in sections[0]
    assert len(sections) > 3
    assert all(re.match(r"<section[^>]*><details><summary><h2", each) for each in sections[1:])


def test_reports_that_cannot_be_compared_make_no_page() -> None:
    with pytest.raises(InputError, match="at least two"):
        render_page([])
    with pytest.raises(InputError, match="differ in 10 questions"):
        render_page([report("a", 0.5), report("b", 0.5, questions=80)])


# --- in a browser -----------------------------------------------------------------------------

PAGES = {"one": [("full", 0.8)], "several": [("bm25", 0.5), ("hybrid", 0.7), ("full", 0.8)]}


@pytest.fixture(scope="module", params=PAGES)
def page(
    request: pytest.FixtureRequest,
    browser: webdriver.Chrome,
    tmp_path_factory: pytest.TempPathFactory,
) -> webdriver.Chrome:
    path = tmp_path_factory.mktemp("page") / "report.html"
    save_page([report(name, skill) for name, skill in PAGES[request.param]], path)
    for kind in ("performance", "browser"):  # what was there before is of another page
        browser.get_log(kind)
    browser.get(path.as_uri())
    browser.execute_script(
        "document.querySelectorAll('section > details').forEach(each => each.open = true)"
    )
    return browser


def test_the_console_is_silent_and_nothing_is_fetched(page: webdriver.Chrome) -> None:
    assert page.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    fetched = [
        each["params"]["request"]["url"]
        for each in messages
        if each["method"] == "Network.requestWillBeSent"
        and each["params"]["documentURL"] == page.current_url  # not the browser's own first page
    ]
    assert fetched == [page.current_url]


def test_the_text_of_a_question_is_shown_and_not_run(page: webdriver.Chrome) -> None:
    assert "against" in page.title or page.title == "full"
    assert page.find_elements(By.TAG_NAME, "img") == []
    titles = [each.get_attribute("textContent") for each in page.find_elements(By.TAG_NAME, "h4")]
    assert any(title and title.endswith(HOSTILE) for title in titles)


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_screen(page: webdriver.Chrome, width: int, scheme: str) -> None:
    set_screen(page, width)
    features = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", features)
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    paper = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    lightness = sum(map(int, re.findall(r"\d+", paper)[:3])) / 3
    assert (lightness > 128) == (scheme == "light")


def test_the_drawings_have_the_lengths_of_their_figures(page: webdriver.Chrome) -> None:
    """The widths are measured in the page; the figures are read from the cells beside them."""
    rows = page.find_elements(By.CSS_SELECTOR, "table.measures td.bar + td strong")
    assert rows
    for strong in rows:
        cell = strong.find_element(By.XPATH, "../preceding-sibling::td[@class='bar'][1]")
        svg, rect = (cell.find_element(By.TAG_NAME, name) for name in ("svg", "rect"))
        share = rect.rect["width"] / svg.rect["width"]
        assert share == pytest.approx(float(strong.text), abs=0.01)


def test_every_drawing_is_named_or_stands_beside_its_figures(page: webdriver.Chrome) -> None:
    for svg in page.find_elements(By.TAG_NAME, "svg"):
        assert svg.get_attribute("aria-hidden") == "true" or svg.get_attribute("aria-label")
    for table in page.find_elements(By.TAG_NAME, "table"):
        assert table.get_attribute("aria-label")
    for section in page.find_elements(By.TAG_NAME, "section"):
        heading = section.find_element(By.TAG_NAME, "h2")
        assert section.get_attribute("aria-labelledby") == heading.get_attribute("id")
    links = page.find_elements(By.CSS_SELECTOR, "nav a")
    assert len(links) == len(page.find_elements(By.TAG_NAME, "section"))
