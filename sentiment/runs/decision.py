"""How a run turns probabilities into a label: the rule, and the file that keeps it next to the manifest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentiment.errors import RunError, UsageError
from sentiment.runs.locate import SHIPPED, hub_title
from sentiment.system import storage

DECISION_FILE = "decision.json"
DEFAULT_THRESHOLD = 0.5
UNSURE = "unsure"


@dataclass(frozen=True)
class Decision:
    """What decides a label: of two classes, `unsure` inside a range, else the second one above the threshold.

    Of more classes it is the likeliest one.
    """

    threshold: float = DEFAULT_THRESHOLD
    unsure: tuple[float, float] | None = None
    """The lowest and the highest probability that are called unsure."""

    def is_unsure(self, probability: float) -> bool:
        """Whether a probability is in the range of `unsure`."""
        return self.unsure is not None and self.unsure[0] <= probability <= self.unsure[1]

    @property
    def range_text(self) -> str:
        """The range of `unsure` as the option takes it, or nothing."""
        return "" if self.unsure is None else f"{self.unsure[0]:g}:{self.unsure[1]:g}"

    def label(self, probabilities: Mapping[str, float]) -> str:
        """Return the name of a class, or unsure; `probabilities` are those of the classes, in their order."""
        if len(probabilities) > 2:
            return max(probabilities, key=probabilities.__getitem__)
        first, second = probabilities
        if self.is_unsure(probabilities[second]):
            return UNSURE
        return second if probabilities[second] > self.threshold else first


def read_decision(run: Path) -> Decision | None:
    """Return the decision that was kept for a run, or None; raises RunError if its file is damaged."""
    path = run / DECISION_FILE
    if not path.exists():
        return None
    content = storage.read_bytes(path, RunError, True, limit=storage.JSON_LIMIT)
    threshold = storage.load_json(content, path, RunError).get("threshold")
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
        raise RunError(f"{path} is damaged: it has no threshold from 0 to 1; remove it or keep a new one")
    return Decision(float(threshold))


def keep_threshold(run: Path, threshold: float, chosen: str) -> Path:
    """Write the threshold that `predict` uses from now on, and how it was chosen; return the file.

    The manifest does not list the file: the run stays as it was trained. Raises UsageError for the shipped
    model and MachineError if the file cannot be written.
    """
    require_keepable(run)
    path = run / DECISION_FILE
    record: dict[str, Any] = {"threshold": threshold, "chosen": chosen}
    storage.write_file(path, storage.dump_json(record))
    return path


def require_two_classes(names: Sequence[str], option: str) -> None:
    """Raise UsageError, which names the option, if a run does not have two classes."""
    if len(names) != 2:
        raise UsageError(
            f"{option} needs two classes, but the run has {len(names)}: the label is the likeliest class"
        )


def require_keepable(run: Path) -> None:
    """Raise UsageError if a run is the shipped model or a copy of the hub's, which stay as they are."""
    if run.resolve() == SHIPPED.resolve() or hub_title(run):
        name = "the shipped model" if hub_title(run) is None else "a run of the hub"
        raise UsageError(f"a threshold cannot be kept for {name}; type it each time: predict --threshold P")
