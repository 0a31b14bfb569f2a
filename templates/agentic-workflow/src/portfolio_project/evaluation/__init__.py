"""Evaluation: a fixed set of tickets, graded by what is in the database at the end."""
