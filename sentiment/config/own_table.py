"""What a run knows of its own table, for the tables that it judges later."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class OwnTable:
    """What a run knows of its own table, and prefers in another table if it fits there."""

    text: str = "text"
    """The column of the texts, and so on."""
    label: str = "label"
    group: str = "film"
    classes: Mapping[str, str] = field(default_factory=dict)
    """The class of each label that the run was trained with; empty for a run that did not record them."""
    leaves_labels_out: bool = False
    """Whether rows with other labels were left out."""
