"""The run folder: everything a run is, written whole or not at all, verified when it is read."""

from sentiment.runs.checkpoints import Checkpoint
from sentiment.runs.folder import RunFolder
from sentiment.runs.locate import SHIPPED, find_run, is_run, newest_finished, run_path, run_title
from sentiment.runs.reader import FinishedRun, read_metrics, read_run

__all__ = [
    "SHIPPED",
    "Checkpoint",
    "FinishedRun",
    "RunFolder",
    "find_run",
    "is_run",
    "newest_finished",
    "read_metrics",
    "read_run",
    "run_path",
    "run_title",
]
