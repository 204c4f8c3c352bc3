"""Runs on the Hugging Face hub: `hf://user/name@revision`, downloaded into `HF_HOME` and verified.

Only the files of a run are asked for, by their names, and no more bytes than the hub lists for them. Nothing
of them is executed. The manifest proves that a run is whole, not who wrote it.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentiment.errors import MachineError, RunError, UsageError
from sentiment.runs.checkpoints import METRICS_FILE
from sentiment.runs.decision import DECISION_FILE
from sentiment.runs.files import RunFiles
from sentiment.runs.locate import HUB_PREFIX
from sentiment.runs.reader import FINISHED_FILES
from sentiment.system import storage
from sentiment.system.console import say
from sentiment.system.folders import give_hub_a_home
from sentiment.system.hub import HUB_TIMEOUT, hub_errors, is_unreachable

NEEDED_FILES = FINISHED_FILES | {storage.MANIFEST}
HUB_FILES = NEEDED_FILES | {METRICS_FILE, DECISION_FILE}
REPOSITORY = r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*"
HUB_RUN = re.compile(rf"{HUB_PREFIX}({REPOSITORY})(?:@(\w[\w./-]*))?", re.ASCII)
MANY_BYTES = 2**40
SPARE_BYTES = 2**16  # the bar of the files counts, too


@dataclass(frozen=True)
class HubRun:
    """A run on the hub."""

    repository: str
    """user/name."""
    revision: str | None = None
    """A branch, a tag or a commit; the default branch without one."""

    def __str__(self) -> str:
        return HUB_PREFIX + self.repository + (f"@{self.revision}" if self.revision else "")


def parse_hub_run(name: str) -> HubRun:
    """Return the run that a name beginning with `hf://` means; raises UsageError if it has another form."""
    found = HUB_RUN.fullmatch(name)
    if found is None or ".." in name:
        raise UsageError(f"{name[:80]} is no run on the hub; write hf://user/name or hf://user/name@revision")
    return HubRun(found[1], found[2])


def download_run(name: str) -> Path:
    """Return the folder of a run of the hub in `HF_HOME`, which has been verified against its manifest.

    If the hub does not answer, a copy that was downloaded before is used. Raises RunError if there is no such
    run or it is damaged, MachineError if the hub refuses or breaks off, UsageError if the name is wrong.
    """
    wanted = parse_hub_run(name)
    give_hub_a_home()
    with hub_errors(str(wanted), RunError):
        folder = Path(_download(wanted))
    try:
        RunFiles.read(folder)
    except RunError as error:
        reason = str(error).replace(f"{folder}/", "")
        remedy = f"hf cache rm model/{wanted.repository}"
        raise RunError(f"{wanted}: {reason}; to download it again, first type: {remedy}") from None
    return folder


def _download(wanted: HubRun) -> str:
    from huggingface_hub import HfApi, snapshot_download

    try:
        found = HfApi().model_info(
            wanted.repository, revision=wanted.revision, files_metadata=True, timeout=HUB_TIMEOUT
        )
    except Exception as error:
        if not is_unreachable(error):
            raise
        with suppress(FileNotFoundError):
            folder = snapshot_download(
                wanted.repository,
                revision=wanted.revision,
                local_files_only=True,
                allow_patterns=sorted(HUB_FILES),
            )
            say(f"the hub does not answer; using the copy of {wanted} in HF_HOME")
            return folder
        raise
    size = _count_bytes(found, wanted)
    return snapshot_download(
        wanted.repository,
        revision=wanted.revision,
        allow_patterns=sorted(HUB_FILES),
        tqdm_class=_make_bar(size + SPARE_BYTES, wanted),
    )


def _count_bytes(found: Any, wanted: HubRun) -> int:
    """Return how many bytes the files of a run have; raises RunError if some are missing or have no size."""
    sizes = {file.rfilename: file.size for file in found.siblings or () if file.rfilename in HUB_FILES}
    if missing := NEEDED_FILES - sizes.keys():
        raise RunError(f"{wanted} is no run: it has no {', '.join(sorted(missing))}")
    if not all(isinstance(size, int) and 0 <= size < MANY_BYTES for size in sizes.values()):
        raise RunError(f"{wanted}: the hub does not say how large the files are")
    if sizes[storage.MANIFEST] > storage.MANIFEST_LIMIT:
        raise RunError(f"{wanted} is damaged: {storage.MANIFEST} is too large")
    return sum(sizes.values())


def _make_bar(limit: int, wanted: HubRun) -> Any:
    """Return a class of progress bars that ends a download of more than `limit` bytes."""
    from huggingface_hub.utils.tqdm import tqdm

    class Bar(tqdm):
        """Counts also where no bar is shown."""

        def __init__(self, *given: Any, **options: Any) -> None:
            self.received = 0.0
            # Hidden if stderr is no terminal.
            super().__init__(*given, **options | {"disable": None})  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> bool | None:
            self.received += n or 0
            if self.received > limit:
                raise MachineError(f"{wanted}: the hub sends more than the {limit:,} bytes that it listed")
            shown: bool | None = super().update(n)
            return shown

    return Bar
