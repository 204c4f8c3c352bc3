"""What GET /model tells about a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sentiment.errors import RunError
from sentiment.inference.predictor import Predictor
from sentiment.runs import run_title
from sentiment.system import storage
from sentiment.system.versions import library_versions

FIGURES = (
    "reviews",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "loss",
    "f1",
    "macro_f1",
    "roc_auc",
    "calibration_error",
)


def describe_model(path: Path, predictor: Predictor) -> dict[str, Any]:
    """Return the name, hash, classes and figures of a run; raises RunError if its manifest has gone."""
    manifest = storage.read_bytes(path / storage.MANIFEST, RunError, True)
    classes = list(predictor.class_names)
    return {
        "name": run_title(path),
        "hash": storage.fingerprint(manifest)["sha256"],
        "classes": classes,
        "threshold": predictor.decision.threshold if len(classes) == 2 else None,
        "trained_on": predictor.facts.get("data", {}).get("train"),
        "figures": _validation_figures(predictor.facts.get("result", {})),
        "version": library_versions()["sentiment"],
    }


def _validation_figures(result: Mapping[str, Any]) -> dict[str, float] | None:
    judged = result.get("validation")
    if not isinstance(judged, Mapping):
        return None
    return {name: judged[name] for name in FIGURES if judged.get(name) is not None}
