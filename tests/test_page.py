"""The page at `/`, used in a real browser on a real server."""

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import urlopen

import pytest
from browsing import DESK, PHONE, Page, set_screen
from conftest import REPOSITORY, Locked, copy_library
from fastapi.testclient import TestClient
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from sourcebook.eval.bench.place import Place
from sourcebook.eval.bench.server import serving
from sourcebook.index.library import Library
from sourcebook.service.settings import Settings

FILES = sorted((REPOSITORY / "service" / "page").iterdir())
# What axe-core admits to be a nuisance at most.
ADMITTED = {"minor", "moderate"}
AXE = (resources.files("axe_core_python") / "axe.min.js").read_text("utf-8")
MODEL = Settings().model

SEIZED = "How much cocaine did Colombia seize in 2024?"
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
HARBOUR = (
    "😀 The harbour 𝒘as dredged in 2019. Its new quay 🚢 berths forty ferries at the same time. "
    "Dockers call it the long wall."
)
MARKUP = f"The tutorial shows how {HOSTILE} steals the cookies of careless web forums."
ARABIC = (
    "افتتحت البلدية مكتبة جديدة في وسط المدينة يوم الثلاثاء. تضم المكتبة ستين ألف كتاب وقاعة "
    "للأطفال."
)
TABLE = """\
The pilots of the bay count their piers each spring, and publish what they counted in a table.

| Pier | Cranes | Bollards |
|---|---|---|
| Northgate | 12 | 88 |
| Southgate | 15 | 97 |
"""
LONG = "The register of lighthouses lists " + ", ".join(f"beacon number {i}" for i in range(900))
TEXTS: list[dict[str, Any]] = [
    {"text": HARBOUR, "title": "The long wall", "publisher": "Harbour Post", "published": "2020-03",
     "url": "https://harbour.example/wall"},
    {"text": MARKUP, "title": f"Forums {HOSTILE}", "publisher": "<b>Forum</b>"},
    {"text": ARABIC, "title": "مكتبة جديدة", "language": "ar", "publisher": "الجريدة"},
    {"text": "Harrow County had 14,000 evictions in 2021. Courts were closed in spring.",
     "title": "The year in court", "publisher": "County Record", "published": "2022-02-01"},
    {"text": "Harrow County had 19,500 evictions in 2021. Most went unheard.",
     "title": "Evictions undercounted", "publisher": "Daily Ledger", "published": "2023-06-11"},
    {"text": f"{LONG}.", "title": "Lighthouses", "publisher": "Coast Guard"},
    {"text": TABLE, "format": "markdown", "title": "Piers", "url": "https://harbour.example/piers"},
    {"text": f"The fingerprint of the archive is {'f' * 400}.", "title": "Archive"},
]  # fmt: skip


@pytest.fixture(scope="module")
def address(seed_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server on a copy of the seeds and a few awkward articles."""
    folder = copy_library(seed_library, tmp_path_factory.mktemp("served") / "library")
    with serving(Place(folder=folder, model=MODEL)) as served:
        yield served.url


@pytest.fixture(scope="module")
def ids(browser: webdriver.Chrome, address: str) -> dict[str, str]:
    """The awkward articles' ids by title."""
    page = Page(browser, address)
    added = [page.post("/v1/articles", text)["outcomes"][0]["article"] for text in TEXTS]
    return {article["title"]: article["id"] for article in added}


@pytest.fixture
def page(browser: webdriver.Chrome, address: str, ids: dict[str, str]) -> Page:
    set_screen(browser, DESK)
    browser.get_log("browser")
    return Page(browser, address)


def faults(page: Page) -> list[str]:
    """What axe-core finds that keeps people from using the page."""
    page.browser.execute_script(AXE)
    run = "const done = arguments[0]; axe.run({resultTypes: ['violations']}).then(done, done)"
    found = page.browser.execute_async_script(run)
    return [
        f"{one['id']}: {node['target']} {node['html']}: {node['failureSummary']}"
        for one in found["violations"]
        if one["impact"] not in ADMITTED
        for node in one["nodes"]
    ]


# --- what is served ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/?q=x", "/articles/abc", "/library", "/judge", "/evaluate"])
def test_views_are_one_shell_under_a_strict_policy(client: TestClient, path: str) -> None:
    answered = client.get(path)
    assert answered.status_code == 200
    assert answered.text == (REPOSITORY / "service/page/index.html").read_text("utf-8")
    policy = dict(
        part.split(" ", 1) for part in answered.headers["Content-Security-Policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert {policy[f"{kind}-src"] for kind in ("script", "style", "connect", "img")} == {"'self'"}
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"


@pytest.mark.parametrize("path", ["/docs", "/v1/export?q=coca&format=html"])
def test_documents_run_nothing_and_are_framed_nowhere(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'", "sandbox"} <= set(policy)
    assert not any(part.startswith("script-src") for part in policy)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_files_are_served_guarded_and_ask_nothing_of_other_hosts(
    client: TestClient, file: Path
) -> None:
    answered = client.get(f"/page/{file.name}")
    assert answered.content == file.read_bytes()
    assert answered.headers["X-Content-Type-Options"] == "nosniff"
    kinds = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
    assert answered.headers["Content-Type"].startswith(kinds.get(file.suffix, "image/svg+xml"))
    text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"\w+:?//[\w.]+\.\w", text)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)


def test_the_shell_has_nothing_inline(client: TestClient) -> None:
    shell = client.get("/").text
    assert re.findall(r"<script[^>]*>(.*?)</script>", shell) == [""]
    assert not re.search(r"<style|style=|\son\w+=", shell)


def test_a_file_that_is_not_there_is_a_problem(client: TestClient) -> None:
    assert client.get("/page/nope.js").status_code == 404
    assert client.get("/page/../http.py").status_code == 404
    assert client.get("/page/%2e%2e/http.py").status_code == 404


def test_examples_are_answered_headings_and_titles(client: TestClient) -> None:
    examples = client.get("/v1/library/examples").json()["examples"]
    assert 2 <= len(examples) <= 4
    assert len({one["article_id"] for one in examples}) == len(examples)
    for one in examples:
        article = client.get(f"/v1/articles/{one['article_id']}").json()
        assert one["question"] in f"{article['title']}\n{article['text']}"
        assert client.get("/v1/ask", params={"q": one["question"]}).json()["status"] == "answered"


# --- ask -----------------------------------------------------------------------------------------


def test_a_question_is_answered_at_an_address_of_its_own(page: Page) -> None:
    page.open("/")
    page.ask(SEIZED)
    answer = page.get(f"/v1/ask?{urlencode({'q': SEIZED})}")
    quotes = [one.text for one in page.all(".evidence:not(.further) blockquote")]
    assert quotes == [f"{one['text']}\u202f[{one['citations'][0]}]" for one in answer["sentences"]]
    assert page.text("#outcome") == "Answered"
    assert f"Confidence: {answer['confidence_in_words']}." in page.text(".standing")
    assert page.browser.current_url.endswith(f"/?{urlencode({'q': SEIZED})}")
    assert page.browser.title.startswith(SEIZED)
    page.until(lambda: "Answered" in page.text("#status") or page.browser.execute_script(
        "return document.getElementById('status').textContent").startswith("Answered"))  # fmt: skip
    assert page.browser.get_log("browser") == []


def test_what_answers_in_short_is_marked_in_its_sentence(page: Page) -> None:
    short = page.get(f"/v1/ask?{urlencode({'q': SEIZED})}")["short"]
    page.open("/", q=SEIZED)
    assert short["text"] in page.text(".short")
    assert page.text(".evidence mark") == short["text"]


def test_sources_that_disagree_stand_side_by_side(page: Page) -> None:
    page.open("/", q="How many evictions were there in Harrow County in 2021?")
    assert "From 2 independent publishers" in page.text(".standing")
    sides = [side.text.splitlines() for side in page.all(".sides li")]
    assert [side[1:3] for side in sides] == [
        ["County Record", "1 February 2022"],
        ["Daily Ledger", "11 June 2023"],
    ]
    assert ["14,000" in sides[0][0], "19,500" in sides[1][0]] == [True, True]
    outdated = [note.text for note in page.all(".note") if "Outdated" in note.text]
    assert ["County Record" in note for note in outdated] == [True]
    dates = [one.get_attribute("datetime") for one in page.all(".timeline time")]
    assert dates == ["2022-02-01", "2023-06-11"]
    assert not (found := faults(page)), "\n".join(found)


def test_a_long_question_is_seen_whole_and_asked_with_enter(page: Page) -> None:
    set_screen(page.browser, PHONE)
    page.open("/")
    one_line = page.field("Your question").size["height"]
    page.field("Your question").send_keys(SEIZED[:20], Keys.SHIFT, Keys.ENTER)
    page.ask(f"I am writing a report on the Andes. {SEIZED}")
    box = page.field("Your question")
    assert box.size["height"] > one_line
    assert page.browser.execute_script(
        "return arguments[0].scrollHeight <= arguments[0].clientHeight", box
    )
    assert "report+on+the+Andes" in page.browser.current_url


def test_back_and_forward_ask_again(page: Page) -> None:
    page.open("/")
    page.ask(SEIZED)
    first = page.text(".evidence")
    page.ask("Who ended aerial spraying?")
    assert page.text(".evidence") != first
    page.browser.back()
    page.until(lambda: page.text(".evidence") == first)
    assert page.field("Your question").get_attribute("value") == SEIZED
    page.browser.forward()
    page.until(lambda: page.text(".evidence") != first)
    page.browser.back()
    page.browser.back()
    page.shows("Try asking")


def test_an_example_is_asked_by_following_it(page: Page) -> None:
    page.open("/")
    page.one(".examples a").click()
    page.until(lambda: page.text("#outcome") == "Answered")


def test_filters_stand_in_the_address_and_are_taken_away(page: Page) -> None:
    page.open("/", q="quay berths ferries")
    assert "berths forty ferries" in page.text(".evidence")
    page.press("Filters")
    page.field("Publisher").send_keys("Coast Guard", Keys.ENTER)
    page.field("Published from").send_keys("1999")
    page.field("Your question").send_keys(Keys.ENTER)
    page.shows("what the filter lets through of it, is empty")
    assert "publishers=Coast+Guard&published_from=1999" in page.browser.current_url
    page.open(page.browser.current_url.removeprefix(page.address))
    page.press("Filters: publisher Coast Guard, published from 1999")
    page.press("Remove publisher Coast Guard")
    page.field("Your question").send_keys(Keys.ENTER)
    page.until(lambda: "berths forty ferries" in page.text(".evidence"))
    assert "Coast" not in page.browser.current_url


def test_as_of_hides_what_came_later(page: Page) -> None:
    page.open("/", q="quay berths ferries", as_of="2019-12")
    assert "As of December 2019; later articles are hidden." in page.text(".standing")
    assert "Harbour Post" not in page.text()
    page.open("/", q="quay berths ferries", as_of="2020-04")
    assert "Harbour Post" in page.text(".evidence")


def test_what_is_not_there_is_said_with_the_nearest(page: Page) -> None:
    page.open("/", q="What is the best pizza in Naples")
    assert page.text("#outcome") == "Not in the library"
    assert page.text(".standing p")
    assert "check the spelling" in page.text(".nearest")
    assert page.text(".nearest h3") == "Closest passages"
    assert len(page.all(".nearest blockquote")) == len(page.all(".nearest .note")) > 0


@pytest.mark.parametrize(
    ("question", "summary", "advice"),
    [
        (SEIZED, "Why this answer?", "If this answer is wrong, look first at"),
        (
            "What is the best pizza in Naples",
            "Why no answer?",
            "If the library should answer this, look first at the library, which may not hold",
        ),
    ],
)
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_why_is_told_when_the_fold_is_opened(
    page: Page, question: str, summary: str, advice: str, width: int
) -> None:
    set_screen(page.browser, width)
    page.open("/", q=question)
    assert not page.all(".explanation table"), "it is loaded only when it is wanted"
    fold = page.one("details.why summary")
    assert fold.text == summary
    fold.send_keys(Keys.ENTER)
    page.until(lambda: page.all(".explanation table"))
    page.settled()
    found = page.get(f"/v1/ask?{urlencode({'q': question, 'explain': 'true'})}")["explanation"]
    assert found["because"] in page.text(".explanation")
    assert advice in page.text(".explanation")
    rows = page.all(".explanation tbody tr")
    assert len(rows) == len(found["passages"])
    outcomes = [row.find_elements(By.TAG_NAME, "td")[-1].text for row in rows]
    assert outcomes == [one["outcome"] for one in found["passages"]]
    page.until(lambda: found["because"] in page.browser.execute_script(
        "return document.getElementById('status').textContent"))  # fmt: skip
    assert page.browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert not (faulty := faults(page)), "\n".join(faulty)
    page.one("details.why summary").send_keys(Keys.SPACE)
    page.until(lambda: not page.one(".explanation").is_displayed())
    assert page.browser.get_log("browser") == []


def test_the_way_from_an_explanation_leads_to_the_passage(page: Page) -> None:
    page.open("/", q=SEIZED)
    page.one("details.why summary").click()
    best = page.one(".explanation tbody a")
    page.until(best.is_displayed)
    best.click()
    page.until(lambda: page.all(".body mark"))
    assert "850 tonnes" in "".join(mark.text for mark in page.all(".body mark"))


def test_a_refused_question_shows_the_servers_words(page: Page) -> None:
    page.open("/", q="coca", published_from="19xx")
    page.shows("Published from: expected a date such as 2025, 2025-09 or 2025-09-19")
    assert not page.all(".notice button"), "trying again is no help"


def test_a_very_long_answer_fits(page: Page) -> None:
    set_screen(page.browser, PHONE)
    page.open("/", q="Which beacon numbers does the register of lighthouses list?")
    assert len(page.text(".evidence blockquote")) > 800
    assert page.browser.execute_script("return document.documentElement.scrollWidth") <= PHONE
    page.open("/", q="What is the fingerprint of the archive?")
    assert "f" * 400 in page.text(".evidence")
    assert page.browser.execute_script("return document.documentElement.scrollWidth") <= PHONE


def test_right_to_left_text_keeps_its_direction(page: Page) -> None:
    page.open("/", q="كم كتابا تضم المكتبة الجديدة", languages="ar")
    quote = page.one(".evidence blockquote, .nearest blockquote")
    assert "المكتبة" in quote.text
    direction = "return getComputedStyle(arguments[0]).direction"
    assert page.browser.execute_script(direction, quote) == "rtl"
    assert quote.get_attribute("lang") == "ar"
    page.press("Read in context")
    page.until(lambda: page.all(".body mark"))
    assert page.browser.execute_script(direction, page.one(".body p")) == "rtl"


def test_markup_of_an_article_stays_text(page: Page, ids: dict[str, str]) -> None:
    page.open("/", q="What steals the cookies of careless web forums?")
    assert HOSTILE in page.text(".evidence blockquote")
    page.open(f"/articles/{ids[f'Forums {HOSTILE}']}")
    assert HOSTILE in page.text("h1")
    assert page.text(".body p") == MARKUP
    page.open("/library", words="Forums")
    assert HOSTILE in page.text(".articles tbody")
    assert page.all("main script, main img") == []
    assert "owned" not in page.browser.title.split("Forums")[0]
    assert page.browser.get_log("browser") == []


# --- read and cite -------------------------------------------------------------------------------


def test_a_note_opens_the_article_at_the_quote(page: Page) -> None:
    page.open("/", q="How many ferries does the quay berth?")
    citation = page.get("/v1/ask?q=How+many+ferries+does+the+quay+berth%3F")["citations"][0]
    assert "🚢" in citation["exact"]
    page.press("Read in context")
    page.until(lambda: page.all(".body mark"))
    span = f"#{citation['start']}-{citation['end']}"
    assert page.browser.current_url.endswith(f"/articles/{citation['article']['id']}{span}")
    assert page.text(".body mark") == citation["exact"]
    assert page.text(".body") == HARBOUR
    focused = page.browser.switch_to.active_element
    assert focused.tag_name == "mark"
    link = page.browser.find_element(By.LINK_TEXT, "Open at publisher").get_attribute("href")
    assert link == citation["link"]
    page.browser.back()
    page.until(lambda: page.all("#outcome"))


def test_a_row_is_shown_with_its_header(page: Page, ids: dict[str, str]) -> None:
    header, row = "Pier | Cranes | Bollards", "Southgate | 15 | 97"
    page.open("/", q="How many bollards does the pier Southgate have?")
    page.until(lambda: page.all(".evidence blockquote"))
    assert page.text(".evidence .label") == "Header"
    assert [one.text.split("\u202f")[0] for one in page.all(".evidence blockquote")[:2]] == [
        header,
        row,
    ]
    assert not (found := faults(page)), "\n".join(found)
    page.press("Cite")
    page.until(lambda: page.text("dialog pre").startswith(f"“{header}”\n“{row}”\n"))
    page.press("Close", "dialog")
    page.press("Read in context")
    page.until(lambda: page.all(".body #quote"))
    assert [one.text for one in page.all(".body mark")] == [header, row]
    assert re.search(rf"/articles/{ids['Piers']}#\d+-\d+,\d+-\d+$", page.browser.current_url)
    assert page.browser.switch_to.active_element.text == row
    link = page.browser.find_element(By.LINK_TEXT, "Open at publisher").get_attribute("href")
    assert link == "https://harbour.example/piers#:~:text=Southgate,97&text=Pier,Bollards"
    assert not (found := faults(page)), "\n".join(found)


def test_selected_words_get_an_address(page: Page, ids: dict[str, str]) -> None:
    page.open(f"/articles/{ids['The long wall']}")
    page.browser.execute_script(
        """const text = document.querySelector('.body p').firstChild;
        const start = text.data.indexOf('𝒘as');
        getSelection().setBaseAndExtent(text, start, text, start + '𝒘as dredged'.length);"""
    )
    page.press("Highlight selection")
    page.until(lambda: page.all(".body mark"))
    start = HARBOUR.index("𝒘as")
    assert page.text(".body mark") == "𝒘as dredged"
    assert page.browser.current_url.endswith(f"#{start}-{start + len('𝒘as dredged')}")
    page.browser.back()
    page.until(lambda: not page.all(".body mark"))


def test_an_address_past_the_text_is_said(page: Page, ids: dict[str, str]) -> None:
    page.open(f"/articles/{ids['The long wall']}#9000-9010")
    page.shows(f"characters 9000 to 9010, but the text has only {len(HARBOUR)}")


def test_an_article_that_is_not_there_is_said(page: Page) -> None:
    page.browser.get(f"{page.address}/articles/0000000000000000")
    page.shows("There is no article '0000000000000000' in the library.")
    page.press("See what is in the library")
    page.until(lambda: page.text("h1") == "Library")


def test_what_else_is_known_is_said_in_words(page: Page) -> None:
    text = "---\ntitle: Ports\nabout:\n  years: [2019, 2020]\n  region: north\n---\n\nShips call.\n"
    body = {"text": text, "format": "markdown", "source": "ports.md"}
    page.open(f"/articles/{page.post('/v1/articles', body)['outcomes'][0]['article']['id']}")
    assert "about\nyears: 2019, 2020; region: north" in page.text("aside")


def test_what_was_removed_is_foldable(page: Page) -> None:
    text = (
        "Ferries are late.\n\nRead more: Ten best beaches\n\nThe harbour master said so on Monday."
    )
    article = page.post("/v1/articles", {"text": text, "title": "Late"})["outcomes"][0]["article"]
    full = page.get(f"/v1/articles/{article['id']}")
    assert full["removals"]
    page.open(f"/articles/{article['id']}")
    assert "Ten best beaches" not in page.text(".body")
    page.press("What cleaning removed (1 part)")
    page.one(".removals summary").click()
    assert page.text(".removals pre") == full["removals"][0]["text"]
    page.open("/library")
    page.press("Cleaning report of Late")
    page.until(lambda: full["removals"][0]["rule"] in page.text("dialog"))


def test_what_is_known_of_an_article_is_corrected(page: Page) -> None:
    """With the keyboard alone: wrong first, then right, and back to what the page says."""
    text = "The ferry to the island runs twice a day. It carries cars and bicycles."
    added = page.post("/v1/articles", {"text": text, "title": "Home", "published": "1997"})
    article = added["outcomes"][0]["article"]["id"]
    page.open("/library", attention="true", words="Home")
    assert page.field("Needs attention").is_selected()
    assert page.browser.find_element(By.LINK_TEXT, "Needs attention").is_displayed()
    page.open(f"/articles/{article}")
    assert "It has no publisher" in page.text("section.notice")
    page.one(".correct").send_keys(Keys.ENTER)
    page.until(lambda: page.browser.switch_to.active_element.get_attribute("value") == "Home")
    assert not (found := faults(page)), "\n".join(found)
    title, published = page.field("Title"), page.field("Published")
    title.clear()
    title.send_keys(f"Ferries {HOSTILE}")
    page.field("Authors").send_keys("Ada Berg", Keys.ENTER, "Bo Dahl")
    page.field("It has no publisher").send_keys(Keys.SPACE)
    published.clear()
    published.send_keys("2024-13")
    page.field("URL").send_keys("island", Keys.ENTER)
    page.until(lambda: page.browser.switch_to.active_element == published)
    told = page.one(f"#{str(published.get_attribute('aria-describedby')).split()[-1]}")
    assert told.text.startswith("expected a date such as 2025")
    assert published.get_attribute("aria-invalid") == "true"
    assert page.field("URL").get_attribute("aria-invalid") == "true"
    assert title.get_attribute("aria-invalid") is None
    assert not (found := faults(page)), "\n".join(found)
    page.field("URL").clear()
    published.clear()
    published.send_keys("2024-05", Keys.ENTER)
    page.until(lambda: not page.all("dialog"))
    page.until(lambda: "Ada Berg, Bo Dahl" in page.text("aside"))
    assert page.text("h1") == f"Ferries {HOSTILE}"
    assert page.browser.title.startswith("Ferries")
    assert "The page says: Home" in page.text("aside").replace("“", "").replace("”", "")
    assert not page.all("section.notice")
    assert page.browser.switch_to.active_element.get_attribute("class") == "correct"
    page.one(".correct").click()
    page.press("Undo the correction of published")
    page.field("Published").send_keys(Keys.ENTER)
    page.until(lambda: not page.all("dialog"))
    page.until(lambda: "1997" in page.text("aside"))
    assert set(page.get(f"/v1/articles/{article}")["corrected"]) == {
        "title",
        "authors",
        "publisher",
    }


def test_a_quote_is_cited_and_copied(page: Page, ids: dict[str, str]) -> None:
    grant = {"permissions": ["clipboardReadWrite"], "origin": page.address}
    page.browser.execute_cdp_cmd("Browser.grantPermissions", grant)
    where = f"/articles/{ids['The long wall']}"
    page.open(f"{where}#2-33")
    page.press("Cite this passage")
    for style, name in (("apa", "APA"), ("bibtex", "BibTeX"), ("csl-json", "CSL-JSON")):
        page.choose("Style", name)
        found = page.get(
            f"/v1{where}/cite?style={style}&start=2&end=33&accessed={time.strftime('%F')}"
        )
        page.until(lambda found=found: page.text("dialog pre") == found["text"].strip())
    alone = page.browser.find_element(By.XPATH, "//dialog//button[.='Copy reference']")
    assert not alone.is_displayed(), "the entry for programs holds the quote"
    page.press("Copy quote and reference", "dialog")
    page.until(lambda: page.all("dialog button")[0].text == "Copied")
    read = "const done = arguments[0]; navigator.clipboard.readText().then(done, done)"
    assert page.browser.execute_async_script(read) == found["text"]
    page.choose("Style", "Chicago")
    note = page.get(f"/v1{where}/cite?style=chicago&start=2&end=33&accessed={time.strftime('%F')}")
    page.until(lambda: page.text("dialog pre") == note["text"])
    page.press("Copy reference", "dialog")
    page.until(lambda: page.browser.execute_async_script(read) == note["reference"])
    page.press("Copy permanent link", "dialog")
    page.until(lambda: page.browser.execute_async_script(read) == f"{page.address}{where}#2-33")
    page.press("Close", "dialog")
    page.until(lambda: not page.all("dialog"))


def test_an_answer_is_saved_with_its_notes(page: Page, tmp_path: Path) -> None:
    allow = {"behavior": "allow", "downloadPath": str(tmp_path)}
    page.browser.execute_cdp_cmd("Browser.setDownloadBehavior", allow)
    page.open("/", q=SEIZED)
    page.until(
        lambda: "rank higher: 2024." in page.text("main")
    )  # the year, not "from 1 January 2024 to 31 December 2024"
    page.press("Save answer")
    saved = page.until(lambda: list(tmp_path.glob("*.md")))[0]
    text = page.until(lambda: saved.read_text("utf-8"))
    assert page.text(".evidence blockquote").removesuffix("\u202f[1]") in text


# --- library -------------------------------------------------------------------------------------


def test_the_table_is_searched_and_sorted(page: Page) -> None:
    page.open("/library")
    assert len(page.all(".articles tbody tr")) >= 9
    page.press("Title")
    page.until(lambda: page.all("th[aria-sort='ascending']"))
    titles = [one.text for one in page.all(".articles tbody th")]
    assert titles == sorted(titles, key=str.casefold)
    page.press("Title")
    page.until(lambda: [one.text for one in page.all(".articles tbody th")] == titles[::-1])
    page.field("Title, publisher, author or source").send_keys("harbour POST", Keys.ENTER)
    page.until(lambda: [one.text for one in page.all(".articles tbody th")] == ["The long wall"])
    assert "words=harbour+POST" in page.browser.current_url
    assert "Mar 2020" in page.text(".articles tbody")


def test_files_are_added_and_failures_tried_again(page: Page, tmp_path: Path) -> None:
    good, bad = tmp_path / "windmill.txt", tmp_path / "broken.jsonl"
    good.write_text("The windmill grinds rye for eleven bakeries on the island.", "utf-8")
    bad.write_text("{not json", "utf-8")
    page.open("/library")
    page.field("Drop files here, or choose them").send_keys(f"{good}\n{bad}")
    page.until(lambda: "failed" in page.text(".progress li:last-child"))
    assert "added: windmill.txt (1 passage)" in page.text(".progress li")
    assert page.one(".progress progress").get_attribute("value") == "2"
    page.press("Try again", ".progress")
    page.until(lambda: "failed" in page.text(".progress li:last-child"))
    page.until(lambda: "windmill" in page.text(".articles"))
    page.open("/", q="How many bakeries does the windmill grind rye for?")
    assert "eleven bakeries" in page.text(".evidence")


def test_a_file_is_dropped(page: Page) -> None:
    page.open("/library")
    page.browser.execute_script(
        """const files = new DataTransfer();
        files.items.add(new File(['The tannery closed after the flood of 1931.'], 'tannery.txt'));
        const drop = document.querySelector('.drop');
        const how = {dataTransfer: files, bubbles: true, cancelable: true};
        drop.dispatchEvent(new DragEvent('drop', how));"""
    )
    page.until(lambda: "added: tannery" in page.text(".progress li"))


def test_a_removal_is_undone_or_happens_on_leaving(page: Page) -> None:
    def add(name: str) -> str:
        text = {"text": f"The {name} stands on the hill.", "title": name}
        return str(page.post("/v1/articles", text)["outcomes"][0]["article"]["id"])

    kept, gone, closed, now = (add(name) for name in ("chapel", "gallows", "mast", "kiln"))
    page.open("/library")
    page.press("Remove chapel")
    assert "It will be deleted when you leave this page, or in" in page.text(".removed")
    assert page.browser.switch_to.active_element.text == "Undo"
    assert page.holds(kept)
    assert not (found := faults(page)), "\n".join(found)
    page.press("Undo")
    page.until(lambda: not page.all(".removed"))
    assert page.browser.switch_to.active_element.get_attribute("aria-label") == "Remove chapel"

    page.press("Remove kiln")
    page.press("Remove now")
    page.until(lambda: not page.holds(now))

    page.settled()
    page.press("Remove gallows")
    page.press("Title")  # another order of the table
    page.until(lambda: page.all("th[aria-sort='ascending']") and page.all(".removed"))
    assert page.holds(gone)
    page.press("Ask")
    page.until(lambda: not page.holds(gone))

    page.browser.back()
    page.press("Remove mast")
    assert page.holds(closed)
    page.browser.get("about:blank")
    page.until(lambda: not page.holds(closed))
    assert page.holds(kept)


def test_what_is_covered_is_drawn_and_told(page: Page) -> None:
    page.open("/library")
    assert page.all(".coverage svg rect")
    page.press("Show as a table")
    rows = [row.text for row in page.all(".coverage tbody tr")]
    assert "2020-03 Harbour Post 1" in rows


def test_a_folder_that_is_not_allowed_is_refused(page: Page, tmp_path: Path) -> None:
    page.open("/library")
    page.press("Add a folder on the server")
    page.field("Folder").send_keys(str(tmp_path), Keys.ENTER)
    page.until(lambda: page.all(".others .notice.bad"))
    assert str(tmp_path) in page.text(".others .notice.bad")


# --- judge and evaluate --------------------------------------------------------------------------


def test_answers_are_judged_and_the_judgements_measured(page: Page) -> None:
    page.open("/", q=SEIZED)
    page.press("This is right")
    page.shows("Saved in the library. Thank you.")
    page.open("/", q="Where do ferries berth?")
    page.press("Choose the right passage")
    page.until(lambda: page.all(".passages label"))
    assert not (found := faults(page)), "\n".join(found)
    page.field("Or paste words from an article").send_keys("berths forty ferries")
    page.press("Save")
    page.shows("Saved in the library. Thank you.")
    page.open("/", q="What is the best pizza in Naples")
    page.press("Right, it is not in the library")
    page.shows("Saved in the library. Thank you.")

    page.press("All judgements")
    page.until(lambda: len(page.all(".judged > li")) == 3)
    assert {"Right", "Another passage is right", "Not in the library"} == {
        one.text for one in page.all(".verdict")
    }
    exported = page.one(".actions a").get_attribute("href")
    with urlopen(str(exported), timeout=30) as response:
        lines = [json.loads(line) for line in response.read().decode().splitlines()]
    assert {line["question"] for line in lines} >= {SEIZED, "Where do ferries berth?"}

    page.press("Evaluate")
    page.settled()
    for method in ("full", "bm25"):
        page.choose("Method", f"{method}: ")
        page.press("Start")
        page.until(lambda method=method: f"questions, {method}" in page.text(".runs h3"))
        page.until(lambda: page.text(".runs .quiet").startswith("done"))
    page.press("Compare", "main")
    page.until(lambda: page.all("table[aria-label='Comparison'] tbody tr"))
    set_screen(page.browser, PHONE)
    assert page.browser.execute_script("return document.documentElement.scrollWidth") <= PHONE
    assert not (found := faults(page)), "\n".join(found)
    compared = page.browser.find_element(By.PARTIAL_LINK_TEXT, "Open the comparison")
    for link in (compared, page.browser.find_element(By.LINK_TEXT, "Open the report")):
        with urlopen(str(link.get_attribute("href")), timeout=30) as response:
            assert response.headers["Content-Type"].startswith("text/html")

    page.open("/judge")
    for left in (2, 1, 0):
        page.one(".judged .actions button").click()
        page.until(lambda left=left: len(page.all(".judged > li")) == left)
    page.shows("No answers judged yet.")


# --- a server that is new, and one that is gone --------------------------------------------------


def test_from_an_empty_library_until_the_server_is_gone(
    browser: webdriver.Chrome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "bridge.txt").write_text("The bridge over the Tarn was rebuilt in stone.", "utf-8")
    (folder / "broken.txt").write_text("", "utf-8")
    monkeypatch.setenv("SOURCEBOOK_IMPORT_FOLDERS", str(folder))
    set_screen(browser, DESK)
    with serving(Place(folder=tmp_path / "library", model=MODEL)) as served:
        page = Page(browser, served.url).open("/")
        assert "The library is empty" in page.text()
        page.press("Add articles", "main")
        page.press("Paste text")
        page.field("Text").send_keys("The observatory found a comet above the bay in 1846.")
        page.field("Title").send_keys("Comet")
        page.press("Add text")
        page.until(lambda: "Comet" in page.text(".articles"))
        page.press("Add a folder on the server")
        page.shows(f"The server allows imports from {folder}")
        page.field("Folder").send_keys(str(folder), Keys.ENTER)
        page.shows("done: 1 added")
        page.shows("1 source could not be added")
        (folder / "broken.txt").write_text("The mill by the Tarn burned down.", "utf-8")
        page.browser.find_element(By.CSS_SELECTOR, "[aria-label*='broken.txt again']").click()
        page.until(lambda: "source could not" not in page.text())
        page.until(lambda: len(page.all(".articles tbody tr")) == 3)
        page.press("Ask", "nav")
        page.shows("The library holds 3 articles")
        page.ask("When was the comet found?")
        assert "in 1846" in page.text(".evidence")
    page.field("Your question").send_keys(" Who?", Keys.ENTER)
    page.shows("The server is not responding.")
    page.press("Try again")
    page.shows("The server is not responding.")


class Busy(BaseHTTPRequestHandler):
    """A server that has too much to do, for so many requests as the address says."""

    asked: Counter[str]

    def do_GET(self) -> None:
        self.asked[self.path] += 1
        file = REPOSITORY / f"service{self.path}"
        busy = self.asked[self.path] <= int(parse_qs(urlsplit(self.path).query).get("busy", "0")[0])
        self.send_response(503 if busy else 200)
        self.send_header("Content-Type", "text/javascript" if file.is_file() else "text/html")
        self.send_header("Retry-After", "0.1")
        self.end_headers()
        self.wfile.write(file.read_bytes() if file.is_file() else b"{}")

    def log_message(self, *_: object) -> None:
        pass


def test_a_request_is_sent_again_to_a_server_that_is_busy(browser: webdriver.Chrome) -> None:
    send = """
        const [address, leaves, done] = arguments;
        const aborter = new AbortController();
        if (leaves) setTimeout(() => aborter.abort(), 50);
        import("/page/api.js").then(({ request }) => request(address, { signal: aborter.signal }))
            .then((response) => done(response.status), (error) => done(error.status ?? error.name));
    """
    asked: Counter[str] = Counter()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Into", (Busy,), {"asked": asked})) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        browser.get(f"http://127.0.0.1:{server.server_port}/")
        for address, leaves, told, times in (
            ("/x?busy=2", False, 200, 3),
            ("/x?busy=9", False, 503, 4),
            ("/x?busy=99", True, "AbortError", 1),
        ):
            assert browser.execute_async_script(send, address, leaves) == told
            assert asked[address] == times or (leaves and not asked[address])
        server.shutdown()


# --- every view ----------------------------------------------------------------------------------

VIEWS = {
    "ask": "/",
    "answer": f"/?{urlencode({'q': SEIZED})}",
    "filters": "/?q=coca&publishers=Sourcebook&published_from=2020",
    "not-in-library": "/?q=What+is+the+best+pizza+in+Naples",
    "read": "/articles/{article}#{start}-{end}",
    "library": "/library?attention=true",
    "judge": "/judge",
    "evaluate": "/evaluate",
}


@pytest.fixture(params=VIEWS)
def view(request: pytest.FixtureRequest, page: Page) -> str:
    """The address of a view."""
    citation = page.get(f"/v1/ask?{urlencode({'q': SEIZED})}")["citations"][0]
    place = {"article": citation["article"]["id"], **{n: citation[n] for n in ("start", "end")}}
    return VIEWS[request.param].format(**place)


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_each_view_fits_its_screen_and_can_be_used_by_all(
    page: Page, view: str, width: int
) -> None:
    set_screen(page.browser, width)
    page.open(view)
    assert page.browser.execute_script("return document.documentElement.scrollWidth") <= width
    for scheme in ("light", "dark"):
        features = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", features)
        assert not (found := faults(page)), "\n".join(found)


def test_dialogs_can_be_used_by_all(page: Page, ids: dict[str, str]) -> None:
    page.open(f"/articles/{ids['The long wall']}#2-33")
    page.press("Cite this passage")
    page.until(lambda: page.all("dialog pre"))
    assert not (found := faults(page)), "\n".join(found)
    page.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.until(lambda: not page.all("dialog"))


def test_the_keyboard_suffices(page: Page) -> None:
    page.open("/library")
    body = page.one("body")
    body.send_keys(Keys.TAB)
    assert page.browser.switch_to.active_element.text == "Skip to content"
    page.browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert page.browser.switch_to.active_element.get_attribute("id") == "main"
    link = page.browser.find_element(By.LINK_TEXT, "Judge")
    link.send_keys(Keys.ENTER)
    page.until(lambda: page.browser.switch_to.active_element.text == "Judgements")


def test_paper_has_the_answer_and_no_controls(page: Page) -> None:
    page.open("/", q=SEIZED)
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert page.one(".evidence blockquote").is_displayed()
        assert page.one(".note cite").is_displayed()
        assert page.text("main").startswith(SEIZED), "a printed answer has its question"
        assert not any(one.is_displayed() for one in page.all("form, button, nav"))
    finally:
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


# --- signing in ----------------------------------------------------------------------------------


def test_people_sign_in_with_a_key_and_out_again(browser: webdriver.Chrome, locked: Locked) -> None:
    set_screen(browser, DESK)
    page = Page(browser, locked.url).open("/library")
    page.shows("This library is for people with a key.")
    assert faults(page) == []
    page.field("Your key").send_keys("sbk_wrong", Keys.ENTER)
    page.shows("This key is unknown, or was revoked.")
    box = page.field("Your key")
    box.clear()
    box.send_keys(f" {locked.keys['asker']} ", Keys.ENTER)
    page.shows("2 articles")  # the view that was wanted, now that it may be seen
    page.shows("asker (asker)")
    hidden = [*page.all(".add"), *page.all("[aria-label='Remove fines']")]
    assert not any(each.is_displayed() for each in hidden)
    assert locked.keys["asker"] not in browser.page_source
    assert browser.execute_script("return document.cookie") == ""

    page.open("/", q="What did the council vote on?")
    page.shows("Answered")
    page.press("Read in context")
    assert not page.one(".correct").is_displayed()
    locked.file.revoke("asker")
    page.press("Library")
    page.shows("This library is for people with a key.")
    page.field("Your key").send_keys(locked.keys["admin"], Keys.ENTER)
    page.shows("admin (admin)")
    assert page.one(".add").is_displayed()
    page.press("Sign out")
    page.shows("This library is for people with a key.")
    assert not browser.get_cookies()
