"""The model card of a run: what it is, how accurate it is, and how to use it."""

from collections.abc import Mapping
from typing import Any

from sentiment.inference.predictor import Predictor
from sentiment.system.versions import __version__

FIGURES = {
    "accuracy": "accuracy",
    "macro_f1": "f1",
    "loss": "loss",
}  # of an evaluation: what the hub calls it
SPECIAL = str.maketrans({"|": "\\|", "<": "&lt;", "`": "'", "[": "\\[", "\n": " ", "\r": " "})


def model_card(predictor: Predictor, repository: str) -> str:
    """Return the model card of a run as Markdown with metadata for the hub."""
    from huggingface_hub import ModelCard, ModelCardData

    name = repository.partition("/")[2]
    data = ModelCardData(
        language=predictor.config.text.language,
        library_name="sentiment",
        pipeline_tag="text-classification",
        tags=["sentiment-analysis", "lstm"],
        model_name=name,
        eval_results=_results(predictor) or None,
    )
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{_body(predictor, repository)}"))


def _results(predictor: Predictor) -> list[Any]:
    """Return the figures on the reviews that were held out, as the hub takes them."""
    from huggingface_hub import EvalResult

    figures = _validation(predictor.facts)
    return [
        EvalResult(
            task_type="text-classification",
            dataset_type="held-out",
            dataset_name="reviews that were held out of the training",
            dataset_split="validation",
            metric_type=metric,
            metric_name=key,
            metric_value=round(float(figures[key]), 4),
        )
        for key, metric in FIGURES.items()
        if isinstance(figures.get(key), int | float)
    ]


def _validation(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    found = facts["result"].get("validation")
    return found if isinstance(found, dict) else {}


def _body(predictor: Predictor, repository: str) -> str:
    model, data = predictor.config.model, predictor.facts.get("data", {})
    classes = ", ".join(_plain(name) for name in predictor.class_names)
    return f"""# {repository.partition("/")[2]}

A model that tells which class a review has. It was trained with `sentiment` {__version__}.

| | |
| --- | --- |
| Classes | {classes} |
| Language | {_plain(predictor.config.text.language)} |
| Network | LSTM of {model.hidden} units a direction, readout {_plain(model.readout)} |
| Trained on | {_plain(data.get("train", "?"))} reviews |
| Words | {_plain(", ".join(f"{size:,}" for size in predictor.vocabulary.sizes))} |

## How accurate it is

{_figures(predictor)}

## How to use it

    sentiment predict --run hf://{repository} "What a film!"

In Python: `sentiment.load("hf://{repository}").predict(["What a film!"])`. Name a commit to get the
same model each time: `hf://{repository}@COMMIT`.

The manifest proves that a download is whole. It does not prove who wrote it. The files are safetensors, JSON,
TOML and text; none of them can run code.
"""


def _figures(predictor: Predictor) -> str:
    figures = _validation(predictor.facts)
    if "accuracy" not in figures:
        return "No reviews were held out of the training, so there is no figure."
    interval = f"{figures['accuracy_low']:.1%} to {figures['accuracy_high']:.1%}"
    return f"""Measured on {figures["reviews"]:,} reviews that were held out of the training. They helped
to choose the best epoch. Figures on other reviews can be lower.

| accuracy (95%) | macro F1 | loss | calibration error |
| --- | --- | --- | --- |
| {figures["accuracy"]:.1%} ({interval}) | {figures["macro_f1"]:.3f} | {figures["loss"]:.3f} | \
{figures["calibration_error"]:.3f} |"""


def _plain(value: object) -> str:
    """Return a value as text that is no markup in a table."""
    return str(value)[:80].translate(SPECIAL)
