"""Put the cases to a model, judge what it says, and count what holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentiment.errors import CheckError
from sentiment.evaluation.metrics import wilson_interval
from sentiment.evaluation.probes.cases import Case, probe_set

if TYPE_CHECKING:
    from sentiment.inference.predictor import Prediction, Predictor


@dataclass(frozen=True)
class Failure:
    """A case that does not hold."""

    case: Case
    probabilities: tuple[float, ...]
    """Of positive, one a text."""


@dataclass(frozen=True)
class CapabilityResult:
    """How many cases of one capability hold; shares lie in [0, 1]."""

    name: str
    hard: bool
    """Whether a model is expected to fail here."""
    cases: int
    passed: int
    share: float
    share_low: float
    """Lower end of the share's 95% interval (Wilson), as if no two cases were alike."""
    share_high: float
    failures: tuple[Failure, ...]
    """In the order of the cases."""


@dataclass(frozen=True)
class ProbeResult:
    """What `probe` finds."""

    version: int
    """Of the cases: figures of different versions do not compare."""
    capabilities: tuple[CapabilityResult, ...]

    def require(self, share: float) -> None:
        """Raise CheckError unless `share` of each capability's cases hold; hard ones do not count."""
        below = [
            f"{found.name} {found.share:.1%}"
            for found in self.capabilities
            if not found.hard and not found.share >= share  # so that nothing passes where `share` is NaN
        ]
        if below:
            raise CheckError(f"too few cases hold: {', '.join(below)}; {share:.1%} of each were asked for")


def probe(predictor: "Predictor") -> ProbeResult:
    """Put every case to a model, in a single call of its `predict`, and judge what it says."""
    probes = probe_set()
    texts = list(dict.fromkeys(text for case in probes.cases for text in case.texts))
    said = dict(zip(texts, predictor.predict(texts), strict=True))
    return ProbeResult(
        probes.version,
        tuple(
            _judge_capability(name, hard, [case for case in probes.cases if case.capability == name], said)
            for name, hard in probes.hard.items()
        ),
    )


def holds(case: Case, predictions: Sequence["Prediction"]) -> bool:
    """Whether a model's predictions of the texts of a case are as expected."""
    if case.expected in ("positive", "negative"):
        return predictions[0].label == case.expected
    change = predictions[1].probability - predictions[0].probability
    falls_little = change >= -case.tolerance
    rises_little = change <= case.tolerance
    return {
        "not lower": falls_little,
        "not higher": rises_little,
        "same": falls_little and rises_little,
    }[case.expected]


def _judge_capability(
    name: str, hard: bool, cases: Sequence[Case], said: dict[str, "Prediction"]
) -> CapabilityResult:
    failures = []
    for case in cases:
        predictions = [said[text] for text in case.texts]
        if not holds(case, predictions):
            failures.append(Failure(case, tuple(prediction.probability for prediction in predictions)))
    passed = len(cases) - len(failures)
    low, high = wilson_interval(passed, len(cases))
    return CapabilityResult(name, hard, len(cases), passed, passed / len(cases), low, high, tuple(failures))
