"""scaffold: generate machine-learning portfolio projects that really run."""

__version__ = "0.1.0"
