"""Train, judge and use an exact, fast LSTM sentiment model for reviews.

import sentiment
model = sentiment.load()  # the shipped model; sentiment.load("newest") is the newest run
model.predict(["This film is not terrible, it's great!"])

What `__all__` lists is the public interface; docs/python.md shows how to use it. Names are imported when they
are first used, because torch takes seconds. `import sentiment` itself sets variables that torch reads
(system/environment.py) if they have no value, and registers what keeps forked processes from hanging.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sentiment.system.environment import set_defaults
from sentiment.system.threads import watch_forks

if TYPE_CHECKING:
    from pathlib import Path

    from sentiment.config import Config, read_config
    from sentiment.errors import (
        CheckError,
        DataError,
        DivergedError,
        InputError,
        MachineError,
        RunError,
        SentimentError,
        UsageError,
    )
    from sentiment.estimator import SentimentClassifier
    from sentiment.evaluation.judge import score_run
    from sentiment.evaluation.probe import probe
    from sentiment.explain.explanation import Explanation, explain_reviews
    from sentiment.explain.page import explanation_page
    from sentiment.exporting.run import export_onnx
    from sentiment.inference.inputs import to_dicts
    from sentiment.inference.predictor import Prediction, Predictor
    from sentiment.report import write_report
    from sentiment.sharing import push_run
    from sentiment.system.versions import __version__
    from sentiment.training.run import resume_run, train_run

__all__ = [
    "CheckError",
    "Config",
    "DataError",
    "DivergedError",
    "Explanation",
    "InputError",
    "MachineError",
    "Prediction",
    "Predictor",
    "RunError",
    "SentimentClassifier",
    "SentimentError",
    "UsageError",
    "__version__",
    "explain_reviews",
    "explanation_page",
    "export_onnx",
    "load",
    "probe",
    "push_run",
    "read_config",
    "resume_run",
    "score_run",
    "to_dicts",
    "train_run",
    "write_report",
]

set_defaults()
watch_forks()

_MODULES = {
    "sentiment.config": ("Config", "read_config"),
    "sentiment.errors": (
        "CheckError",
        "DataError",
        "DivergedError",
        "InputError",
        "MachineError",
        "RunError",
        "SentimentError",
        "UsageError",
    ),
    "sentiment.estimator": ("SentimentClassifier",),
    "sentiment.evaluation.judge": ("score_run",),
    "sentiment.evaluation.probe": ("probe",),
    "sentiment.explain.explanation": ("Explanation", "explain_reviews"),
    "sentiment.explain.page": ("explanation_page",),
    "sentiment.exporting.run": ("export_onnx",),
    "sentiment.inference.inputs": ("to_dicts",),
    "sentiment.inference.predictor": ("Prediction", "Predictor"),
    "sentiment.report": ("write_report",),
    "sentiment.sharing": ("push_run",),
    "sentiment.system.versions": ("__version__",),
    "sentiment.training.run": ("resume_run", "train_run"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def load(run: "str | Path" = "shipped", device: str = "auto", threads: int = 0) -> "Predictor":
    """Open the shipped model or a finished run.

    `run` is `shipped`, `newest`, the name of a run under `runs/`, a path with a slash, or a run of the hub,
    `hf://user/name@revision`; a `Path` is a path.
    `threads` is how many CPU threads it computes with; 0 takes OMP_NUM_THREADS if it is set, else
    `torch.get_num_threads()`. A process that was forked after torch was imported computes with one.
    Raises RunError if there is no such run or it is damaged, UsageError if the name is empty or no device is
    called so, MachineError if the device is not there.
    """
    from sentiment.inference.predictor import Predictor
    from sentiment.runs import find_run

    return Predictor.load(find_run(run), device, threads)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in _MODULE_OF:
            return getattr(import_module(_MODULE_OF[name]), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
