"""The recipes that ship, by name, and the file that a command line means by CONFIG."""

import difflib
from importlib import resources
from pathlib import Path

from sentiment.config.shell import quote_path
from sentiment.errors import UsageError

DEFAULT_RECIPE, SMALL_RECIPE, ADAPT_RECIPE = "imdb", "small", "adapt"
ENOUGH_ROWS = 5_000  # a source with fewer training rows is small


def shipped_recipes() -> dict[str, Path]:
    """The recipes inside the package by name, such as `imdb-fast` and `article-attention`."""
    folder = Path(str(resources.files("sentiment.config") / "recipes"))
    paths = {_recipe_name(path.relative_to(folder)): path for path in folder.rglob("*.toml")}
    return dict(sorted(paths.items()))


def find_config(target: str | Path | None) -> Path:
    """The file of a configuration: a bare word is the name of a recipe, all else is a path.

    None is the default recipe. A `Path`, and a text with a slash or the ending `.toml`, is a path.
    Raises UsageError if no recipe has that name.
    """
    if target is None:
        return shipped_recipes()[DEFAULT_RECIPE]
    if is_path(target):
        return Path(target)
    recipes = shipped_recipes()
    if target in recipes:
        return recipes[str(target)]
    raise UsageError(
        f"no recipe is called {target or 'the empty name'}; {_suggestion(str(target), list(recipes))}"
    )


def default_recipe(rows: int) -> str:
    """The recipe for a source with so many usable training rows."""
    return DEFAULT_RECIPE if rows >= ENOUGH_ROWS else SMALL_RECIPE


def is_path(target: str | Path) -> bool:
    """Whether CONFIG is a path rather than the name of a recipe."""
    return isinstance(target, Path) or "/" in target or target.endswith(".toml")


def _recipe_name(path: Path) -> str:
    """`imdb-fast` for imdb-fast.toml, `article-attention` for article/attention.toml."""
    parts = dict.fromkeys(path.with_suffix("").parts)  # article/article.toml is just `article`
    return "-".join(parts)


def _suggestion(name: str, recipes: list[str]) -> str:
    if name and Path(name).exists():
        return f"for the file of that name type {quote_path(f'./{name}')}"
    candidates = {recipe.removeprefix("article-"): recipe for recipe in reversed(recipes)}
    candidates |= {recipe: recipe for recipe in recipes}
    if close := difflib.get_close_matches(name, candidates, n=1):
        return f"did you mean {candidates[close[0]]}?"
    return "the recipes are " + ", ".join(recipe for recipe in recipes if not recipe.startswith("article"))
