"""One page about a trained model: how good it is, where it errs and why, how it came to be.

from pathlib import Path
from sentiment.report import write_report
write_report([Path("runs/imdb-1")], Path("report.html"))
"""

from collections.abc import Sequence
from pathlib import Path

__all__ = ["write_report"]


def write_report(
    runs: Sequence[Path],
    out: Path,
    source: str | None = None,
    split: str | None = None,
    device: str = "auto",
    threads: int = 0,
    force: bool = False,
) -> int:
    """Write a page about a run, or a comparison of several, to the file `out`; return its size in bytes.

    The reviews are `split` of `source`, chosen as `evaluation.score_run` does. Raises UsageError if `out` is
    taken (and not `force`) or if several runs have not the same reviews as that split, and RunError,
    DataError or MachineError if a run or the reviews are not there.
    """
    from sentiment.errors import UsageError
    from sentiment.report.facts import compare, gather
    from sentiment.report.page import comparison_page, run_page
    from sentiment.system import storage

    if not runs:
        raise UsageError("a report needs a run")
    storage.check_free(out, force)
    if len(runs) == 1:
        page = run_page(gather(runs[0], source, split, device, threads))
    else:
        page = comparison_page(compare(runs, source, split, device, threads))
    content = page.encode(errors="replace")  # a file's name may hold what no text can
    storage.write_file(out, content)
    return len(content)
