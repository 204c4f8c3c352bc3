"""Say what is wrong with the body of a request, in one line."""

from collections.abc import Mapping, Sequence
from typing import Any

from sentiment.data.text import shorten
from sentiment.serving.limits import DEFAULT_LIMITS
from sentiment.serving.refusals import Refusal


def describe_mistake(errors: Sequence[Mapping[str, Any]]) -> Refusal:
    """Return the refusal for what pydantic found: 400 for no JSON, 413 for too much, 422 for all else."""
    error = errors[0]
    kind, context = error["type"], error.get("ctx", {})
    place = [part for part in error["loc"] if part != "body"]
    if kind == "json_invalid":
        found = shorten(context.get("error", ""), 60)
        return Refusal(400, f"the body is not JSON: {found} at character {place[0] if place else 0}")
    if kind == "too_long":
        return Refusal(413, f"a request has at most {DEFAULT_LIMITS.texts:,} reviews")
    name = _name_field(place)
    if kind == "string_too_long":
        return Refusal(413, f"{name} has more than {DEFAULT_LIMITS.characters:,} characters")
    if kind == "value_error":
        return Refusal(422, str(context.get("error", error["msg"])))
    return Refusal(422, f"{name} {_EXPECTED.get(kind, error['msg'])}")


_EXPECTED = {
    "string_type": "must be a string",
    "string_unicode": "is not Unicode (half of a surrogate pair)",
    "bool_type": "must be true or false",
    "list_type": "must be a list of strings",
    "too_short": "is an empty list; give at least one review",
    "missing": 'is missing; send an object such as {"text": "What a film!"}',
    "model_type": 'must be an object such as {"text": "What a film!"}',
    "model_attributes_type": 'must be an object such as {"text": "What a film!"}',
    "dict_type": 'must be an object such as {"text": "What a film!"}',
}


def _name_field(place: Sequence[Any]) -> str:
    """Return for example `texts, review 3`."""
    if not place:
        return "the body"
    if len(place) > 1 and isinstance(place[1], int):
        return f"{place[0]}, review {place[1] + 1}"
    return str(place[0])
