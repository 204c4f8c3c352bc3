"""What requests and answers look like: checked on the way in, described in the OpenAPI document."""

from collections.abc import Mapping
from itertools import islice
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, model_validator
from pydantic.config import JsonDict

from sentiment.data.text import shorten
from sentiment.serving.limits import DEFAULT_LIMITS
from sentiment.system.console import escape_line

REVIEW = "The plot is thin, but I loved every minute."
ANSWER: JsonDict = {
    "label": "positive",
    "confidence": 0.9312,
    "probabilities": {"negative": 0.0688, "positive": 0.9312},
    "tokens": 11,
    "unknown": 0.0,
    "cut": False,
    "doubt": "",
}
Text = Annotated[StrictStr, Field(max_length=DEFAULT_LIMITS.characters)]


class PredictRequest(BaseModel):
    """One review as `text`, or up to 1,000 as `texts`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"text": REVIEW},
                {"texts": ["What a film!", "The acting is dull."]},
                {"text": REVIEW, "explain": True},
            ]
        }
    )
    text: Text | None = Field(None, description="One review.")
    texts: list[Text] | None = Field(
        None, min_length=1, max_length=DEFAULT_LIMITS.texts, fail_fast=True, description="Several reviews."
    )
    explain: StrictBool = Field(
        False,
        description=f"Also say what each word adds; for at most {DEFAULT_LIMITS.explained} reviews at once.",
    )

    @model_validator(mode="before")
    @classmethod
    def _require_known_keys(cls, value: Any) -> Any:
        """Refuse misspelt keys, and name the first ones only: there may be a million."""
        if isinstance(value, Mapping):
            unknown = islice((key for key in value if key not in cls.model_fields), 3)
            if named := ", ".join(escape_line(shorten(key, 20)) for key in unknown):
                raise ValueError(f"unknown key: {named}; the keys are {', '.join(cls.model_fields)}")
        return value

    @model_validator(mode="after")
    def _require_one_kind(self) -> "PredictRequest":
        if (self.text is None) == (self.texts is None):
            raise ValueError('give "text" for one review, or "texts" for a list')
        return self

    @property
    def reviews(self) -> list[str]:
        """The reviews to predict."""
        return [self.text] if self.text is not None else self.texts or []


class TokenPart(BaseModel):
    """One token of an explained review."""

    text: str = Field(description="With the space that follows it.")
    contribution: float | None = Field(description="What it adds to the logit; null if it was cut.")
    strength: float = Field(description="The contribution as a colour shows it, from -1 to 1; 0 if weak.")
    known: bool = Field(description="Whether the model knows it.")


class SentencePart(BaseModel):
    """One sentence of an explained review: `tokens[start:stop]`."""

    start: int
    stop: int
    contribution: float | None


class ExplanationPart(BaseModel):
    """What decided: `base` and the contributions of the tokens add up to `logit`, nearly."""

    explained_class: str = Field(description="What positive contributions speak for.")
    logit: float
    base: float = Field(description="The logit of the same review with every word unknown.")
    tokens: list[TokenPart]
    sentences: list[SentencePart]
    notes: list[str]


class PredictionPart(BaseModel):
    """The answer for one review, with the figures of `sentiment predict --json`."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWER]})
    label: str = Field(description="A class, or unreadable: the model knows next to none of the words.")
    confidence: float = Field(description="The probability of the label.")
    probabilities: dict[str, float]
    tokens: int = Field(description="How many tokens the model has read.")
    unknown: float = Field(description="The share of them that the model does not know.")
    cut: bool = Field(description="Whether the review was longer than what the model reads.")
    doubt: str = Field(description="Why not to trust the label; empty if there is no reason.")
    explanation: ExplanationPart | None = Field(None, description="Only if asked for.")


class PredictAnswer(BaseModel):
    """The answers in the order of the reviews."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"model": "50990a3c2573", "predictions": [ANSWER]}]}
    )
    model: str = Field(description="The first digits of the hash of GET /model.")
    predictions: list[PredictionPart]


class ModelAnswer(BaseModel):
    """Which model answers."""

    model_config = ConfigDict(
        protected_namespaces=(),
        json_schema_extra={
            "examples": [
                {
                    "name": "shop",
                    "hash": "50990a3c2573bc91279f812162ac560cf65d2ad0da7a06d416a037134f162f81",
                    "classes": ["negative", "positive"],
                    "threshold": 0.5,
                    "trained_on": 4500,
                    "figures": {"reviews": 500, "accuracy": 0.914, "loss": 0.22, "f1": 0.92},
                    "version": "0.1.0",
                }
            ]
        },
    )
    name: str
    hash: str = Field(description="SHA-256 of the manifest, which has that of every file of the run.")
    classes: list[str]
    threshold: float | None = Field(description="Of two classes, the second one is chosen above it.")
    trained_on: int | None = Field(description="Training reviews.")
    figures: dict[str, float | int] | None = Field(
        description="On validation reviews that the run held out; null if it held out none."
    )
    version: str = Field(description="Of this program.")


class HealthAnswer(BaseModel):
    """Whether the server answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})
    status: str = Field(description="ok, stopping (503) or failed (503).")


class ErrorAnswer(BaseModel):
    """What is wrong, and what to do."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"error": "review 1: the text is empty"}]})
    error: str
