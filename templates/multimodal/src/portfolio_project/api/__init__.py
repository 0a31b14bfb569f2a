"""The API: embed, search, documents, explanations and models, over one index and one model."""

from .app import create_app

__all__ = ["create_app"]
