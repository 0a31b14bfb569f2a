"""The demo as a visitor sees it: a real process, a real browser, nothing prepared but the model."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import httpx2
import pytest
from chromium import PATIENCE_MS, chromium, look_over, watched
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def demo(trained, tmp_path_factory):
    """A running demo; yields its address."""
    folder = tmp_path_factory.mktemp("demo")
    for name in ("registry", "models", "data"):
        shutil.copytree(trained / name, folder / name)
    command = ["demo", "--port=0", "--profile=tiny", "--no-reproduce"]
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "portfolio_project", *command],
            env={**os.environ, "PORTFOLIO_PROJECT_DATA_DIR": str(folder)},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stderr=said,
        )
    url = wait_for(lambda: address(folder / "said", process), "the demo's address")
    wait_for(lambda: ready(url), "the demo to be ready")
    yield url
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0, "the demo did not end cleanly"


def wait_for(found, what):
    deadline = time.monotonic() + 60
    while not (value := found()):
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.05)
    return value


def address(said, process):
    assert process.poll() is None, said.read_text()
    match = re.search(r"Open (http://\S+) in", said.read_text())
    return match and match[1]


def ready(url):
    try:
        return httpx2.get(f"{url}/health/ready").status_code == 200
    except httpx2.TransportError:
        return False


@pytest.fixture
def page(browser, demo):
    # A page of its own has a context of its own: nothing is kept from one test to the next.
    with browser.new_page(viewport={"width": 1280, "height": 900}) as opened:
        troubles = watched(opened, (demo,))
        opened.goto(demo)
        yield opened
        assert troubles == []


def number(page, name):
    return int(page.locator(f"#{name}").inner_text().replace(",", ""))


def wait_for_more(page, name, than):
    deadline = time.monotonic() + PATIENCE_MS / 1_000
    while (now := number(page, name)) <= than:
        assert time.monotonic() < deadline, f"{name} stays at {now}"
        page.wait_for_timeout(50)
    return now


def test_the_page_moves_survives_a_kill_and_rolls_back(page):
    first = wait_for_more(page, "predictions", 0)
    expect(page.locator("#live-text")).to_have_text("Live")
    wait_for_more(page, "predictions", first)
    chart = "document.getElementById('chart').toDataURL()"
    drawn = page.evaluate(chart)
    page.wait_for_timeout(700)
    assert page.evaluate(chart) != drawn

    page.get_by_role("button", name="Kill the worker").click()
    expect(page.locator("#worker-text")).to_contain_text("nothing lost, nothing doubled")
    expect(page.locator("#balance")).to_have_attribute("data-state", "good")
    wait_for_more(page, "predictions", number(page, "predictions"))

    serving = page.locator("#models .serving")
    expect(serving).to_contain_text("Gradient-boosted trees")
    page.get_by_role("button", name="Roll back").click()
    expect(serving).to_contain_text("Logistic regression")
    expect(page.locator("#model-text")).to_contain_text("Logistic regression serves now")
    page.get_by_role("button", name="Promote Gradient-boosted trees").click()
    expect(serving).to_contain_text("Gradient-boosted trees")


def test_the_page_works_by_keyboard_on_a_phone_and_without_motion(page):
    page.set_viewport_size({"width": 375, "height": 800})
    page.emulate_media(reduced_motion="reduce", color_scheme="dark")
    wait_for_more(page, "alerts", 0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the stream")).to_be_focused()
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Resume")).to_have_attribute("aria-pressed", "true")
    stopped = number(page, "predictions")
    page.wait_for_timeout(1_500)
    assert number(page, "predictions") == stopped
    alert = page.locator("#alert-rows button").first
    alert.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("card mean amount 30d")
    largest = page.locator("#detail-rows tr").first.locator("td").last
    expect(largest).to_have_text(re.compile(r"^[+-]\d+\.\d\d$"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_model_is_tried_in_the_shadow_and_the_world_is_changed(page):
    page.get_by_role("button", name="Try as shadow").first.click()
    trial = page.locator("#trial")
    expect(trial).to_contain_text("decides nothing")
    expect(trial).to_contain_text("On the same")
    drift = page.get_by_role("button", name="Inject a drift")
    drift.click()
    expect(page.locator("#drift")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#signal-rows meter").first).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Take the drift back").click()
    page.get_by_role("button", name="End the trial").click()
    expect(trial).to_be_hidden()


def test_nobody_is_shut_out_of_the_page(page):
    wait_for_more(page, "predictions", 0)
    look_over(page)


def test_a_recorded_run_opens_from_disk_and_asks_nobody(browser, demo, tmp_path):
    recorded = tmp_path / "recording.html"
    command = ["record", str(recorded), f"--url={demo}", "--seconds=2"]
    module = "portfolio_project"
    subprocess.run([sys.executable, "-m", module, *command], check=True, timeout=60)
    with browser.new_page() as opened:
        troubles = watched(opened, ("file:", "data:"))
        opened.goto(recorded.as_uri())
        expect(opened.locator("#live-text")).to_contain_text("Recorded")
        wait_for_more(opened, "predictions", 0)
        expect(opened.locator("#models .serving")).to_be_visible()
        opened.get_by_role("button", name="Roll back").click()
        expect(opened.locator("#model-text")).to_contain_text("nothing can be changed")
        assert troubles == []
