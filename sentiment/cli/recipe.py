"""The configuration that a command means: the recipe or file that is named, else one chosen by the data."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sentiment.config import Config, read_config
from sentiment.system.console import say

if TYPE_CHECKING:
    from sentiment.data.reviews import ReviewSource


def choose_config(
    config: str | None, overrides: Sequence[str], *, quiet: bool = False
) -> tuple[str, Config, "ReviewSource | None"]:
    """Return CONFIG, its configuration, and the source if it was opened for the choice.

    Without a CONFIG, a recipe is chosen by the size of the source, and the choice is printed on stderr.
    Raises what `read_config` and `choose_recipe` raise.
    """
    if config is not None:
        return config, read_config(config, overrides), None
    from sentiment.data.recipe_choice import choose_recipe

    choice = choose_recipe(overrides)
    if not quiet:
        say(choice.describe())
    return choice.recipe, choice.config, choice.source
