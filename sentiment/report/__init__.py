"""Write one page about a trained model: how good it is, where it is wrong and why, how it was trained.

from pathlib import Path
import sentiment
sentiment.write_report(["imdb-1"], Path("report.html"))
"""

from collections.abc import Sequence
from pathlib import Path

__all__ = ["write_report"]


def write_report(
    runs: Sequence[str | Path],
    out: Path,
    *,
    source: str | None = None,
    split: str | None = None,
    changes: Sequence[str] = (),
    device: str = "auto",
    threads: int = 0,
    force: bool = False,
) -> int:
    """Write a page about one run, or a comparison of several, to the file `out`; return its size in bytes.

    `runs` are names or paths, as `sentiment.load` takes them.
    The runs are judged on `split` of `source`; see `report.facts.JudgeOptions` for `changes` and defaults.
    Raises UsageError if `out` exists without `force`, or if the runs would be judged on different reviews;
    RunError, DataError or MachineError if a run, the reviews or the device is missing.
    """
    from sentiment.errors import UsageError
    from sentiment.report.facts import JudgeOptions, compare_runs, gather_facts
    from sentiment.report.page import comparison_page, run_page
    from sentiment.runs import find_run
    from sentiment.system import storage

    if not runs:
        raise UsageError("a report needs at least one run")
    storage.check_free(out, force)
    options = JudgeOptions(source=source, split=split, changes=changes, device=device, threads=threads)
    folders = [find_run(run) for run in runs]
    if len(folders) == 1:
        page = run_page(gather_facts(folders[0], options))
    else:
        page = comparison_page(compare_runs(folders, options))
    content = page.encode(errors="replace")  # the name of a file may not be valid Unicode
    storage.write_file(out, content)
    return len(content)
