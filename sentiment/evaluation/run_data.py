"""The reviews that a run is judged on, and whether they are its own data; a source is opened once."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from sentiment.config import Config
from sentiment.data.parts import TRAINING_SPLITS, Part, load_part, load_split
from sentiment.data.prepare import data_hash
from sentiment.data.reviews import ReviewSource
from sentiment.errors import DataError, SentimentError
from sentiment.inference.predictor import Predictor
from sentiment.runs.table_settings import table_settings
from sentiment.system.console import say
from sentiment.system.folders import expand_home


class RunData:
    """A source of reviews to judge a run on: `name`, or without a name the run's own data."""

    def __init__(self, predictor: Predictor, name: str | None = None, changes: Sequence[str] = ()) -> None:
        """Nothing is opened yet.

        `changes` are overrides such as `data.text_column=review` that say how to read the source.
        """
        self._predictor = predictor
        self._is_named = name is not None
        settings = table_settings(predictor.config, predictor.facts, name, changes)
        self.config: Config = predictor.config.with_data(settings)

    @property
    def name(self) -> str:
        """What the source is called."""
        return self.config.data.source

    @cached_property
    def source(self) -> ReviewSource:
        """The open source; raises DataError or MachineError if it is not there."""
        return ReviewSource(self.config.data)

    @cached_property
    def is_own(self) -> bool:
        """Whether the source is the run's own data or a copy: the same texts and labels in this order."""
        if not self._is_named:
            return True
        try:
            return self._has_own_reviews
        except SentimentError:
            return False

    def choose_part(self, split: str | None) -> Part:
        """Return the reviews to judge: `split`, by default test, or the only split of a named source.

        If the run's own data have no test split, the default is validation, and a line on stderr says so.
        `train` and `validation` of the run's own data are what it trained on and held out. A copy of the
        training data that is judged whole has the name `all`.
        Raises DataError if there is no such split, or if the run's own data have changed.
        """
        threads = self._predictor.machine.threads
        if not self._is_named:
            split = split or self._choose_own_split()
            if split in TRAINING_SPLITS:
                return self.own_part(split)
            return load_part(self.config, split, threads, self.source)
        if split == "test" and expand_home(self.name).is_file():
            split = None  # a file has one split, which is called train
        if split is not None and self.is_own:
            return self._load_own(split)
        part = load_split(self.config, split, threads, self.source)
        if part.name == "train" and self.is_own and self._predictor.facts["data"]["validation"]:
            part = replace(part, name="all")
        return part

    def _choose_own_split(self) -> str:
        """Return test, or validation if only that is there."""
        if "test" in self.source.labelled_splits or not self._predictor.facts["data"]["validation"]:
            return "test"
        say(f"{self.name} has no test split; judging the validation split")
        return "validation"

    def own_part(self, split: str) -> Part:
        """Return `train` or `validation` of the run's own data.

        Raises DataError if the source does not hold the reviews of the run, or splits them differently now.
        """
        if not self._has_own_reviews:
            raise DataError(
                f"{self.name} no longer holds the reviews that the run was started on; restore them, or name "
                "a copy with --data"
            )
        return self._load_own(split)

    @cached_property
    def _has_own_reviews(self) -> bool:
        return bool(data_hash(self.config, self.source) == self._predictor.facts["data"]["hash"])

    def _load_own(self, split: str) -> Part:
        """Return a split of the run's own reviews; raises DataError if their groups have changed."""
        part = load_part(self.config, split, self._predictor.machine.threads, self.source)
        started_on = self._predictor.facts["data"].get("split_hashes", {})
        if part.split_hash != started_on.get(split, part.split_hash):
            groups = self.config.data.group_column or self.config.data.own.group
            raise DataError(
                f"{self.name} has the reviews that the run was started on, but other groups "
                f"({groups}), so its {split} split would differ; restore them"
            )
        return part
