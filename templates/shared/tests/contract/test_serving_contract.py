"""The sample service against its own document: routes of kinds that a family may not have."""

import pytest
from house import PEPPER, sample_settings, schemathesis
from sample_service import sample_app

from portfolio_project.serving import in_thread
from portfolio_project.serving.keys import mint_key


@pytest.mark.slow
def test_the_sample_service_does_what_its_document_says(tmp_path):
    secret, key = mint_key(frozenset({"*"}), "contract", PEPPER.encode())
    settings = sample_settings(
        tmp_path, api_keys=(key,), key_pepper=PEPPER, rate_limit="100000/second"
    )
    with in_thread(sample_app(settings)) as url:
        # Not the routes that fail, wait or stream for ever on purpose.
        selected = ["--include-path-regex", "^/(v1/notes|health)"]
        schemathesis(url, "--header", f"Authorization: Bearer {secret}", *selected)
