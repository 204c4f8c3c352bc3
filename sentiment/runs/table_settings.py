"""The settings by which a run reads a table: its own data, or a table that it is to judge."""

from collections.abc import Mapping, Sequence
from typing import Any

from sentiment.config import Config, DataSettings, OwnTable, parse_config
from sentiment.config.classes import CLASS_NAMES, Classes, parse_classes
from sentiment.data.labels import list_names
from sentiment.data.text import shorten
from sentiment.errors import UsageError


def table_settings(
    config: Config, facts: Mapping[str, Any], source: str | None, changes: Sequence[str] = ()
) -> DataSettings:
    """Return the settings by which a run reads `source`, by default its own data.

    `facts` is the content of its run.json. `changes` are overrides such as `data.text_column=review`: a
    column that they name is required. The columns and labels of the run's own data are preferred in another
    table, not required. Raises UsageError if a change is wrong.
    """
    given = parse_config("", "the options", changes).data
    changed = {key: getattr(given, key) for key in given.model_fields_set}
    own = own_table(config, facts)
    if given.classes:
        require_known(parse_classes(given.classes).names, own.classes.names, "--classes: ")
    if source is None:
        return config.data.judged_by(own, **changed)
    return config.data.for_another_table(own, **{"source": source, **changed})


def class_names(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of a run's classes from the content of its run.json; older runs have two."""
    data = facts.get("data")
    names = data.get("class_names", CLASS_NAMES) if isinstance(data, dict) else CLASS_NAMES
    return tuple(names) if isinstance(names, list | tuple) else ()


def require_known(given: Sequence[str], known: Sequence[str], option: str = "") -> None:
    """Raise UsageError, which begins with `option`, if classes were given that a run does not have."""
    if unknown := [name for name in given if name not in known]:
        raise UsageError(
            f"{option}the run has no class {shorten(unknown[0])}; its classes are {list_names(known)}"
        )


def own_table(config: Config, facts: Mapping[str, Any]) -> OwnTable:
    """Return what a run knows of the data it was trained on."""
    recorded = facts.get("data", {})
    columns = recorded.get("columns", {})
    return OwnTable(
        text=columns.get("text") or config.data.text_column,
        label=columns.get("label") or config.data.label_column,
        group=columns.get("group") or config.data.group_column,
        classes=Classes(class_names(facts), recorded.get("classes", {})),
        leaves_labels_out=bool(config.data.classes),
    )
