"""Choose a recipe by the size of the source when the user names none."""

from collections.abc import Sequence
from dataclasses import dataclass

from sentiment.config import DEFAULT_RECIPE, ENOUGH_ROWS, SMALL_RECIPE, Config, default_recipe, read_config
from sentiment.data.reviews import ReviewSource
from sentiment.data.selection import excluded_positions
from sentiment.errors import DataError, UsageError


@dataclass(frozen=True, kw_only=True)
class RecipeChoice:
    """A recipe that was chosen by the size of the source."""

    recipe: str
    config: Config
    rows: int
    """Usable training rows, as far as they are read, with those that are held out for validation."""
    source: ReviewSource
    """The open source, with its training rows read."""

    def describe(self) -> str:
        """Return a line for the user that says what was chosen and why."""
        size = f"fewer than {ENOUGH_ROWS:,}" if self.recipe == SMALL_RECIPE else f"{ENOUGH_ROWS:,} or more"
        return f"using the recipe {self.recipe}: {self.rows:,} training rows ({size})"


def choose_recipe(overrides: Sequence[str] = ()) -> RecipeChoice:
    """Open the source that the overrides name, count its training rows, and read the recipe for so many.

    Raises UsageError as `read_config` does, and DataError or MachineError as `ReviewSource` does.
    """
    source = ReviewSource(_read_any_recipe(overrides).data)
    if "train" not in source.labelled_splits:
        found = ", ".join(source.labelled_splits) or "none"
        raise DataError(f"{source.settings.source} has no split named train (found: {found})")
    rows = _count_rows(source)
    recipe = default_recipe(rows)
    return RecipeChoice(recipe=recipe, config=read_config(recipe, overrides), rows=rows, source=source)


def _count_rows(source: ReviewSource) -> int:
    """Return how many training rows `data.exclude` and `data.limit` leave; whole groups may make it fewer."""
    train, settings = source.read("train"), source.settings
    rows = len(train) - len(excluded_positions(settings, train))
    return min(rows, settings.limit or rows)


def _read_any_recipe(overrides: Sequence[str]) -> Config:
    """Read a recipe that the overrides fit; the recipes that can be chosen differ in no key of `data`."""
    try:
        return read_config(DEFAULT_RECIPE, overrides)
    except UsageError:
        return read_config(SMALL_RECIPE, overrides)
