"""The report as one page that opens from disk: data and drawing in a single file, no network."""

import json
from typing import Any

PAGE, TIMES = "evaluation.html", "evaluation.times.js"
"""The page, and the times beside it: they differ from run to run, the page does not."""
_MARK = "/*REPORT*/null"


def render(template: str, report: dict[str, Any]) -> str:
    """Put a report into the page's template. Nothing in a ticket's text can end the script."""
    data = json.dumps(report, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    safe = data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    assert template.count(_MARK) == 1
    return template.replace(_MARK, safe)


def split(page: str) -> dict[str, str]:
    """Take a page apart for a server whose policy allows no inline code: html, css, js."""
    before, _, rest = page.partition("<style>")
    style, _, rest = rest.partition("</style>")
    middle, _, rest = rest.partition("<script>")
    script, _, after = rest.partition("</script>")
    times = middle.replace(f'src="{TIMES}"', 'src="/report/times.js"')
    linked = '<link rel="stylesheet" href="/report/page.css">'
    return {
        "html": f'{before}{linked}{times}<script src="/report/page.js"></script>{after}',
        "css": style,
        "js": script,
    }
