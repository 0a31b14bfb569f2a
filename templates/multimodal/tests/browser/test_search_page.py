"""The pages as a visitor sees them: a real server, a real browser, nothing prepared but a model."""

import base64
import os
import re
import subprocess
import sys

import pytest
from chromium import chromium, look_over, watched
from playwright.sync_api import expect

from portfolio_project.api.examples import PICTURE, SOUND
from portfolio_project.provenance.durable import replace_file
from portfolio_project.serving import in_thread


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture
def open_page(browser):
    troubles, opened = [], []

    def open_one(address, allowed=("file:", "data:", "blob:"), **options):
        page = browser.new_page(**({"viewport": {"width": 1280, "height": 900}} | options))
        opened.append(page)
        # The browser tells of each refusal, which is what the page then shows.
        troubles.append(watched(page, (address, *allowed), but="status of 422"))
        page.goto(address)
        return page

    yield open_one
    for page in opened:
        page.close()
    assert not any(troubles), troubles


@pytest.fixture
def url(app_factory):
    with in_thread(app_factory()) as address:
        yield address


def cards(page):
    return page.locator(".card")


def test_words_pictures_and_sounds_find_documents(open_page, url):
    page = open_page(url)
    expect(page.locator("#held")).to_contain_text("64 documents")
    expect(cards(page)).to_have_count(12)
    expect(page.locator(".card img").first).to_have_attribute(
        "src", re.compile("^data:image/png;base64,")
    )

    page.locator("#words").fill("a green ring")
    page.keyboard.press("Enter")
    expect(page.locator("#answer")).to_contain_text("12 of the pictures")
    picture = {"name": "disc.png", "mimeType": "image/png", "buffer": base64.b64decode(PICTURE)}
    page.locator("#file").set_input_files(picture)
    expect(page.locator("#parts")).to_contain_text("disc.png")
    sound = {"name": "tone.wav", "mimeType": "audio/wav", "buffer": base64.b64decode(SOUND)}
    page.locator("#file").set_input_files(sound)
    expect(page.locator("#parts li")).to_have_count(2)
    page.get_by_role("button", name="Remove tone.wav").click()
    expect(page.locator("#parts li")).to_have_count(1)

    page.get_by_text("captions").click()
    expect(page.locator("#answer")).to_contain_text("the texts")
    page.get_by_text("Only those with certain attributes").click()
    page.locator("#filters select[name=background]").select_option("black")
    expect(page.locator("#answer")).to_contain_text("the texts")
    assert 0 < cards(page).count() <= 12


def test_a_bad_file_is_told_in_words(open_page, url):
    page = open_page(url, allowed=("data:",))
    expect(cards(page)).to_have_count(12)
    broken = {"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture at all"}
    with page.expect_response("**/v1/search") as answer:
        page.locator("#file").set_input_files(broken)
    assert answer.value.status == 422
    expect(page.locator("#notice")).to_contain_text("no picture")


def test_a_match_is_explained_and_like_finds_like(open_page, url):
    page = open_page(url)
    page.get_by_role("button", name="Why").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("Why this one")
    expect(page.locator("#why-words span").first).to_be_visible()
    assert page.locator("#why-heat").evaluate("canvas => canvas.width") == 8
    page.keyboard.press("Escape")
    first = cards(page).first.get_attribute("data-id")
    page.get_by_role("button", name=f"Alike: {first}").click()
    expect(page.locator("#parts")).to_contain_text(first)
    expect(cards(page).first).to_have_attribute("data-id", first)


def test_the_map_shows_what_is_pointed_at(open_page, url):
    page = open_page(url)
    expect(page.locator("#map-text")).to_contain_text("64 documents")
    canvas = page.locator("#map")
    box = canvas.bounding_box()
    for step in range(200):
        x = box["width"] * (0.02 + 0.96 * (step % 40) / 40)
        # The canvas moves while pictures come in above it: each point is found anew.
        canvas.hover(position={"x": x, "y": box["height"] * (0.1 + 0.2 * (step // 40))}, force=True)
        if page.locator("#readout").is_visible():
            break
    expect(page.locator("#readout p")).not_to_be_empty()


def test_nobody_is_shut_out_of_the_page(open_page, url):
    page = open_page(url)
    expect(cards(page)).to_have_count(12)
    look_over(page)
    page.get_by_role("button", name="Why").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    look_over(page)


def test_the_page_works_by_keyboard_on_a_phone(open_page, url):
    page = open_page(url, viewport={"width": 375, "height": 800})
    expect(cards(page)).to_have_count(12)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    sheet, button = (page.locator(one).bounding_box() for one in (".hero", ".ask button"))
    assert button["x"] + button["width"] <= sheet["x"] + sheet["width"] - 12
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the search")).to_be_focused()


def test_the_evaluation_report_is_shown_with_its_style(open_page, url, workspace):
    report = "<html lang=en><title>r</title><style>h1 { color: rgb(1, 2, 3) }</style><h1>r</h1>"
    replace_file(workspace / "reports" / "evaluation.html", report.encode())
    page = open_page(f"{url}/evaluation", allowed=(url,))
    colour = page.locator("h1").evaluate("one => getComputedStyle(one).color")
    assert colour == "rgb(1, 2, 3)"


def test_a_recorded_page_opens_from_disk(open_page, workspace, tmp_path):
    target = tmp_path / "page.html"
    name = "PORTFOLIO_PROJECT_DATA_DIR"
    subprocess.run(
        [sys.executable, "-m", "portfolio_project", "record", str(target)],
        env={**os.environ, name: str(workspace)},
        check=True,
        timeout=100,
    )
    page = open_page(target.as_uri())
    expect(page.locator("#held")).to_contain_text("a recording")
    expect(cards(page)).to_have_count(12)
    page.locator("#examples button").nth(1).click()
    page.get_by_role("button", name="Why").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("#words").fill("never recorded")
    page.keyboard.press("Enter")
    expect(page.locator("#notice")).to_contain_text("recording")
