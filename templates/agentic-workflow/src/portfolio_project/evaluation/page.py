"""The report as one page that opens from disk: data and drawing in a single file, no network."""

import json
from typing import Any

_MARK = "/*REPORT*/null"


def render(template: str, report: dict[str, Any]) -> str:
    """Put a report into the page's template. Nothing in a ticket's text can end the script."""
    data = json.dumps(report, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    safe = data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    assert template.count(_MARK) == 1
    return template.replace(_MARK, safe)
