"""The door to the corpus: what a ticket of your own must look like to be learned from."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..tickets.task import NEEDED
from ..world.vocabulary import Email, Intent


class ReadingRow(BaseModel):
    """A ticket and its right reading. `spans` are the (start, end) of the sentences that ask."""

    model_config = ConfigDict(extra="forbid")

    requester: Email
    text: Annotated[str, Field(min_length=1, max_length=8_000)]
    spans: Annotated[list[tuple[int, int]], Field(min_length=1)]
    phrase: Annotated[str, Field(min_length=1)] = "own"
    intent: Intent
    slots: dict[str, Any] = Field(default_factory=dict)
    two: bool = False

    @model_validator(mode="after")
    def _fits(self) -> "ReadingRow":
        if any(not 0 <= start < end <= len(self.text) for start, end in self.spans):
            raise ValueError("a span lies outside the text")
        if unknown := set(self.slots) - set(NEEDED[self.intent]):
            raise ValueError(f"an unknown slot: {min(unknown)}")
        return self
