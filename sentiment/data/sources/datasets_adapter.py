"""What this program needs of Hugging Face `datasets`: load quietly, and change no setting of the process."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sentiment.data.sources.table import Table


@contextmanager
def quiet_datasets() -> Iterator[None]:
    """Silence the messages of `datasets`, and its progress bars if stderr is not a terminal; then restore."""
    import datasets
    import huggingface_hub

    loggers = {huggingface_hub.logging: logging.ERROR, datasets.logging: logging.CRITICAL}
    before = {module: module.get_verbosity() for module in loggers}
    bars = not datasets.are_progress_bars_disabled()
    for module, level in loggers.items():
        module.set_verbosity(level)
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    try:
        yield
    finally:
        for module, level in before.items():
            module.set_verbosity(level)
        if bars:
            datasets.enable_progress_bars()


@contextmanager
def offline_hub() -> Iterator[None]:
    """Let `datasets` use only what was downloaded before, as HF_HUB_OFFLINE=1 does; then restore."""
    import datasets
    import huggingface_hub

    before = datasets.config.HF_HUB_OFFLINE, huggingface_hub.constants.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = huggingface_hub.constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE, huggingface_hub.constants.HF_HUB_OFFLINE = before


def table_of_dataset(dataset: Any, origin: str) -> Table:
    """Return a split of `datasets` as a table; long columns stay on the disk."""
    columns = {name: dataset[name] for name in dataset.column_names}
    classes = {name: kind.names for name, kind in dataset.features.items() if hasattr(kind, "names")}
    return Table(origin, columns, classes=classes)


def root_cause(error: BaseException) -> str:
    """Return the type and the first line of the error that caused this one."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
