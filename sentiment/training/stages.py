"""The stages of a run: a language model where pretraining asks for one, then each classifier."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sentiment.config import Config
from sentiment.console import say
from sentiment.data.batches import EncodedReviews, JoinedReviews
from sentiment.data.prepare import Prepared
from sentiment.models.classifier import SentimentClassifier
from sentiment.models.language_model import LanguageModel
from sentiment.training.objectives import Labels, Objective, Words

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Stage:
    """A stretch of a run that trains one network with one objective."""

    name: str
    seed: int
    """Its first weights, its dropout and the order of its batches follow from this."""
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
    """Every stage of a run, in order."""
    stages = []
    if prepared.pretraining is not None:
        stages.append(_pretraining(config, prepared, prepared.pretraining))
    training = config.training
    labels = Labels(prepared.train, training.adversarial)

    def classifier(finished: Sequence[Weights]) -> nn.Module:
        model = _new_classifier(config, prepared)
        if prepared.pretraining is not None:
            model.load_state_dict(finished[0], strict=False)
        return model

    for member in range(training.members):
        name = "training" if training.members == 1 else f"member {member + 1} of {training.members}"
        stages.append(
            Stage(
                name,
                config.seed + member,
                training.epochs,
                training.learning_rate,
                training.average,
                is_judged=len(prepared.validation.reviews) > 0,
                objective=labels,
                build=classifier,
            )
        )
    return stages


def _pretraining(config: Config, prepared: Prepared, reviews: EncodedReviews | JoinedReviews) -> Stage:
    settings = config.pretraining
    words = Words(reviews, directions=2 if config.model.bidirectional else 1)

    def language_model(finished: Sequence[Weights]) -> nn.Module:
        counts_V = torch.zeros(len(prepared.vocabulary.channels[0]), dtype=torch.int64)
        for index in range(len(reviews)):
            counts_V += torch.bincount(torch.from_numpy(reviews[index]), minlength=len(counts_V))
        return LanguageModel(_new_classifier(config, prepared), counts_V, settings.samples)

    return Stage(
        "pretraining",
        config.seed,
        settings.epochs,
        settings.learning_rate,
        average=0.0,
        is_judged=False,
        objective=words,
        build=language_model,
    )


def _new_classifier(config: Config, prepared: Prepared) -> SentimentClassifier:
    model = SentimentClassifier(config.model, *prepared.vocabulary.sizes)
    if config.vocabulary.vectors:
        from sentiment.data.vectors import load_word_vectors

        words = prepared.vocabulary.channels[0]
        vectors = load_word_vectors(config.vocabulary.vectors, words, config.model.embedding)
        weight_VE = next(model.embeddings[0].parameters())
        with torch.no_grad():
            weight_VE[vectors.found_V] = vectors.rows_VE[vectors.found_V]
        missing = vectors.missing_words(words)
        say(
            f"{config.vocabulary.vectors}: {len(missing):,} words have no vector, "
            f"such as {' '.join(missing[:8])}"
        )
    return model
