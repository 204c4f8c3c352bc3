"""Give the cases to a model, check its predictions, and count the cases that pass."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentiment.config.classes import CLASS_NAMES
from sentiment.data.labels import list_names
from sentiment.errors import CheckError, UsageError
from sentiment.evaluation.metrics import wilson_interval
from sentiment.probes.cases import FILES, NEWEST, Case, probe_set

if TYPE_CHECKING:
    from sentiment.inference.predictor import Prediction, Predictor


@dataclass(frozen=True)
class Failure:
    """A case that does not pass."""

    case: Case
    probabilities: tuple[float, ...]
    """The probability of positive for each text."""


@dataclass(frozen=True, kw_only=True)
class PassRate:
    """How many cases pass; shares are in [0, 1]."""

    cases: int
    passed: int
    share: float
    share_low: float
    """Lower end of the share's 95% interval (Wilson), as if all cases were independent."""
    share_high: float


@dataclass(frozen=True, kw_only=True)
class CapabilityResult(PassRate):
    """How many cases of one capability pass, and which do not."""

    name: str
    hard: bool
    """Whether a model is expected to fail here."""
    halves: dict[str, PassRate]
    """The cases of `open` and of `held_out` alone; empty in version 1."""
    failures: tuple[Failure, ...]
    """In the order of the cases."""


@dataclass(frozen=True)
class ProbeResult:
    """The result of `probe`."""

    version: int
    """The version of the cases: results of different versions cannot be compared."""
    capabilities: tuple[CapabilityResult, ...]

    def require(self, share: float) -> None:
        """Raise CheckError unless `share` of each capability's cases pass; hard capabilities do not count.

        Of a version with halves the held-out half is judged.
        """
        judged = {
            row.name: row.halves.get("held_out", row).share for row in self.capabilities if not row.hard
        }
        # With NaN nothing passes.
        below = [f"{name} {found:.1%}" for name, found in judged.items() if not found >= share]
        if below:
            halves = any(row.halves for row in self.capabilities)
            which = "held-out cases" if halves else "cases"
            raise CheckError(f"too few {which} pass: {', '.join(below)}; required: {share:.1%} of each")


def probe(predictor: "Predictor", version: int = NEWEST) -> ProbeResult:
    """Give every case of a version to a model, in a single call of its `predict`, and check the predictions.

    Raises UsageError unless its classes are negative and positive, or if there is no such version.
    """
    if version not in FILES:
        raise UsageError(f"the probe has no version {version} (found: {', '.join(map(str, FILES))})")
    if predictor.class_names != CLASS_NAMES:
        raise UsageError(
            "the probe has negative and positive texts, but the classes of the run are "
            f"{list_names(predictor.class_names)}"
        )
    probes = probe_set(version)
    texts = list(dict.fromkeys(text for case in probes.cases for text in case.texts))
    prediction_of = dict(zip(texts, predictor.predict(texts), strict=True))
    return ProbeResult(
        version=probes.version,
        capabilities=tuple(
            _check_capability(
                name, hard, [case for case in probes.cases if case.capability == name], prediction_of
            )
            for name, hard in probes.hard.items()
        ),
    )


def passes(case: Case, predictions: Sequence["Prediction"]) -> bool:
    """Whether a model's predictions of the texts of a case are as expected."""
    # As `eval` judges: a label may also be unreadable, or follow a threshold that was kept.
    if case.expected == "positive":
        return predictions[0].probability > 0.5
    if case.expected == "negative":
        return predictions[0].probability <= 0.5
    if case.expected == "neutral":
        return abs(predictions[0].probability - 0.5) <= case.tolerance
    if case.expected == "unreadable":
        return predictions[0].label == "unreadable"
    change = predictions[1].probability - predictions[0].probability
    falls_little = change >= -case.tolerance
    rises_little = change <= case.tolerance
    return {
        "not lower": falls_little,
        "not higher": rises_little,
        "same": falls_little and rises_little,
    }[case.expected]


def _check_capability(
    name: str, hard: bool, cases: Sequence[Case], prediction_of: dict[str, "Prediction"]
) -> CapabilityResult:
    failures = []
    for case in cases:
        predictions = [prediction_of[text] for text in case.texts]
        if not passes(case, predictions):
            failures.append(Failure(case, tuple(prediction.probability for prediction in predictions)))
    asked = Counter(case.half for case in cases)
    failed = Counter(failure.case.half for failure in failures)
    return CapabilityResult(
        **vars(_pass_rate(len(cases), len(failures))),
        name=name,
        hard=hard,
        halves={half: _pass_rate(count, failed[half]) for half, count in asked.items() if half},
        failures=tuple(failures),
    )


def _pass_rate(cases: int, failed: int) -> PassRate:
    passed = cases - failed
    low, high = wilson_interval(passed, cases)
    return PassRate(cases=cases, passed=passed, share=passed / cases, share_low=low, share_high=high)
