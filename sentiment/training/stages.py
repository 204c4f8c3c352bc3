"""The stages of a run: for each member a language model, where pretraining asks for one, and a classifier."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from sentiment.config import Config
from sentiment.console import say
from sentiment.data.batches import AnyReviews
from sentiment.data.prepare import Prepared
from sentiment.models.classifier import SentimentClassifier
from sentiment.models.language_model import LanguageModel
from sentiment.training.objectives import Labels, Objective, Words

if TYPE_CHECKING:
    from sentiment.data.vectors import WordVectors

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Stage:
    """A stretch of a run that trains one network with one objective."""

    name: str
    seed: int
    """Its first weights and the order of its batches follow from this."""
    epochs: int
    learning_rate: float
    average: float
    """Decay of the running average of its weights that is judged and kept; 0 for none."""
    is_judged: bool
    """Whether each epoch is validated, the best kept, and the stage ended when they no longer improve."""
    objective: Objective
    build: Callable[[Sequence[Weights]], nn.Module]
    """Make its network from the weights that each earlier stage ended with."""


def plan_stages(config: Config, prepared: Prepared) -> list[Stage]:
    """Every stage of a run, in order; raises what loading word vectors raises."""
    training, vectors = config.training, _word_vectors(config, prepared)
    labels = Labels(prepared.train, training.adversarial)

    def new_classifier() -> SentimentClassifier:
        model = SentimentClassifier(config.model, *prepared.vocabulary.sizes)
        if vectors is not None:
            weight_VE = next(model.embeddings[0].parameters())
            with torch.no_grad():
                weight_VE[vectors.found_V] = vectors.rows_VE[vectors.found_V]
        return model

    def classifier(finished: Sequence[Weights]) -> nn.Module:
        model = new_classifier()
        if prepared.pretraining is not None:
            model.load_state_dict(finished[-1], strict=False)
        return model

    stages = []
    for member in range(training.members):
        seed = config.seed + member
        which = f" {member + 1} of {training.members}" if training.members > 1 else ""
        if prepared.pretraining is not None:
            reviews = prepared.pretraining
            stages.append(_pretraining(f"pretraining{which}", seed, config, reviews, new_classifier))
        stages.append(
            Stage(
                f"member{which}" if which else "training",
                seed,
                training.epochs,
                training.learning_rate,
                training.average,
                is_judged=len(prepared.validation.reviews) > 0,
                objective=labels,
                build=classifier,
            )
        )
    return stages


def _pretraining(
    name: str,
    seed: int,
    config: Config,
    reviews: AnyReviews,
    new_classifier: Callable[[], SentimentClassifier],
) -> Stage:
    settings = config.pretraining

    def language_model(finished: Sequence[Weights]) -> nn.Module:
        model = new_classifier()
        words = len(next(model.embeddings[0].parameters()))
        counts_V = torch.zeros(words, dtype=torch.int64)
        for index in range(len(reviews)):
            counts_V += torch.bincount(torch.from_numpy(reviews[index]), minlength=words)
        return LanguageModel(model, counts_V, settings.samples)

    return Stage(
        name,
        seed,
        settings.epochs,
        settings.learning_rate,
        average=0.0,
        is_judged=False,
        objective=Words(reviews, directions=2 if config.model.bidirectional else 1),
        build=language_model,
    )


def _word_vectors(config: Config, prepared: Prepared) -> "WordVectors | None":
    """The vectors that the configuration names, after saying which words have none."""
    name = config.vocabulary.vectors
    if not name:
        return None
    from sentiment.data.vectors import load_word_vectors

    words = prepared.vocabulary.channels[0]
    vectors = load_word_vectors(name, words, config.model.embedding)
    missing = vectors.missing_words(words)
    say(f"{name}: {len(missing):,} words have no vector, such as {' '.join(missing[:8])}")
    return vectors
