"""The desk's API, on the serving room that every project of this family has."""

from .app import create_app

__all__ = ["create_app"]
