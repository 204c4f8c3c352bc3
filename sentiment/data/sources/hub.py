"""Download a data set from the Hugging Face hub."""

from contextlib import nullcontext
from functools import partial

from sentiment.data.sources.datasets_adapter import offline_hub, quiet_datasets, root_cause, table_of_dataset
from sentiment.data.sources.table import SplitReaders
from sentiment.errors import MachineError

HUB_TIMEOUT = 10  # seconds; without a limit, `datasets` asks a silent hub for more than six minutes


def download(name: str) -> SplitReaders:
    """Download a data set into `HF_HOME`, or find it there if the hub does not answer.

    The hub sends all splits; only those that are asked for are read. Raises MachineError if the data set is
    neither on the hub nor in `HF_HOME`.
    """
    import datasets

    unreachable = _ask_hub(name)
    try:
        with quiet_datasets(), offline_hub() if unreachable else nullcontext():
            splits = datasets.load_dataset(name)
    except Exception as error:
        reason = root_cause(unreachable or error)
        raise MachineError(
            f"there is no file or folder {name}, and the hub cannot send it ({reason}); without a network "
            "use --data FOLDER, --data FILE or --data sample"
        ) from None
    return {
        split: partial(table_of_dataset, dataset, f"{name} ({split})") for split, dataset in splits.items()
    }


def _ask_hub(name: str) -> Exception | None:
    """Ask the hub once for a data set; return the error if it does not answer or has no such data set."""
    import huggingface_hub

    try:
        huggingface_hub.HfApi().dataset_info(name, timeout=HUB_TIMEOUT)
    except Exception as error:
        return error
    return None
