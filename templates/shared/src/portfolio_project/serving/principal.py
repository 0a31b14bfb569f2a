"""Who is calling, and what they may do."""

from dataclasses import dataclass

ALL_SCOPES = frozenset({"*"})


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller: `id` is the owner of the API key, the same for each of the owner's active keys."""

    id: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Say whether this caller holds `scope`."""
        return scope in self.scopes or "*" in self.scopes


ANONYMOUS = Principal(id="anonymous", scopes=ALL_SCOPES)
