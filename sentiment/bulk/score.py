"""Predict many files into a folder; what is finished stays there when a command is killed and typed again."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sentiment import errors
from sentiment.bulk.plan import Shard, find_shards
from sentiment.bulk.progress import Counts, is_finished, open_progress, read_counts
from sentiment.bulk.ray_engine import Workers, check_address, predict_shards
from sentiment.bulk.worker import Job, Report, describe_job
from sentiment.data.text import shorten
from sentiment.errors import Interrupted, MachineError, SentimentError
from sentiment.inference.tables import NAMED_ROWS, Written
from sentiment.system.console import progress_bar, say

NAMED_FILES = 3
RESUME = "type the same command again for the rest, without --force"


@dataclass(frozen=True)
class Scored:
    """What was written, by this command and by those before it."""

    files: int
    written: Written


def score_files(pattern: str, out: Path, job: Job, workers: Workers, *, force: bool = False) -> Scored:
    """Predict the files of a pattern, folder or name into the folder `out`, each as `predict_table` does.

    Files that a command before has finished are left as they are. Raises an error that says how many files
    could not be predicted, after all others; those are tried again by the next command.
    """
    check_address(workers.address)
    out = out.resolve()
    shards = find_shards(pattern, out)
    with open_progress(out, dict(describe_job(job)), shards, force=force):
        waiting = [shard for shard in shards if not is_finished(shard)]
        if len(waiting) < len(shards):
            say(f"{len(shards) - len(waiting):,} of {len(shards):,} files are finished already")
        reports = _predict(job, shards, waiting, workers)
        _require_all(reports, waiting, len(shards))
        return Scored(len(shards), _add_up(map(read_counts, shards)))


def _predict(
    job: Job, shards: Sequence[Shard], waiting: Sequence[Shard], workers: Workers
) -> Mapping[Shard, Report]:
    """Predict the files that wait, and return the reports; say how to resume if a signal stops it."""
    reports: dict[Shard, Report] = {}
    try:
        with progress_bar("predicting", len(shards), "files", len(shards) - len(waiting)) as bar:
            for shard, report in predict_shards(job, waiting, workers) if waiting else ():
                for note in () if reports else report.notes:
                    say(note)
                reports[shard] = report
                bar.update()
    except Interrupted:
        finished = sum(map(is_finished, shards))
        say(f"{finished:,} of {len(shards):,} files are finished; {RESUME}")
        raise
    return reports


def _require_all(reports: Mapping[Shard, Report], waiting: Sequence[Shard], total: int) -> None:
    """Raise an error if some files could not be predicted, of the type of the first."""
    failed = {shard: report for shard, report in reports.items() if report.error}
    missing = [shard for shard in waiting if shard not in reports]
    if not failed and not missing:
        return
    for report in list(failed.values())[:NAMED_FILES]:
        say(f"not predicted: {report.error}")
    for shard in missing[:NAMED_FILES]:
        say(f"not predicted: {shard.source}: it ended every worker that read it (out of memory?)")
    first = next(iter(failed.values()), None)
    error_type = getattr(errors, first.error_type) if first else MachineError
    assert issubclass(error_type, SentimentError)
    count = len(failed) + len(missing)
    raise error_type(
        f"{count:,} of {total:,} files could not be predicted; the others are finished. Mend or remove "
        f"{shorten(str((*failed, *missing)[0].source))}, and {RESUME}"
    )


def _add_up(all_counts: Iterable[Counts]) -> Written:
    labels: Counter[str] = Counter()
    flaws: list[str] = []
    rows = 0
    for counts in all_counts:
        rows += counts.rows
        labels.update(counts.labels)
        flaws += counts.flaws
    return Written(rows, labels, flaws[:NAMED_ROWS])
