"""Every key of the configuration, typed, section by section.

A field's docstring is its help text: it is written once, here.
"""

import codecs
import re
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import Field, PrivateAttr, field_validator, model_validator

from sentiment.config.classes import parse_classes
from sentiment.config.evidence import EvidenceSettings
from sentiment.config.lessons import LessonSettings
from sentiment.config.model import ModelSettings
from sentiment.config.own_table import OwnTable
from sentiment.config.section import Section
from sentiment.errors import UsageError

CONFIG_CHARACTERS = 2**16
"""The longest configuration that is read. All keys with usual values have about 3,000 characters."""
CONFIG_BYTES = 4 * CONFIG_CHARACTERS
# What is true of one table only.
TABLE_KEYS = ("classes", "encoding", "quoting", "no_header", "skip_bad_rows")


class DataSettings(Section):
    """Where the reviews come from, and how the validation split is chosen."""

    source: str = "stanfordnlp/imdb"
    """A file (csv, tsv, json, jsonl, parquet, arrow, xlsx or txt, most of them also with `.gz`), a folder (a
    file for each split, `pos` and `neg`, `save_to_disk`, or the layout of the hub), a name on the hub such as
    `owner/name` or `glue:sst2@revision`, or the bundled `sample` or `phrases`."""
    text_column: str = "text"
    """The column with the text of a review. If there is no column `text`, usual names such as `review` are
    tried (docs/data.md)."""
    label_column: str = "label"
    """The column with the label. If there is no column `label`, usual names such as `sentiment` are tried."""
    group_column: str = "film"
    """The column with the subject of a review, such as its film. Train and validation share no group."""
    encoding: str = ""
    """The encoding of text files, such as `cp1252`. Empty to recognise it by their bytes."""
    quoting: Literal["auto", "none"] = "auto"
    """What a double quote is in csv and tsv: `auto` reads fields in quotes, `none` takes every quote as a
    character."""
    no_header: bool = False
    """Whether the first row of csv and tsv is a review. The columns are then called `1`, `2` and so on."""
    classes: str = ""
    """Which labels are of which class, such as `negative=1,2 positive=4,5`. Rows with other labels are left
    out. A label with a comma or a space is quoted as in csv. Empty to take the usual pairs, such as 0 and 1,
    for negative and positive, and of other labels each one for a class, 2 to 50 of them."""
    skip_bad_rows: bool = False
    """Whether rows without a text or a label are left out. Otherwise they are an error."""
    validation: Literal["auto", "own", "group", "blocks", "random", "none"] = "auto"
    """How reviews are held out for validation: `own` takes the source's validation split, `group` holds out
    whole groups, `blocks` runs of neighbours, `random` single reviews. `auto` takes the first of `own`,
    `group` and `blocks` that is possible. `none` holds out nothing and trains to the last epoch."""
    validation_share: float = Field(0.1, gt=0, lt=1)
    """The share of the training reviews that is held out for validation."""
    extra: str = ""
    """A file of more labelled texts to learn from, which are never used to judge; or `phrases`, the bundled
    short texts of negation and contrast. Empty for none."""
    rehearse: str = ""
    """A source of the reviews that the run named by `start.run` was trained on. As many of them as there are
    training reviews are learned again, so that less is forgotten. Empty for none."""
    exclude: str = ""
    """A file with the positions of reviews to leave out of training and validation: one in each line, counted
    from 0 in the split `train`; or a csv file with the column `position`. Empty for none."""
    limit: int = Field(0, ge=0)
    """The most reviews of the split `train` that are used, for a first try: whole groups, drawn by `seed`, as
    many of each class. Unlabelled reviews are cut to the same share. 0 for all."""
    _own: OwnTable | None = PrivateAttr(default=None)

    @field_validator("classes")
    @classmethod
    def _check_classes(cls, classes: str) -> str:
        parse_classes(classes)
        return classes

    @property
    def is_judged(self) -> bool:
        """Whether these settings are for a table that a run judges, not for one to train on."""
        return self._own is not None

    @property
    def own(self) -> OwnTable:
        """What the run knows of its own table, if these settings are for another one."""
        return self._own or OwnTable()

    def for_another_table(self, own: OwnTable, **changes: Any) -> Self:
        """Settings of this source as a table that was not made for the run: its own names are not required.

        `changes` are keys to set all the same.
        """
        columns = {"text_column": "", "label_column": "", "group_column": ""}
        usual = {key: type(self).model_fields[key].default for key in TABLE_KEYS}
        return self.judged_by(own, **{**usual, **columns, **changes})

    def judged_by(self, own: OwnTable, **changes: Any) -> Self:
        """Settings of this source for a run that knows its own table; `changes` are other keys to set."""
        settings = self.model_copy(update=changes)
        settings._own = own
        return settings

    @field_validator("encoding")
    @classmethod
    def _check_encoding(cls, encoding: str) -> str:
        try:
            if encoding:
                codecs.lookup(encoding)
        except LookupError:
            raise ValueError("must be an encoding that Python knows, such as utf-8 or cp1252") from None
        return encoding


class StartSettings(Section):
    """What a training starts from."""

    run: str = ""
    """The finished run whose words, weights and n-grams are taken over: `shipped`, a name under runs/, or a
    path with a slash. How texts are read, and the network, are then as that run has them. Empty to start from
    nothing."""


class TextSettings(Section):
    """How a review is read before it becomes words, and how much of it."""

    head: int = Field(100, ge=0)
    """A longer review than head + tail tokens keeps its first `head` tokens ..."""
    tail: int = Field(300, ge=0)
    """... and its last `tail` tokens. With head = 0 and tail = 0 every review is read whole."""
    language: str = "en"
    """The language whose rules cut a text into words: a code that spaCy knows, such as `en`, `de` or `fr`.
    `zh` cuts between all characters. `ja`, `ko`, `th` and `vi` need another package."""
    rules: Literal[1, 2] = 2
    """The version of the rules below. A run keeps the version that it was trained with. Version 1, before
    this key existed, changed `<br />` and white space only."""
    quotes: bool = True
    """Whether curly quotes and long dashes become the plain ones of a keyboard."""
    nfc: bool = True
    """Whether a letter and its accent become one character (Unicode's form NFC)."""
    entities: bool = True
    """Whether HTML entities such as `&amp;` become the characters that they name."""
    tags: bool = True
    """Whether HTML tags are removed. `<3` and `a < b` are no tags. `<br />` is always removed."""
    invisible: bool = True
    """Whether invisible characters are removed. Those that join emoji or Persian letters stay."""

    @field_validator("language")
    @classmethod
    def _check_language(cls, language: str) -> str:
        if not re.fullmatch(r"[a-z]{2,3}", language):
            raise ValueError("must be a code of two or three letters, such as en, de or zh")
        return language


class VocabularySettings(Section):
    """Which words get their own embedding."""

    size: int = Field(25_000, ge=1)
    """How many words to keep: the most frequent ones of the training reviews."""
    min_frequency: int = Field(2, ge=1)
    """A word that is rarer than this is unknown to the model."""
    lower: bool = True
    """Whether `Great` and `great` are one word."""
    misspelt: bool = False
    """Whether an unknown word that is a slip of a known one is read as that one: `beautifull` as `beautiful`,
    `sooo` as `so`. A slip is a letter typed three times or more, doubled or not doubled by mistake, or
    swapped with its neighbour; from seven letters on also a wrong vowel, or a letter too many or missing. The
    first letter is never one. For words of the letters a to z."""
    vectors: str = ""
    """Word vectors to start from: a text file, or a name such as `glove.6B.100d`. Empty for none."""


class BatchSettings(Section):
    """How many reviews make one training step."""

    tokens: int = Field(8_192, ge=1)
    """A batch holds as many reviews of similar length as fit into this many tokens, padding included ..."""
    reviews: int = Field(0, ge=0)
    """... and at most this many reviews; 0 for no such limit."""


MOST_WORDS_OF_EVIDENCE = 2_000_000  # three of them make one key of 63 bits


class PretrainingSettings(Section):
    """What embedding and LSTM learn as a language model, before they see a label."""

    epochs: int = Field(0, ge=0)
    """Passes over the training reviews and the unlabelled ones (the split `unsupervised`, if the source has
    it); 0 for none."""
    learning_rate: float = Field(2e-3, gt=0)
    """AdamW's highest learning rate; it rises and falls as in `training`."""
    samples: int = Field(512, ge=0)
    """How many wrong words each right next word is compared with. More are slower and closer to the full
    softmax. 0 compares with every word: the full softmax, for a GPU."""


class TrainingSettings(Section):
    """How the weights are learned."""

    epochs: int = Field(5, ge=1)
    """Passes over the training reviews."""
    learning_rate: float = Field(1e-3, gt=0)
    """AdamW's highest learning rate."""
    weight_decay: float = Field(0.01, ge=0)
    """AdamW's decoupled weight decay."""
    warmup: float = Field(0.1, ge=0, lt=1)
    """Share of the training in which the learning rate rises. Then it falls along a cosine to zero."""
    clip_norm: float = Field(1.0, gt=0)
    """The gradient is scaled down to this L2 norm if it is longer."""
    adversarial: float = Field(0.0, ge=0)
    """Each step on labels is repeated with the embeddings moved against the model, by this share of their L2
    norm; 0 for none. It doubles the time of a step."""
    members: int = Field(1, ge=1, le=16)
    """Number of classifiers. They are trained one after the other, each with its own seed and pretraining,
    and their logits are averaged."""
    class_weight: Literal["none", "balanced"] = "none"
    """How much a review of each class counts in the loss: all the same, or `balanced`, which gives every
    class the same sum of weights over the training reviews, so that a rare class is not overlooked."""
    average: float = Field(0.0, ge=0, lt=1)
    """Decay of the running average of the weights. The average is judged and kept; with 0, the weights
    themselves."""
    patience: int = Field(3, ge=1)
    """Training ends after this many epochs without a better validation loss."""
    checkpoint_steps: int = Field(200, ge=1)
    """Steps between two checkpoints. One is also written after each epoch."""


class SelfTrainingSettings(Section):
    """A second training that also learns from unlabelled reviews: the first model labels them.

    Everything else is as in `training`, without adversarial steps.
    """

    epochs: int = Field(0, ge=0)
    """Passes over the training reviews and the unlabelled ones (the split `unsupervised`, if the source has
    it); 0 for none."""


class CalibrationSettings(Section):
    """How a model that is too sure of itself, or not sure enough, is corrected."""

    temperature: bool | Literal["auto"] = "auto"
    """Whether logits are divided by the number that makes the validation loss lowest. No label changes.
    `auto`: only for three or more classes, if the model is too sure, and at least 50 reviews are held out."""
    short_texts: Annotated[float, Field(ge=0, le=1000)] | Literal["auto"] = 0.0
    """How much less sure the model is of short texts: the logits of a text of n tokens are multiplied by
    n / (n + this). No label changes. `auto`: the number that makes the loss lowest on validation reviews and
    their first sentences, if at least 50 English reviews are held out."""


class LoggingSettings(Section):
    """What is written about a training, in addition to metrics.jsonl."""

    report: bool = False
    """Whether `sentiment train` writes a page about the finished run into its folder: report.html, about the
    reviews that were held out, as `sentiment report` makes it."""
    tensorboard: bool = False
    """Whether curves are written as event files into the run's folder `tensorboard`. Needs a package:
    `pip install "lstm-sentiment[tensorboard]"`."""


class MachineSettings(Section):
    """Device, threads, processes and precision."""

    device: str = "auto"
    """`auto` (the first GPU, else the CPU), `cpu`, `cuda`, `cuda:N` or `mps`."""
    threads: int = Field(0, ge=0, le=1_024)
    """CPU threads of all processes together. 0 takes `OMP_NUM_THREADS` if it is set, else every core that the
    command may use; from Python, else `torch.get_num_threads()`."""
    processes: int = Field(1, ge=0, le=64)
    """Processes that train together. Each gets a share of every batch and of the threads. 0 takes two on a
    CPU with at least two threads, where two are faster, else one."""
    precision: Literal["auto", "float32", "bfloat16"] = "float32"
    """What the network trains in. `bfloat16` trains it under autocast, on a CUDA device or a CPU that has
    instructions for it; weights, judging and predicting stay in float32. `auto` is `bfloat16` where that is
    known to be faster; the run keeps the choice."""

    @field_validator("device")
    @classmethod
    def _check_device(cls, device: str) -> str:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?|mps", device):
            raise ValueError("must be auto, cpu, cuda, cuda:N or mps")
        return device


class Config(Section):
    """The whole configuration of a run."""

    seed: int = Field(1, ge=0, lt=2**31)
    """The seed of every random choice of the run."""
    data: DataSettings = DataSettings()
    start: StartSettings = StartSettings()
    text: TextSettings = TextSettings()
    vocabulary: VocabularySettings = VocabularySettings()
    batches: BatchSettings = BatchSettings()
    model: ModelSettings = ModelSettings()
    pretraining: PretrainingSettings = PretrainingSettings()
    training: TrainingSettings = TrainingSettings()
    self_training: SelfTrainingSettings = SelfTrainingSettings()
    lessons: LessonSettings = LessonSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    calibration: CalibrationSettings = CalibrationSettings()
    logging: LoggingSettings = LoggingSettings()
    machine: MachineSettings = MachineSettings()

    @model_validator(mode="after")
    def _check_conflicts(self) -> Self:
        model, evidence = self.model, self.evidence
        errors = []
        if self.pretraining.epochs and (model.encoder, model.layers) != ("stacked", 1):
            errors.append(
                "pretraining.epochs needs model.encoder=stacked and model.layers=1 (a second layer would see "
                "the words it has to predict)"
            )
        if self.calibration.temperature is True and self.data.validation == "none":
            errors.append("calibration.temperature needs reviews held out: change data.validation=none")
        if self.start.run and self.vocabulary.vectors:
            errors.append("start.run has its own word vectors: change vocabulary.vectors")
        if self.data.rehearse and not self.start.run:
            errors.append("data.rehearse needs a run to start from: start.run, or --from RUN")
        if evidence.unlabelled and not evidence.weight:
            errors.append("evidence.unlabelled needs evidence.weight above 0")
        for key in ("phrases", "lessons"):
            if getattr(evidence, key) and not evidence.weight:
                errors.append(f"evidence.{key} needs evidence.weight above 0")
        if evidence.lessons and not self.lessons.are_on:
            errors.append("evidence.lessons needs lessons: a key of the section lessons above 0")
        if self.lessons.unlabelled and not self.self_training.epochs:
            errors.append("lessons.unlabelled needs self_training.epochs above 0")
        if evidence.weight and model.views:
            errors.append(f"evidence.weight needs words, but model.encoder={model.encoder} reads channels")
        if evidence.weight and self.vocabulary.size > MOST_WORDS_OF_EVIDENCE:
            errors.append(f"evidence.weight needs vocabulary.size of at most {MOST_WORDS_OF_EVIDENCE:,}")
        if errors:
            raise ValueError("; ".join(errors))
        return self

    @property
    def reads_unlabelled(self) -> bool:
        """Whether a training reads the split `unsupervised`, if the source has it."""
        asked = (self.pretraining.epochs, self.self_training.epochs, self.evidence.unlabelled)
        return any(asked) or self.lessons.are_on

    def with_source(self, source: str) -> Self:
        """The same configuration with another source of reviews."""
        return self.with_data(self.data.model_copy(update={"source": source}))

    def with_data(self, data: DataSettings) -> Self:
        """The same configuration with other settings of the data."""
        return self.model_copy(update={"data": data})

    def with_text(self, **changes: Any) -> Self:
        """The same configuration with other keys of the section `text`."""
        return self.model_copy(update={"text": self.text.model_copy(update=changes)})

    def to_toml(self) -> str:
        """Every key with its value, as TOML; `parse_config` reads it back to an equal configuration.

        Raises UsageError if it is too long to be read back.
        """
        text = tomli_w.dumps(self.model_dump())
        if len(text) > CONFIG_CHARACTERS:
            raise UsageError(
                f"the configuration has {len(text):,} characters, more than {CONFIG_CHARACTERS:,}; shorten "
                "the longest value"
            )
        return text

    def settings(self) -> dict[str, Any]:
        """Map every key, written `section.key`, to its value, in order."""
        flat: dict[str, Any] = {}
        for name, value in self.model_dump().items():
            if isinstance(value, dict):
                flat |= {f"{name}.{key}": own for key, own in value.items()}
            else:
                flat[name] = value
        return flat


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
