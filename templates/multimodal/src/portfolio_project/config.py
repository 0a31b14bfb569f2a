"""What shapes a model besides data and code; named configurations are TOML files beside this."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .errors import UserError
from .preprocess import SpectrogramParameters
from .world.attributes import ROW_SIZES
from .world.negatives import Kind

if TYPE_CHECKING:
    from .provenance import RunManifest
    from .provenance.review import Read

Modality = Literal["image", "text", "sound", "attributes"]


class ConfigError(UserError):
    """A configuration is unknown or not valid; the text says which and why."""


class Frozen(BaseModel):
    """Values that do not change, and no others."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataConfig(Frozen):
    """How much of the world is ingested when no data of one's own is given."""

    seed: int = Field(default=0, ge=0, lt=2**32)
    train: int = Field(default=16_000, ge=8)
    gallery: int = Field(default=2_000, ge=8)
    """Scenes of each evaluation split."""


Tower = Annotated[str, Field(pattern=r"^(own|[a-z_]+:\S+)$")]


class ModelConfig(Frozen):
    """The towers and the head."""

    modalities: tuple[Modality, ...] = ("image", "text")
    auxiliary: tuple[Modality, ...] = ()
    """More that the data may have: they teach the others where they are there, and are not kept.

    One that `modalities` names is kept."""
    dim: int = Field(default=128, ge=8)
    output_norm: bool = True
    scale: float = Field(default=10.0, gt=0)
    bias: float = 0.0
    image_tower: Tower = "own"
    """Or one that others trained: `timm:NAME`, `open_clip:ARCHITECTURE/WEIGHTS`."""
    image_weights: str = ""
    """A file of weights for it; where none is named, its library fetches them."""
    text_tower: Tower = "own"
    """Or `open_clip:ARCHITECTURE/WEIGHTS`."""
    text_weights: str = ""
    finetune: bool = False
    """Train what others trained further; else it is frozen, and a projection is learnt on it."""
    image_side: int = Field(default=64, ge=16, multiple_of=8)
    image_width: int = Field(default=24, ge=8, multiple_of=8)
    text_width: int = Field(default=96, ge=16, multiple_of=4)
    text_depth: int = Field(default=1, ge=0)
    text_reach: int = Field(default=7, ge=0)
    sound_width: int = Field(default=16, ge=8, multiple_of=8)
    attribute_width: int = Field(default=32, ge=4)
    attributes: tuple[str, ...] = ()
    """The columns of one's own data that the attribute tower learns from."""
    attribute_sizes: tuple[int, ...] = ROW_SIZES
    """How many categories each has; taken from the data that are trained on."""
    spectrogram: SpectrogramParameters = SpectrogramParameters()

    @property
    def trained(self) -> tuple[Modality, ...]:
        """Every modality that a tower is trained for."""
        return tuple(dict.fromkeys((*self.modalities, *self.auxiliary)))


class OptimiserConfig(Frozen):
    """How the loss is made small."""

    steps: int = Field(default=640, ge=1)
    batch: int = Field(default=64, ge=2)
    """Samples a step, of all processes together."""
    chunk: int = Field(default=0, ge=0)
    """Samples that go through the towers at once (gradient caching); 0 for all."""
    learning_rate: float = Field(default=3e-3, gt=0)
    """Of AdamW, at its highest."""
    matrix_rate: float = Field(default=0.02, ge=0)
    """Of Muon, which takes the matrices; 0 leaves them to AdamW."""
    trunk_rate: float = Field(default=1e-5, gt=0)
    """Of AdamW for what others trained, where `finetune` trains it further; it does not decay."""
    warmup: int = Field(default=30, ge=0)
    weight_decay: float = Field(default=0.0, ge=0)
    clip: float = Field(default=1.0, gt=0)
    loss: Literal["infonce", "siglip"] = "infonce"
    hard_negatives: int = Field(default=2, ge=0, le=4)
    """Captions with one attribute swapped, a sample a step."""
    emphasis: dict[Kind, Annotated[float, Field(gt=0)]] = {}
    """How much more often than others a kind of swap is drawn; 1 where nothing is said."""
    pairs: tuple[tuple[Modality, Modality], ...] = ()
    """Which modalities are trained against each other; empty for all."""
    average: float = Field(default=0.99, ge=0, lt=1)
    """Decay of the averaged weights, which are the ones that are kept; 0 for none."""


class MachineConfig(Frozen):
    """What it runs on. One process on the CPU unless changed."""

    threads: int = Field(default=2, ge=1)
    accelerator: Literal["cpu", "cuda", "auto"] = "cpu"
    devices: int = Field(default=1, ge=1)
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    compile: bool = False


class TrainConfig(Frozen):
    """Everything that shapes a model, besides data and code."""

    name: str
    summary: str = ""
    seed: int = Field(default=0, ge=0, lt=2**32)
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    optimiser: OptimiserConfig = OptimiserConfig()
    machine: MachineConfig = MachineConfig()

    @model_validator(mode="after")
    def _pairs_exist(self) -> Self:
        for pair in self.optimiser.pairs:
            if len(set(pair)) != 2 or not set(pair) <= set(self.model.trained):
                raise ValueError(f"{pair} is no pair of {', '.join(self.model.trained)}")
        if len(set(self.model.modalities)) < 2:
            raise ValueError("two modalities are the least that can be aligned")
        if self.optimiser.batch % self.machine.devices:
            raise ValueError("batch must be a multiple of devices")
        return self

    @property
    def pairs(self) -> tuple[tuple[Modality, Modality], ...]:
        """The pairs of modalities that the loss compares."""
        return self.optimiser.pairs or tuple(combinations(self.model.trained, 2))

    def fitted(
        self, *, image_side: int, auxiliary: Sequence[Modality], attribute_sizes: tuple[int, ...]
    ) -> TrainConfig:
        """The same with what is for the data to say.

        Args:
            image_side: of the pictures; only a pretrained tower takes any.
            auxiliary: those that the data have, of the ones that are asked for.
            attribute_sizes: how many categories each attribute has.
        """
        kept = tuple(name for name in self.model.auxiliary if name in auxiliary)
        side = self.model.image_side if self.model.image_tower == "own" else image_side
        model = self.model.model_copy(
            update={"image_side": side, "auxiliary": kept, "attribute_sizes": attribute_sizes}
        )
        pairs = tuple(pair for pair in self.optimiser.pairs if set(pair) <= set(model.trained))
        optimiser = self.optimiser.model_copy(update={"pairs": pairs})
        return self.model_copy(update={"model": model, "optimiser": optimiser})


def config_names() -> tuple[str, ...]:
    """The named configurations."""
    folder = files(str(__package__)) / "configs"
    return tuple(
        sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml"))
    )


def load_config(name: str, read: Read | None = None) -> TrainConfig:
    """Read a named configuration; `base` in it names another that it changes.

    `read` reads files of the package elsewhere than on disk. Raises ConfigError with one line.
    """
    try:
        return TrainConfig.model_validate({**_values(name, read or _read), "name": name})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"configuration {name}: {where}: {first['msg']}") from None


def is_named(run: RunManifest, read: Read) -> bool:
    """Whether a model's settings are those of the configuration whose name they bear.

    What is the data's to say (`TrainConfig.fitted`) is taken from the run.
    """
    try:
        named = load_config(str(run.config.get("name")), read)
        ran = TrainConfig.model_validate(run.config)
    except (ConfigError, ValidationError, tomllib.TOMLDecodeError):
        return False
    return ran == named.fitted(
        image_side=ran.model.image_side,
        auxiliary=ran.model.auxiliary,
        attribute_sizes=ran.model.attribute_sizes,
    )


def _read(name: str) -> str | None:
    file = files(str(__package__)).joinpath(name)
    return file.read_text("utf-8") if file.is_file() else None


def _values(name: str, read: Read) -> dict[str, object]:
    text = None if {"/", "\\"} & {*name} else read(f"configs/{name}.toml")
    if text is None:
        known = ", ".join(config_names())
        raise ConfigError(f"there is no configuration {name!r}; there are {known}")
    values: dict[str, object] = tomllib.loads(text)
    base = values.pop("base", None)
    return values if base is None else _merged(_values(str(base), read), values)


def _merged(under: dict[str, object], over: dict[str, object]) -> dict[str, object]:
    found = dict(under)
    for key, value in over.items():
        before = found.get(key)
        both = isinstance(value, dict) and isinstance(before, dict)
        found[key] = _merged(before, value) if both else value  # type: ignore[arg-type]  # both are
    return found
