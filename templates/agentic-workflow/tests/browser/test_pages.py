"""The pages in a real browser: the desk with a live worker, and the report opened from disk."""

import pytest
from chromium import LOOPBACK, chromium, look_over, watched
from playwright.sync_api import expect

from portfolio_project.evaluation import command, dataset
from portfolio_project.evaluation.page import PAGE
from portfolio_project.evaluation.report import build_report
from portfolio_project.evaluation.run import How, evaluate
from portfolio_project.serving import in_thread
from portfolio_project.settings import Settings


@pytest.fixture
def page():
    with chromium() as browser:
        opened = browser.new_page()
        troubles = watched(opened, (LOOPBACK, "file:", "data:"))
        yield opened
    assert troubles == []


@pytest.fixture
def desk(app_factory):
    with in_thread(app_factory(workers=1, confidence_threshold=0.0)) as url:
        yield url


def test_a_ticket_is_followed_approved_and_seen_in_the_database(desk, page):
    page.goto(desk)
    page.get_by_role("button", name="Access", exact=True).click()
    page.get_by_role("button", name="Send").click()

    expect(page.locator("#approval")).to_be_visible()
    page.get_by_role("button", name="Approve").click()

    expect(page.locator("#steps li.good").last).to_contain_text("Ended: resolved")
    expect(page.locator("#changes .plus", has_text="grants")).to_contain_text("prod_db write")
    expect(page.locator("#audit")).to_contain_text("intact")
    expect(page.locator("#tickets tr").first).to_contain_text("resolved")
    look_over(page)


HOSTILE = "</script><script>document.title='broken'</script>"


@pytest.fixture
def cases(model, tmp_path):
    """A report on disk. Made before the browser is there, which brings an event loop of its own."""
    chosen = dataset.load()[::60]
    free = evaluate(chosen, model, Settings(), How(threshold=0.0)).grades
    report = build_report(chosen, free, free, model, "the project's own model")
    report["cases"][0]["text"] = HOSTILE
    command.write(tmp_path, report, 1.0, [0.1])
    return chosen


def test_the_report_opens_from_disk_and_finds_tickets(cases, tmp_path, page):
    page.goto((tmp_path / PAGE).as_uri())

    expect(page).to_have_title("Evaluation of the service desk")
    expect(page.locator("#bars svg rect").first).to_be_visible()
    expect(page.locator("#curve svg polyline")).to_have_count(2)
    expect(page.locator("#cases details")).to_have_count(len(cases))
    page.locator("#cases summary").first.click()
    expect(page.locator("#cases pre").first).to_contain_text(HOSTILE)
    expect(page.locator("#more")).to_contain_text("median and 99th percentile")
    look_over(page)
    page.get_by_label("Text").fill("no ticket says this")
    expect(page.locator("#count")).to_have_text("0 tickets")
