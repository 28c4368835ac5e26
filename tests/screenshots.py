"""Takes the pictures of docs/page.md: `python tests/screenshots.py`."""

import io
import os
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

from browsing import DESK, PHONE, Page, browsing, set_screen
from PIL import Image

from sourcebook.eval.bench.place import Place
from sourcebook.eval.bench.server import serving
from sourcebook.service.settings import Settings

REPOSITORY = Path(__file__).parents[1]
FOLDER = REPOSITORY / "docs/screenshots"
COLOURS = 64
WIDTHS = {"phone": PHONE, "desk": DESK}

SEIZED = "How much cocaine did Colombia seize in 2024?"
EVICTED = "How many evictions were there in Harrow County in 2021?"
# Made up, so that there is something to disagree about.
ARTICLES = [
    ("The county's year in court", "County Record", "2022-02-01", "14,000"),
    ("Evictions were undercounted", "Daily Ledger", "2023-06-11", "19,500"),
]


def article(title: str, publisher: str, published: str, evicted: str) -> dict[str, str]:
    """One side of the disagreement."""
    return {
        "title": title,
        "publisher": publisher,
        "published": published,
        "url": f"https://example.org/{published}",
        "text": f"Harrow County had {evicted} evictions in 2021. The rent act of that year is "
        f"blamed by tenants and landlords alike, though for different reasons.",
    }


def prepare(page: Page) -> None:
    """Fill the library, judge some answers and measure them."""
    for one in ARTICLES:
        page.post("/v1/articles", article(*one))
    for path in sorted((REPOSITORY / "seeds").glob("*.md")):
        if path.name != "README.md":
            text = {"text": path.read_text("utf-8"), "format": "markdown", "source": path.name}
            page.post("/v1/articles", text)
    for question in (SEIZED, "Who ended aerial spraying?"):
        page.open("/", q=question)
        page.press("This is right")
        page.shows("Saved in the library")
    page.open("/", q="What is the best pizza in Naples?")
    page.press("Right, it is not in the library")
    page.shows("Saved in the library")
    page.open("/evaluate")
    for method in ("bm25", "full"):
        page.choose("Method", f"{method}: ")
        page.press("Start")
        page.until(lambda method=method: f"questions, {method}" in page.text(".runs h3"))
        page.until(lambda: page.text(".runs .quiet").startswith("done"))


def take(page: Page, name: str) -> None:
    """A picture of what the screen shows, in few colours to be small."""
    shown = Image.open(io.BytesIO(page.browser.get_screenshot_as_png())).convert("RGB")
    shown.quantize(COLOURS).save(FOLDER / f"{name}.png", optimize=True)


def take_all(page: Page, size: str) -> None:
    """The pictures at one size."""
    set_screen(page.browser, WIDTHS[size])
    page.open("/")
    take(page, f"start-{size}")
    page.open("/", q=SEIZED, publishers="Sourcebook", as_of="2026")
    take(page, f"filters-{size}")
    page.open("/", q=SEIZED)
    take(page, f"answer-{size}")
    page.press("Read in context")
    page.until(lambda: page.all(".body mark"))
    take(page, f"read-{size}")
    page.press("Cite this passage")
    page.until(lambda: page.all("dialog pre"))
    take(page, f"cite-{size}")
    page.open("/", q=EVICTED)
    take(page, f"disagreement-{size}")
    page.open("/", q="What is the best pizza in Naples?")
    take(page, f"not-in-library-{size}")
    page.open("/library")
    page.press("Remove The county's year in court")
    page.until(lambda: page.all(".removed"))
    page.browser.execute_script("scrollTo(0, 0)")
    take(page, f"library-{size}")
    page.browser.execute_script("document.getElementById('articles').scrollIntoView()")
    take(page, f"articles-{size}")
    page.press("Undo")
    page.browser.execute_script("document.querySelector('.coverage').scrollIntoView()")
    take(page, f"coverage-{size}")
    page.open("/judge")
    take(page, f"judge-{size}")
    page.open("/evaluate")
    page.press("Compare", "main")
    take(page, f"evaluate-{size}")


def main() -> None:
    """All pictures at both sizes."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder=Path(folder) / "library", model=Settings().model)
        with serving(place) as served, browsing(Path(folder) / "profile") as browser:
            page = Page(browser, served.url)
            set_screen(browser, DESK)
            prepare(page)
            for size in WIDTHS:
                take_all(page, size)


if __name__ == "__main__":
    main()
