"""A classifier for scikit-learn: trains on texts in memory, and works in its pipelines and searches."""

import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from sentiment.config import Config, override, parse_config, read_config
from sentiment.data.given import GIVEN_SETTINGS, name_classes, open_given
from sentiment.data.labels import label_key
from sentiment.data.text import shorten
from sentiment.errors import DataError, Interrupted, UsageError
from sentiment.inference.inputs import open_texts
from sentiment.inference.lines import check_lines, number_texts
from sentiment.inference.predictor import Predictor
from sentiment.runs import find_run, run_path
from sentiment.runs.files import RunFiles
from sentiment.system.console import quiet
from sentiment.system.place import ONLY_PROCESS
from sentiment.training.run import train_run

PARAMETER_OF_KEY = {"seed": "random_state", "machine.device": "device", "machine.threads": "threads"}
# Threads of one process share torch's random numbers and its choice of kernels.
_one_training_at_a_time = threading.Lock()


class SentimentClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A sentiment model as an estimator of scikit-learn.

    `recipe` is a shipped recipe, the path of a TOML file, or a `Config`. `settings` changes it as `--set`
    does, such as `["training.epochs=3"]`. `device` and `threads` are those of `sentiment.load`; 0 threads are
    those of the recipe in a training. `random_state` is the seed: an int, a RandomState, or None for another
    model each time.

    After `fit`, `classes_` has the classes in order, and `predictor_` is the model as `sentiment.load` gives
    it. Wrong parameters and wrong data are a ValueError or a TypeError, as scikit-learn's tools expect.
    """

    _run_files: RunFiles
    _predictor: Predictor | None  # None after a pickle, until it is needed
    _names: list[str]

    def __init__(
        self,
        recipe: str | Path | Config = "small",
        *,
        settings: Sequence[str] = (),
        device: str = "auto",
        threads: int = 0,
        random_state: Any = 1,
    ) -> None:
        self.recipe = recipe
        self.settings = settings
        self.device = device
        self.threads = threads
        self.random_state = random_state

    @classmethod
    def from_run(cls, run: str | Path, device: str = "auto", threads: int = 0) -> Self:
        """Open a run as a fitted classifier; it takes and raises what `sentiment.load` does.

        `classes_` are the names of the run's classes. A clone trains with the configuration of the run.
        """
        path = find_run(run)
        predictor = Predictor.load(path, device, threads)
        config = predictor.config
        opened = cls(config, device=device, threads=threads, random_state=config.seed)
        opened.classes_ = np.unique(predictor.class_names)
        return opened._keep(RunFiles.read(path), predictor, opened.classes_.tolist())

    def fit(self, X: Iterable[str], y: Any) -> Self:
        """Train on texts and their labels: 2 to 50 classes, each a string, a whole number or a truth value.

        It is the training of `sentiment train`, in a temporary folder and without messages. Raises TypeError
        or ValueError for wrong texts, labels or parameters, MachineError and DivergedError as `train_run`.
        """
        with _value_errors():
            texts = [line.text for line in check_lines(number_texts(open_texts(X, "fit")))]
            classes, numbers_N = _read_labels(texts, y)
            names = name_classes(classes.tolist())
            config = self._configure()
            source = open_given(config.data, texts, numbers_N.tolist(), classes.tolist())
            with tempfile.TemporaryDirectory(prefix="sentiment-") as folder, _training():
                run = Path(folder) / "run"
                train_run(config, run, place=ONLY_PROCESS, source=source, can_resume=False)
                files, predictor = RunFiles.read(run), Predictor.load(run, self.device, self.threads)
        self.classes_ = classes
        return self._keep(files, predictor, names)

    def predict(self, X: Iterable[str]) -> np.ndarray:
        """Return the class of each text; a threshold that the run keeps decides between two classes.

        Raises NotFittedError before `fit`, and TypeError or ValueError for wrong texts.
        """
        predictor = self.predictor_
        with _value_errors():
            predictions = predictor.predict(X)
        labels = [predictor.decision.label(prediction.probabilities) for prediction in predictions]
        numbers_N = np.array([self._names.index(label) for label in labels], dtype=np.int64)
        found_N: np.ndarray = self.classes_[numbers_N]
        return found_N

    def predict_proba(self, X: Iterable[str]) -> np.ndarray:
        """float64 (N, K): the probability of each class, in the order of `classes_`.

        Raises what `predict` raises.
        """
        predictor = self.predictor_
        with _value_errors():
            probability_NK = predictor.predict_proba(X)
        return probability_NK[:, [predictor.class_names.index(name) for name in self._names]]

    def save(self, path: str | Path) -> None:
        """Write the fitted model as a run, which every command and `from_run` can open.

        A bare word is a name under `runs/`. Raises NotFittedError before `fit`, UsageError if something is
        there, MachineError if the folder cannot be written.
        """
        check_is_fitted(self)
        self._run_files.write(run_path(path))

    @property
    def predictor_(self) -> Predictor:
        """The fitted model. Raises NotFittedError before `fit`, and what `sentiment.load` raises."""
        check_is_fitted(self)
        if self._predictor is None:
            with tempfile.TemporaryDirectory(prefix="sentiment-") as folder:
                run = Path(folder) / "run"
                self._run_files.write(run)
                self._predictor = Predictor.load(run, self.device, self.threads)
        return self._predictor

    def _keep(self, files: RunFiles, predictor: Predictor, names: list[str]) -> Self:
        """Keep a fitted model; `names` are what the run calls `classes_`."""
        self._run_files = files
        self._predictor = predictor
        self._names = names
        return self

    def _configure(self) -> Config:
        """Return the configuration of a training; raises UsageError if a parameter is wrong."""
        own: dict[str, str | int] = {
            **GIVEN_SETTINGS,
            "machine.device": self.device,
            "machine.processes": 1,
            "seed": _choose_seed(self.random_state),
        }
        if self.threads:
            own["machine.threads"] = self.threads
        _check_settings(self.settings, own.keys())
        overrides = [*self.settings, *(override(key, value) for key, value in own.items())]
        if isinstance(self.recipe, Config):
            return parse_config(self.recipe.to_toml(), "recipe", overrides)
        return read_config(self.recipe, overrides)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a pickle holds: the files of the run, from which the model is loaded again."""
        state = dict(super().__getstate__())
        if "_predictor" in state:
            state["_predictor"] = None
        return state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def _read_labels(texts: Sequence[str], y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the different labels in order, and the number of each text's label."""
    if y is None:
        raise ValueError("SentimentClassifier requires y to be passed, but the target y is None")
    labels_N = column_or_1d(y, warn=True)
    check_consistent_length(texts, labels_N)
    for place, label in enumerate(labels_N.tolist(), start=1):
        if label_key(label) is None:
            raise DataError(f"review {place}: there is no label; remove it or give it one")
    check_classification_targets(labels_N)
    classes, numbers_N = np.unique(labels_N, return_inverse=True)
    return classes, numbers_N


def _check_settings(settings: Any, own: Collection[str]) -> None:
    """Raise UsageError unless these are strings that set none of a classifier's own keys."""
    is_list = isinstance(settings, Sequence) and not isinstance(settings, str)
    if not is_list or not all(isinstance(setting, str) for setting in settings):
        raise UsageError(f"settings takes a list of section.key=value, not {shorten(repr(settings))}")
    for setting in settings:
        key = setting.partition("=")[0].strip()
        if key in PARAMETER_OF_KEY:
            raise UsageError(f"settings cannot have {key}; give the parameter {PARAMETER_OF_KEY[key]}")
        if key in own:
            raise UsageError(f"settings cannot have {key}; fit sets it")


def _choose_seed(random_state: Any) -> int:
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


@contextmanager
def _value_errors() -> Iterator[None]:
    """Raise a ValueError for wrong data and parameters, as scikit-learn's tools expect."""
    try:
        yield
    except (DataError, UsageError) as error:
        raise ValueError(str(error)) from None


@contextmanager
def _training() -> Iterator[None]:
    """Train inside the block: without messages, alone, and without a change to the caller's random numbers.

    A stop by Ctrl-C is the KeyboardInterrupt that a Python caller expects.
    """
    try:
        with _one_training_at_a_time, quiet(), torch.random.fork_rng(devices=[]):
            yield
    except Interrupted as stop:
        if stop.exit_code == 130:
            raise KeyboardInterrupt from None
        raise
