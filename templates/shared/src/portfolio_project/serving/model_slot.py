"""The model that answers now: leased by requests, swapped and rolled back while they run."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

from .exchange import current_exchange
from .problems import Problem

T = TypeVar("T")
_KEPT = 4


@dataclass(frozen=True, slots=True)
class Served(Generic[T]):
    """A model and the version under which it answers."""

    version: str
    model: T


class ModelRefused(Exception):
    """A model failed its warm-up and does not serve; the one before it still does."""


class ModelSlot(Generic[T]):
    """Holds the serving model.

    `warm_up(model)` runs before a model may serve: it should score a known input and raise if the
    answer is wrong. A swap is one assignment, so a request keeps the model that it leased and no
    request ever waits or fails because of a swap.
    """

    def __init__(self, warm_up: Callable[[T], object] | None = None) -> None:
        self._warm_up = warm_up
        self._lock = Lock()
        self._served: Served[T] | None = None
        self._before: list[Served[T]] = []

    @property
    def loaded(self) -> bool:
        """Whether a model serves."""
        return self._served is not None

    @property
    def current(self) -> Served[T]:
        """The serving model. Raises a 503 Problem while there is none."""
        served = self._served
        if served is None:
            raise Problem(
                503,
                detail="No model is loaded yet. Try again shortly.",
                type="urn:problem:no-model",
                headers={"Retry-After": "5"},
            )
        return served

    def swap(self, version: str, model: T) -> Served[T]:
        """Let `model` serve under `version`, once it passed its warm-up.

        Blocks for the warm-up; call it in a thread from async code. Raises ModelRefused when the
        warm-up fails, and the slot stays as it was.
        """
        if self._warm_up is not None:
            try:
                self._warm_up(model)
            except Exception as error:
                cause = f"{type(error).__name__}: {error}"
                raise ModelRefused(f"model {version} failed its warm-up: {cause}") from error
        with self._lock:
            if self._served is not None:
                self._before = [*self._before, self._served][-_KEPT:]
            self._served = Served(version, model)
            return self._served

    def rollback(self) -> Served[T]:
        """Let the model before this one serve again. Raises LookupError when there is none."""
        with self._lock:
            if not self._before:
                raise LookupError("there is no earlier model to roll back to")
            self._served = self._before.pop()
            return self._served

    @contextmanager
    def lease(self) -> Generator[Served[T]]:
        """Yield the model for one request, and name its version in the X-Model-Version header.

        Raises a 503 Problem while no model is loaded.
        """
        served = self.current
        exchange = current_exchange.get()
        if exchange is not None:
            exchange.model_version = served.version
        yield served
