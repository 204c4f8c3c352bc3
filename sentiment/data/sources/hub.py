"""Download a data set from the Hugging Face hub."""

import re
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

from sentiment.config.shell import quote_word
from sentiment.data.sources.datasets_adapter import offline_hub, quiet_datasets, root_cause, table_of_dataset
from sentiment.data.sources.files import FILE_ENDINGS, TEXT_ENDING
from sentiment.data.sources.split_names import canonical_split, require_one_each
from sentiment.data.sources.table import SplitReaders
from sentiment.data.text import shorten
from sentiment.errors import DataError, MachineError
from sentiment.system.folders import give_hub_a_home
from sentiment.system.hub import HUB_TIMEOUT

HUB_NAME = re.compile(r"((?:[\w.-]+/)?[\w.-]+)(?::([\w.+-]+))?(?:@([\w./-]+))?")
CONFIGURATIONS = re.compile(r"[Aa]vailable[^\[]*\[([^\]]*)\]")


@dataclass(frozen=True)
class HubName:
    """A data set on the hub: `owner/name`, and if needed `:configuration` and `@revision`."""

    name: str
    configuration: str | None = None
    revision: str | None = None


def parse_hub_name(source: str) -> HubName | None:
    """Return the data set that a source may be; None if it cannot be one.

    A name without an owner, such as `glue:sst2`, needs a configuration or a revision.
    """
    found = HUB_NAME.fullmatch(source)
    if found is None or source.endswith((*FILE_ENDINGS, TEXT_ENDING, ".gz")):
        return None
    wanted = HubName(*found.groups())
    has_owner = "/" in wanted.name
    return wanted if has_owner or wanted.configuration or wanted.revision else None


def download(wanted: HubName) -> SplitReaders:
    """Download a data set into `HF_HOME`, or find it there if the hub does not answer.

    The hub sends all splits; only those that are asked for are read. Raises MachineError if the data set is
    neither on the hub nor in `HF_HOME`, and DataError if a configuration has to be named.
    """
    give_hub_a_home()
    import datasets

    unreachable = _ask_hub(wanted)
    try:
        with quiet_datasets(), offline_hub() if unreachable else nullcontext():
            splits = datasets.load_dataset(wanted.name, wanted.configuration, revision=wanted.revision)
    except Exception as error:
        if not unreachable and isinstance(error, ValueError) and (names := CONFIGURATIONS.search(str(error))):
            raise DataError(_describe_configurations(wanted, names[1])) from None
        reason = root_cause(unreachable or error)
        raise MachineError(
            f"there is no file or folder {wanted.name}, and the hub cannot send it ({reason}); without a "
            "network use --data FOLDER, --data FILE or --data sample"
        ) from None
    require_one_each(wanted.name, map(canonical_split, splits))
    return {
        canonical_split(split): partial(table_of_dataset, dataset, f"{wanted.name} ({split})")
        for split, dataset in splits.items()
    }


def _describe_configurations(wanted: HubName, names: str) -> str:
    found = [name.strip(" '\"") for name in names.split(",")]
    if wanted.configuration:
        problem = f"has no configuration {shorten(wanted.configuration)}"
    else:
        problem = f"has {len(found)} configurations"
    revision = f"@{wanted.revision}" if wanted.revision else ""
    example = f"--data {quote_word(f'{wanted.name}:{found[0]}{revision}')}"
    return f"{wanted.name} {problem} ({shorten(', '.join(found))}); name one: {example}"


def _ask_hub(wanted: HubName) -> Exception | None:
    """Ask the hub once for a data set; return the error if it does not answer or has no such data set."""
    import huggingface_hub

    try:
        huggingface_hub.HfApi().dataset_info(wanted.name, revision=wanted.revision, timeout=HUB_TIMEOUT)
    except Exception as error:
        return error
    return None
