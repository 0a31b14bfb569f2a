"""The installed Chromium, for the tests of pages: quiet, watched, and looked over by axe."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

# A busy machine is no failure.
PATIENCE_MS = 60_000
PHONE: ViewportSize = {"width": 390, "height": 844}
LOOPBACK = "http://127.0.0.1:"
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a browser. Skips the test where none is installed."""
    program = next((found for name in _PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium on PATH; `make browser` fetches one")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def watched(page: Page, allowed: tuple[str, ...], but: str | None = None) -> list[str]:
    """Return a list that fills with what goes wrong on a page, to be asserted empty at the end.

    That is each exception, each error and warning on the console that does not contain `but`, and
    each request to an address that begins with none of `allowed`.
    """
    troubles: list[str] = []

    def said(kind: str, text: str) -> None:
        if kind in {"error", "warning"} and (but is None or but not in text):
            troubles.append(text)

    def asked(url: str) -> None:
        if not url.startswith(allowed):
            troubles.append(url)

    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on("console", lambda message: said(message.type, message.text))
    page.on("request", lambda request: asked(request.url))
    return troubles


def look_over(page: Page) -> None:
    """Fail on what axe finds in light, in dark and on a phone, and on what a phone cuts off."""
    before = page.viewport_size
    views: tuple[tuple[Literal["light", "dark"], ViewportSize | None], ...] = (
        ("light", before),
        ("dark", before),
        ("light", PHONE),
    )
    for scheme, size in views:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if size:
            page.set_viewport_size(size)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{scheme}, {size}: {found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    if before:
        page.set_viewport_size(before)
