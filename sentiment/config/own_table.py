"""What a run knows of its own table, for the tables that it judges later."""

from dataclasses import dataclass

from sentiment.config.classes import SENTIMENTS, Classes


@dataclass(frozen=True)
class OwnTable:
    """What a run knows of its own table, and prefers in another table if it fits there."""

    text: str = "text"
    """The column of the texts, and so on."""
    label: str = "label"
    group: str = "film"
    classes: Classes = SENTIMENTS
    """The classes of the run and the labels that it was trained with; runs did not always record labels."""
    leaves_labels_out: bool = False
    """Whether rows with other labels were left out."""
