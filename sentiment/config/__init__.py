"""The typed configuration: a TOML file, overrides `a.b=value`, and every mistake reported at once.

A field's docstring is its help text: it is written once, here.
"""

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self

import tomli_w
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from sentiment.errors import UsageError


class Section(BaseModel):
    """What every section shares: no unknown keys, no silent conversions, no changes afterwards."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class DataSettings(Section):
    """Where the reviews come from and how validation is cut from train."""

    source: str = "stanfordnlp/imdb"
    """A hub name, a folder (hub layout, aclImdb or a file a split), a csv, tsv, json, jsonl or parquet file,
    `sample` or `phrases`."""
    text_column: str = "text"
    """The column that holds a review."""
    label_column: str = "label"
    """The column that holds 0 (negative) or 1 (positive)."""
    group_column: str = "film"
    """The column that says what a review is about; a group never stands on both sides of a split."""
    validation: Literal["auto", "own", "group", "blocks", "random", "none"] = "auto"
    """How validation is found: `own` uses the source's validation split, `group` holds out whole groups,
    `blocks` runs of neighbours, `random` single reviews; `auto` takes the first that is possible. `none`
    trains on every review to the last epoch, for a model whose recipe was chosen before."""
    validation_share: float = Field(0.1, gt=0, lt=1)
    """The share of train that is held out for validation."""
    extra: str = ""
    """A file of further labelled texts to learn from and never to be judged on, or `phrases`, the bundled
    short texts of negation and contrast; empty for none."""


class TextSettings(Section):
    """How much of a review the model reads."""

    head: int = Field(100, ge=0)
    """A review longer than head + tail tokens keeps its first `head` tokens ..."""
    tail: int = Field(300, ge=0)
    """... and its last `tail` ones; head = 0 and tail = 0 keep every review whole."""


class VocabularySettings(Section):
    """Which words have an embedding of their own."""

    size: int = Field(25_000, ge=1)
    """The most frequent words of train that are kept, besides the two special ones."""
    min_frequency: int = Field(2, ge=1)
    """A rarer word is unknown to the model."""
    lower: bool = True
    """Whether `Great` and `great` are one word."""
    vectors: str = ""
    """Word vectors to start from: a text file, or a name such as `glove.6B.100d`; empty for none."""


class BatchSettings(Section):
    """How reviews are put together for one step."""

    tokens: int = Field(8_192, ge=1)
    """A batch holds as many reviews of similar length as fit into this many tokens, padding counted ..."""
    reviews: int = Field(0, ge=0)
    """... and no more than so many reviews; 0 sets no such limit."""


MOST_WORDS_OF_EVIDENCE = 2_000_000  # three of them make one key of 63 bits
CHANNEL_ENCODERS = ("shared_weight", "attention_fusion")


class ModelSettings(Section):
    """The network; the defaults are the article's model (docs/article.md) with its mistakes mended."""

    embedding: int = Field(100, ge=1)
    """Width of a word's embedding."""
    encoder: Literal[
        "stacked",
        "residual",
        "layer_norm",
        "truncated",
        "hierarchical",
        "shared_weight",
        "attention_fusion",
    ] = "stacked"
    """`stacked` puts LSTM layers on each other, `residual` adds each layer's input to its states,
    `layer_norm` normalises them, `truncated` cuts the gradient every `truncation` steps, `hierarchical` reads
    the tokens of each `segment`, then the segments; `shared_weight` reads several `channels` of each token
    with one LSTM, `attention_fusion` with an LSTM each."""
    hidden: int = Field(256, ge=1)
    """Hidden units of the LSTM in each direction."""
    layers: int = Field(2, ge=1, le=16)
    """LSTM layers; with `hierarchical`, of each of its two LSTMs."""
    bidirectional: bool = True
    """Whether a second LSTM reads each review from its end."""
    truncation: int = Field(50, ge=1)
    """Steps between two cuts of the gradient with `truncated`; others leave it unread."""
    segment: int = Field(50, ge=1)
    """Tokens of a segment with `hierarchical`; others leave it unread."""
    channels: list[Literal["form", "lower", "prefix", "suffix", "shape"]] = Field(
        ["lower", "prefix", "suffix", "shape"], min_length=2
    )
    """What `shared_weight` and `attention_fusion` see of a token; others see its form or lower case."""
    merge: Literal["concat", "sum", "max"] = "concat"
    """How the two directions of a state become one vector: side by side, summed, or each unit's larger."""
    readout: Literal["last", "cell", "max", "mean", "max_mean", "attention", "tokens"] = "last"
    """How the states of a review become one vector: `last` and `cell` take each direction's own last hidden
    or cell state; `max`, `mean` and `max_mean` pool over its tokens; `attention` learns how much each token
    counts; `tokens` gives each token a logit of its own and takes their mean."""
    word_dropout: float = Field(0.0, ge=0, lt=1)
    """Share of tokens read as unknown in training, so that no name or word decides alone; pretraining reads
    all."""
    embedding_dropout: float = Field(0.5, ge=0, lt=1)
    """Share of embedding values set to zero in training."""
    dropout: float = Field(0.5, ge=0, lt=1)
    """Share of values set to zero between layers and before the head."""

    @field_validator("merge")
    @classmethod
    def _two_directions_to_merge(cls, merge: str, info: ValidationInfo) -> str:
        if merge != "concat" and info.data.get("bidirectional") is False:
            raise ValueError(
                "One direction has nothing to merge: set bidirectional = true or merge = 'concat'"
            )
        return merge

    @field_validator("channels")
    @classmethod
    def _each_channel_once(cls, channels: list[str]) -> list[str]:
        if len(set(channels)) < len(channels):
            raise ValueError("A channel stands twice")
        return channels

    @property
    def views(self) -> list[str]:
        """The channels the encoder reads; empty for an encoder of plain tokens."""
        return list(self.channels) if self.encoder in CHANNEL_ENCODERS else []


class PretrainingSettings(Section):
    """What embedding and LSTM learn as a language model before they see a label."""

    epochs: int = Field(0, ge=0)
    """Passes over the reviews of train and of the split `unsupervised`, if the source has it; 0 for none."""
    learning_rate: float = Field(2e-3, gt=0)
    """AdamW's highest learning rate; it rises and falls as in training."""
    samples: int = Field(512, ge=1)
    """Wrong words that each right next word is told from; more are slower and nearer to the full softmax."""


class TrainingSettings(Section):
    """How the weights are found."""

    epochs: int = Field(5, ge=1)
    """Passes over the training reviews."""
    learning_rate: float = Field(1e-3, gt=0)
    """AdamW's highest learning rate."""
    weight_decay: float = Field(0.01, ge=0)
    """AdamW's decoupled weight decay."""
    warmup: float = Field(0.1, ge=0, lt=1)
    """Share of the training in which the learning rate rises; then it falls along a cosine to zero."""
    clip_norm: float = Field(1.0, gt=0)
    """The gradient is scaled down to this L2 norm where it is longer."""
    adversarial: float = Field(0.0, ge=0)
    """Each step on labels is also taken with the embeddings moved against the model, by this share of their
    L2 norm; 0 for none. It doubles the time of a step."""
    members: int = Field(1, ge=1, le=16)
    """Classifiers that are trained one after the other, each with its own seed and pretraining; their logits
    are averaged."""
    average: float = Field(0.0, ge=0, lt=1)
    """Decay of the running average of the weights that is judged and kept; 0 keeps the weights themselves."""
    patience: int = Field(3, ge=1)
    """Training ends after this many epochs without a better validation loss."""
    checkpoint_steps: int = Field(200, ge=1)
    """Steps between two checkpoints; one is also written after each epoch."""


class SelfTrainingSettings(Section):
    """Learning once more, also from unlabelled reviews, with the probabilities the model itself gives them.

    All else is as in `training`, but that there are no adversarial steps.
    """

    epochs: int = Field(0, ge=0)
    """Passes over the reviews of train and of the split `unsupervised`, if the source has it; 0 for none."""


class EvidenceSettings(Section):
    """A linear n-gram model whose logit is mixed with the network's."""

    weight: float = Field(0.0, ge=0, le=1)
    """Its share of the final logit; the network has the rest; 0 for no such model."""
    size: int = Field(100_000, ge=1)
    """The 1- to 3-grams of known words that are kept, the weightiest ones."""
    reviews: int = Field(25_000, ge=2)
    """Training reviews it is fitted on at most, drawn from each class by its share, as its memory grows with
    them; the texts of `data.extra` are always taken and do not count."""
    unlabelled: float = Field(0.0, ge=0)
    """If not 0, it is fitted anew at the end, also on reviews of the split `unsupervised`, at most as many as
    of train, with the labels the whole model gives them; one that the model is sure of has this weight,
    a labelled review 1."""
    phrases: float = Field(0.0, ge=0)
    """If not 0, it is fitted anew at the end, also on the bundled short texts of negation and contrast,
    which helps with reviews of a sentence or two; each has this weight, a labelled review 1."""


class CalibrationSettings(Section):
    """What is done about a model that is too sure of itself, or not sure enough."""

    temperature: bool = False
    """Whether logits are divided by the number that makes the validation loss lowest; no label changes."""


class LoggingSettings(Section):
    """What is written about a training besides metrics.jsonl."""

    report: bool = False
    """Whether a page about the finished run is written into its folder: report.html, as `sentiment report`
    makes it, on the reviews that were held out."""
    tensorboard: bool = False
    """Whether curves are written as event files into the run's folder `tensorboard`; needs the package of
    that name: `pip install tensorboard`."""


class MachineSettings(Section):
    """What the run is computed on."""

    device: str = "auto"
    """`auto` (the first GPU, else the CPU), `cpu`, `cuda`, `cuda:N` or `mps`."""
    threads: int = Field(0, ge=0)
    """CPU threads, of all processes together; 0 takes every core this process may use."""
    processes: int = Field(1, ge=0, le=64)
    """Processes that train together, each on a share of every batch and of the threads; 0 takes two on a CPU
    with two threads or more, where they are faster than one, else one."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """`bfloat16` runs the network under autocast on a CUDA device that supports it."""

    @field_validator("device")
    @classmethod
    def _a_known_kind_of_device(cls, device: str) -> str:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?|mps", device):
            raise ValueError("must be auto, cpu, cuda, cuda:N or mps")
        return device


class Config(Section):
    """One run's whole configuration."""

    seed: int = Field(1, ge=0, lt=2**31)
    """Every random choice of the run follows from this number."""
    data: DataSettings = DataSettings()
    text: TextSettings = TextSettings()
    vocabulary: VocabularySettings = VocabularySettings()
    batches: BatchSettings = BatchSettings()
    model: ModelSettings = ModelSettings()
    pretraining: PretrainingSettings = PretrainingSettings()
    training: TrainingSettings = TrainingSettings()
    self_training: SelfTrainingSettings = SelfTrainingSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    calibration: CalibrationSettings = CalibrationSettings()
    logging: LoggingSettings = LoggingSettings()
    machine: MachineSettings = MachineSettings()

    @model_validator(mode="after")
    def _keys_that_fit_together(self) -> Self:
        model, evidence = self.model, self.evidence
        rules = {
            "pretraining.epochs needs model.encoder=stacked and model.layers=1: a language model is made of "
            "one plain layer, as a second one would see the words it is to predict": (
                not self.pretraining.epochs or (model.encoder, model.layers) == ("stacked", 1)
            ),
            "calibration.temperature needs reviews held out: set data.validation": (
                not self.calibration.temperature or self.data.validation != "none"
            ),
            "evidence.unlabelled needs evidence: set evidence.weight, or evidence.unlabelled=0": (
                not evidence.unlabelled or evidence.weight > 0
            ),
            "evidence.phrases needs evidence: set evidence.weight, or evidence.phrases=0": (
                not evidence.phrases or evidence.weight > 0
            ),
            f"evidence.weight reads words, which model.encoder={model.encoder} has not": (
                not evidence.weight or not model.views
            ),
            f"evidence.weight needs vocabulary.size of at most {MOST_WORDS_OF_EVIDENCE:,}": (
                not evidence.weight or self.vocabulary.size <= MOST_WORDS_OF_EVIDENCE
            ),
        }
        if broken := [rule for rule, holds in rules.items() if not holds]:
            raise ValueError("; ".join(broken))
        return self

    @property
    def reads_unlabelled(self) -> bool:
        """Whether a training reads the split `unsupervised`, where the source has it."""
        return bool(self.pretraining.epochs or self.self_training.epochs or self.evidence.unlabelled)

    def with_source(self, source: str) -> Self:
        """The same configuration for other reviews."""
        return self.model_copy(update={"data": self.data.model_copy(update={"source": source})})

    def to_toml(self) -> str:
        """Every key with its value, as TOML that `read_config` reads back to an equal configuration."""
        return tomli_w.dumps(self.model_dump())

    def settings(self) -> dict[str, Any]:
        """`section.key` -> value of every key, in order."""
        flat: dict[str, Any] = {}
        for name, value in self.model_dump().items():
            if isinstance(value, dict):
                flat |= {f"{name}.{key}": own for key, own in value.items()}
            else:
                flat[name] = value
        return flat


def shipped_recipes() -> dict[str, Path]:
    """The recipes inside the package by name, such as `imdb-fast` and `article/attention`."""
    folder = Path(str(resources.files("sentiment") / "configs"))
    paths = {str(path.relative_to(folder).with_suffix("")): path for path in folder.rglob("*.toml")}
    return dict(sorted(paths.items()))


def default_config_path() -> Path:
    """The configuration `train` uses when none is named."""
    return shipped_recipes()["imdb"]


def read_config(path: Path | None = None, overrides: Iterable[str] = ()) -> Config:
    """Read a TOML file, or the shipped recipe of that name, and apply overrides: `section.key=value`.

    None is the default recipe. Raises UsageError with every mistake in one line.
    """
    path = path or default_config_path()
    if not path.exists():
        path = shipped_recipes().get(str(path), path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        names = ", ".join(name for name in shipped_recipes() if "/" not in name)
        raise UsageError(f"no configuration at {path}; the recipes that ship are {names}") from None
    except IsADirectoryError:
        is_run = (path / "config.toml").exists()
        way = (
            f"go on with a run: sentiment train --resume --run {path}"
            if is_run
            else f"reviews: --data {path}"
        )
        raise UsageError(f"{path} is a folder; CONFIG is a file ({way})") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the configuration {path}: {error}") from None
    return parse_config(text, str(path), overrides)


def parse_config(text: str, origin: str, overrides: Iterable[str] = ()) -> Config:
    """Parse TOML text; `origin` names it in error messages."""
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{origin} is not TOML: {error}") from None
    mistakes = [mistake for override in overrides if (mistake := _apply(values, override))]
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        mistakes += [_describe(details) for details in error.errors()]
    if mistakes:
        raise UsageError(f"{origin}{' with --set' if overrides else ''}: " + "; ".join(mistakes))
    return config


def override(key: str, value: str | int) -> str:
    """`section.key=value` as `read_config` takes it, for a value of any characters."""
    return f"{key}={json.dumps(value, ensure_ascii=False)}"


def machine_settings(device: str, threads: int) -> MachineSettings:
    """The settings of that name and number; raises UsageError as `parse_config` does."""
    named = [override("machine.device", device), override("machine.threads", threads)]
    return parse_config("", "device and threads", named).machine


def _apply(values: dict[str, Any], override: str) -> str | None:
    """Set one `section.key=value` in place; return what is wrong with it, if anything."""
    name, equals, raw = override.partition("=")
    *sections, key = name.strip().split(".")
    if not equals or not key:
        return f"--set {override} is not of the form section.key=value"
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            return f"--set {override}: {section} is no section"
    values[key] = _parse_value(raw.strip())
    return None


def _parse_value(raw: str) -> Any:
    """Read a TOML value; what is none, such as a bare word or a path, is a string."""
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return raw


def _describe(details: Mapping[str, Any]) -> str:
    """Say in words what pydantic found at one place."""
    name = ".".join(str(part) for part in details["loc"])
    if details["type"] == "extra_forbidden":
        return f"{name} is unknown ({_nearest(details['loc'])})"
    message = details["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    return f"{name}: {message}, not {details['input']!r}" if name else message


def _nearest(location: tuple[str, ...]) -> str:
    """Name the valid key closest to a misspelt one: in its own section first, then anywhere."""
    names = {name: name.split(".") for name in key_names()}
    siblings = {key: name for name, (*section, key) in names.items() if section == list(location[:-1])}
    if len(location) == 1:
        siblings |= {section[0]: section[0] for section in names.values()}
    anywhere = {key: name for name, (*_, key) in names.items()}
    for candidates in (siblings, anywhere):
        if close := difflib.get_close_matches(str(location[-1]), candidates, n=1, cutoff=0.6):
            return f"did you mean {candidates[close[0]]}?"
    return "valid here: " + ", ".join((siblings or anywhere).values())


def key_names() -> list[str]:
    """Every key of the configuration, written `section.key`."""
    names = []
    for name, field in Config.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            names += [f"{name}.{key}" for key in section.model_fields]
        else:
            names.append(name)
    return names
