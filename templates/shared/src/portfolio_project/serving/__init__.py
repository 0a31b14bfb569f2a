"""Serving: the production API that every project of this family has."""
