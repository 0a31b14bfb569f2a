"""Whole numbers as JSON Schema means them: 479.0 is one, "479" and true are not."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Strict


def _from_json(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# pydantic's own int either takes strings too, or refuses 479.0, which the schema `integer` allows.
AsWhole = BeforeValidator(_from_json)
Whole = Annotated[int, AsWhole, Strict()]
