"""A real browser, and the page in it as people use it."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest
from calling import Caller
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

Found = TypeVar("Found")

PHONE, DESK = 390, 1280
HEIGHTS = {PHONE: 844, DESK: 900}
PATIENCE_S = 20
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)


@contextmanager
def browsing(profile: Path) -> Iterator[webdriver.Chrome]:
    """A browser with its own profile that logs what it says and fetches."""
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip("no chromium with its chromedriver is installed")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield chrome
    finally:
        chrome.quit()


def set_screen(browser: webdriver.Chrome, width: int) -> None:
    """Give the browser the screen of a phone or of a desk."""
    size = {"width": width, "height": HEIGHTS[width], "deviceScaleFactor": 1}
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {**size, "mobile": width == PHONE}
    )


class Page(Caller):
    """A browser on one server."""

    def __init__(self, browser: webdriver.Chrome, address: str) -> None:
        self.browser = browser
        self.address = address

    def open(self, path: str = "/", **parameters: Any) -> "Page":
        """Open an address as one does who follows a link from elsewhere."""
        self.browser.get("about:blank")
        query = f"?{urlencode(parameters, doseq=True)}" if parameters else ""
        self.browser.get(self.address + path + query)
        self.settled()
        return self

    def settled(self) -> None:
        """Wait until the view stands and nothing is loading."""
        busy = (
            "return !!document.querySelector('main h1') && !document.querySelector('[aria-busy]')"
        )
        self.until(lambda: self.browser.execute_script(busy))

    def until(self, true: Callable[..., Found]) -> Found:
        """The first true value; stale elements are looked for again."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                if found := true():
                    return found
            except WebDriverException:
                if time.monotonic() > end:
                    raise
            assert time.monotonic() < end, self.text()
            time.sleep(0.03)

    def text(self, css: str = "main") -> str:
        """What is to be read there."""
        return self.browser.find_element(By.CSS_SELECTOR, css).text

    def shows(self, words: str) -> None:
        """Wait until these words are to be read."""
        self.until(lambda: words in self.text("body"))

    def all(self, css: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, css)

    def one(self, css: str) -> WebElement:
        return self.until(lambda: self.all(css))[0]

    def press(self, name: str, within: str = "body") -> None:
        """Press the first button or link of that name."""
        kind = "[self::button or self::a or self::summary]"
        said = f"'{name}'" if "'" not in name else f'"{name}"'
        xpath = f".//*{kind}[normalize-space()={said} or @aria-label={said}]"

        def pressed() -> bool:
            found = self.one(within).find_elements(By.XPATH, xpath)
            if found:
                found[0].click()
            return bool(found)

        self.until(pressed)

    def field(self, label: str) -> WebElement:
        """The control with that label."""
        xpath = f"//*[@id=//label[normalize-space()='{label}']/@for]"
        return self.until(lambda: self.browser.find_elements(By.XPATH, xpath))[0]

    def choose(self, label: str, words: str) -> None:
        """Choose the option that begins with these words."""
        found = Select(self.field(label))
        found.select_by_visible_text(
            next(o.text for o in found.options if o.text.startswith(words))
        )

    def ask(self, question: str) -> None:
        box = self.field("Your question")
        box.clear()
        box.send_keys(question, Keys.ENTER)
        self.until(lambda: self.all("#outcome"))
        self.settled()

    def holds(self, article: str) -> bool:
        try:
            return bool(self.get(f"/v1/articles/{article}"))
        except HTTPError as error:
            error.close()
            return False
