"""Data sets: the world's and one's own, in one form on disk."""
