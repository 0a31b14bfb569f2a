"""Tickets: what people ask for, how they write it, and what the right end is."""
