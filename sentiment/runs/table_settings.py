"""The settings by which a run reads a table: its own data, or a table that it is to judge."""

from collections.abc import Mapping, Sequence
from typing import Any

from sentiment.config import Config, DataSettings, OwnTable, parse_config


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
    if source is None:
        return config.data.model_copy(update=changed)
    return config.data.for_another_table(own_table(config, facts), **{"source": source, **changed})


def own_table(config: Config, facts: Mapping[str, Any]) -> OwnTable:
    """Return what a run knows of the data it was trained on."""
    recorded = facts.get("data", {})
    columns = recorded.get("columns", {})
    return OwnTable(
        text=columns.get("text") or config.data.text_column,
        label=columns.get("label") or config.data.label_column,
        group=columns.get("group") or config.data.group_column,
        classes=recorded.get("classes", {}),
        leaves_labels_out=bool(config.data.classes),
    )
