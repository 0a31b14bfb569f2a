"""scaffold: generate machine-learning portfolio projects that really run."""
