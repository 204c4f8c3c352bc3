"""Texts in the forms that Python users have them, and predictions in a form that tables take."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentiment.inference.predictor import Prediction


def open_texts(texts: Iterable[str], function: str) -> Iterator[str]:
    """Iterate over a list, tuple, Series, array or column of texts, or over any other iterable of them.

    Raises TypeError, which says what to pass to `function`, for anything else: a string, a dict, a table.
    """
    if mistake := _describe_mistake(texts, function):
        raise TypeError(f"{function} takes a list of reviews, not {mistake}")
    # The values of a pyarrow column have their own type; they are not strings.
    return iter(texts.to_pylist() if hasattr(texts, "to_pylist") else texts)


def to_dicts(predictions: Iterable["Prediction"]) -> list[dict[str, Any]]:
    """Return a dict for each prediction, with the fields of `predict --json`.

    `pandas.DataFrame`, `polars.DataFrame` and `pyarrow.Table.from_pylist` make a table of them.
    """
    return [prediction.to_dict() for prediction in predictions]


def _describe_mistake(texts: Any, function: str) -> str:
    """Say what is wrong with the argument and what to pass; empty if it can hold texts."""
    if isinstance(texts, str):
        return f"a string; for a single review: {function}([review])"
    kind = type(texts).__name__
    if hasattr(texts, "columns") or hasattr(texts, "column_names"):
        return f'a table ({kind}); pass its column of texts: {function}(table["text"])'
    if isinstance(texts, Mapping):
        return f'a {kind}; pass the texts in it, for example {function}(reviews["text"])'
    if not isinstance(texts, Iterable) or isinstance(texts, bytes):
        return f"{kind}; for a single review: {function}([review])"
    dimensions = getattr(texts, "ndim", 1)
    return "" if dimensions == 1 else f"an array of {dimensions} dimensions; pass one column of it"
