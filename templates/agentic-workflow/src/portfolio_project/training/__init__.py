"""From seeds to a registered model: ingest the corpus, train, and let the gate decide."""
