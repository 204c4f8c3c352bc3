"""What a worker does: load the model once, then predict file after file as `predict --file --out` does."""

import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentiment.bulk.plan import Shard
from sentiment.bulk.progress import Counts, describe_file, finish_shard
from sentiment.errors import DataError, RunError, SentimentError
from sentiment.inference.predictor import Predictor
from sentiment.inference.tables import predict_table
from sentiment.runs.decision import Decision
from sentiment.runs.table_settings import table_settings
from sentiment.system import storage
from sentiment.system.console import quiet


@dataclass(frozen=True)
class Job:
    """All that decides what a worker writes."""

    run: Path
    model: str
    """The fingerprint of the run: every worker must load the same."""
    decision: Decision
    table: tuple[str, ...] = ()
    """How tables are read, as overrides of the configuration."""
    strict: bool = False
    device: str = "cpu"
    threads: int = 1


@dataclass(frozen=True)
class Report:
    """What became of one file."""

    counts: Counts
    error: str = ""
    """Why it could not be predicted; empty if it was."""
    error_type: str = ""
    """The name of a class in sentiment.errors."""
    notes: Sequence[str] = ()
    """What the program says while it reads the file, such as which column has the texts."""


class Worker:
    """Predicts files with one loaded model."""

    def __init__(self, job: Job) -> None:
        """Load the model; raises RunError if this machine has another one at its path."""
        if fingerprint_run(job.run) != job.model:
            raise RunError(f"{job.run} is another model on this worker; put the run where all workers see it")
        with quiet():
            self._predictor = Predictor.load(job.run, job.device, job.threads)
        self._predictor.decision = job.decision
        self._job = job

    def predict(self, shard: Shard) -> Report:
        """Predict a file and record that it is finished; the report has the error, so that others go on."""
        try:
            if not shard.source.exists():
                raise DataError(f"{shard.source} is not on this worker; use a folder that all workers see")
            state = describe_file(shard.source)
            with redirect_stderr(io.StringIO()) as notes:
                counts = self._predict(shard.source, shard.target)
            finish_shard(shard, state, counts)
            return Report(counts, notes=notes.getvalue().splitlines())
        except SentimentError as error:
            return report_error(error)
        except Exception as error:
            return Report(
                Counts(), f"a bug of ours: {type(error).__name__}: {error}", SentimentError.__name__
            )

    def _predict(self, source: Path, target: Path) -> Counts:
        predictor, job = self._predictor, self._job
        with storage.machine_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        settings = table_settings(predictor.config, predictor.facts, str(source), job.table)
        written = predict_table(predictor, source, settings, target, strict=job.strict)
        return Counts(written.rows, dict(written.labels), written.flaws)


def report_error(error: SentimentError) -> Report:
    """Return the report of a file that could not be predicted."""
    kinds = (kind.__name__ for kind in type(error).__mro__ if kind.__module__ == SentimentError.__module__)
    return Report(Counts(), str(error), next(kinds))


def fingerprint_run(run: Path) -> str:
    """Return the hash of a run's manifest, which has the hash of each of its files."""
    content = storage.read_bytes(run / storage.MANIFEST, RunError, True, limit=storage.MANIFEST_LIMIT)
    return str(storage.fingerprint(content)["sha256"])


def describe_job(job: Job) -> Mapping[str, Any]:
    """Return what the record of progress keeps of a job: what changes the predictions, not how they run."""
    return {
        "model": job.model,
        "threshold": job.decision.threshold,
        "unsure": list(job.decision.unsure) if job.decision.unsure else None,
        "table": list(job.table),
        "strict": job.strict,
    }
