"""The routes as the other layers need them: the template of a request, the methods of a path."""

import re
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import NamedTuple

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute
from starlette.types import Scope

UNMATCHED = "unmatched"


class _Entry(NamedTuple):
    endpoint: object
    pattern: re.Pattern[str]
    template: str
    methods: frozenset[str]


class RouteTable:
    """Reads the application's routes when it is first asked, after all were added."""

    def __init__(self, routes: Callable[[], Iterable[BaseRoute]]) -> None:
        self._routes = routes

    @cached_property
    def _entries(self) -> list[_Entry]:
        return [
            _Entry(
                context.endpoint or getattr(context.route, "app", None),
                context.path_regex,
                context.path or UNMATCHED,
                frozenset(context.methods or ()),
            )
            for context in iter_route_contexts(list(self._routes()))
        ]

    @cached_property
    def _templates(self) -> dict[object, str]:
        return {entry.endpoint: entry.template for entry in self._entries}

    def template(self, scope: Scope) -> str:
        """Return the template of the request's route, such as /v1/items/{item}, or `unmatched`."""
        endpoint = scope.get("endpoint")
        if endpoint is not None:
            return self._templates.get(endpoint, UNMATCHED)
        # The request was refused, or answered from a store, before it was routed.
        return next((entry.template for entry in self._at(scope["path"])), UNMATCHED)

    def methods(self, path: str) -> list[str]:
        """Return all methods that some route answers at `path`, sorted."""
        return sorted(frozenset().union(*(entry.methods for entry in self._at(path))))

    def _at(self, path: str) -> Iterable[_Entry]:
        return (entry for entry in self._entries if entry.pattern.match(path))
