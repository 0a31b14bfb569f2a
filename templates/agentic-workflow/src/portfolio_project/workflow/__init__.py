"""Durable execution: a ticket that was begun is ended, whatever is killed in between."""
