"""Fixtures of this family."""

pytest_plugins = ["house"]
