"""Photograph the live page of a running demo: `make picture` keeps the README's picture true.

What a visitor would do first stands in pyproject.toml, under [tool.picture]: `click`, the names of
buttons, and `seconds`, how long to let the page run then.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

PACKAGE = "portfolio_project"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPEN = re.compile(r"Open (http://\S+) in")
SECONDS = 60
PATIENCE_MS = 60_000


@contextmanager
def demo(data: str) -> Generator[str]:
    """Run the demo on a free port with its files in `data`; yield its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", PACKAGE, "demo", "--port=0"],
        env={**os.environ, f"{PACKAGE.upper()}_DATA_DIR": data},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            print(line, end="", file=sys.stderr)
            if found := OPEN.search(line):
                yield found[1]
                break
        else:
            raise SystemExit("picture: the demo ended before it had an address; see above")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def photograph(url: str, target: Path, width: int) -> None:
    """Do what is wished on the page, and write what it then shows, as tall as it is, as a PNG."""
    settings = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    wishes = settings["tool"].get("picture", {})
    installed = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=installed, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(url, wait_until="domcontentloaded")
        for name in wishes.get("click", []):
            page.get_by_role("button", name=name, exact=True).click()
        time.sleep(wishes.get("seconds", SECONDS))
        page.screenshot(path=target, full_page=True)
        browser.close()


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path, help="the PNG to write")
    parser.add_argument("--width", type=int, default=1280, help="of the window, in pixels")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="picture-") as data, demo(data) as url:
        photograph(url, options.target, options.width)
    print(f"picture: {options.target}")


if __name__ == "__main__":
    main()
