"""The parent of a run: the finished run whose words, network and n-gram evidence its training starts from.

Source: Howard & Ruder 2018 (ULMFiT), who start a classifier from a network that has read other texts.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sentiment.config import Config
from sentiment.data.spelling import SpeltAlike, find_spelt_alike
from sentiment.data.vocabulary import Vocabulary
from sentiment.errors import RunError, UsageError
from sentiment.inference.predictor import Predictor
from sentiment.models.classifier import LSTMClassifier
from sentiment.models.ensemble import Ensemble
from sentiment.models.evidence import NGramEvidence
from sentiment.runs import find_run
from sentiment.runs.locate import NEWEST_NAME
from sentiment.runs.reader import FINISHED_FILES
from sentiment.system import storage

NEW_WORDS, NEW_NGRAMS = 5_000, 50_000  # there is room for so many beside those of the parent
FREE_KEYS = {"word_dropout", "embedding_dropout", "dropout"}  # of the network, which change no weight's shape


@dataclass(frozen=True, kw_only=True)
class Parent:
    """A finished run that a training starts from."""

    path: Path
    name: str
    """As the configuration names it; of the newest run, its path."""
    digest: str
    """SHA-256 over the hashes of the files that make it what it is."""
    predictor: Predictor

    @property
    def vocabulary(self) -> Vocabulary:
        """Its words."""
        return self.predictor.vocabulary

    @property
    def members(self) -> list[LSTMClassifier]:
        """Its networks."""
        model = self.predictor.model
        if isinstance(model, Ensemble):
            return model.classifiers
        assert isinstance(model, LSTMClassifier)
        return [model]

    @property
    def evidence(self) -> NGramEvidence | None:
        """Its n-gram evidence, if it has any."""
        model = self.predictor.model
        return model.evidence if isinstance(model, Ensemble) else None

    def facts(self) -> dict[str, Any]:
        """Return what run.json records of it."""
        return {"run": self.name, "hash": self.digest}

    def first_weights(
        self, vocabulary: Vocabulary, class_names: Sequence[str]
    ) -> Callable[[LSTMClassifier, int], None]:
        """Return a function that gives a new network its first weights: those of a member of the parent.

        It takes the network and the number of the member that it is to be. `vocabulary` extends the parent's.
        A network for other classes keeps its own last layer.
        """
        alike = [
            find_spelt_alike(own.words[len(known) :], known.words)
            for own, known in zip(vocabulary.channels, self.vocabulary.channels, strict=True)
        ]
        members = self.members
        same_classes = tuple(class_names) == self.predictor.class_names

        def begin(model: LSTMClassifier, member: int) -> None:
            take_over(model, members[member % len(members)], alike, with_last_layer=same_classes)

        return begin


def open_parent(config: Config) -> Parent | None:
    """Return the run that a configuration starts from, if any.

    Raises UsageError or RunError if there is no such finished run, or it is damaged.
    """
    name = config.start.run
    if not name:
        return None
    try:
        path = find_run(name)
        predictor = Predictor.load(path, "cpu")
        digest = _digest(path)
    except RunError as error:
        raise RunError(f"start.run: {error}") from None
    # Later another run is the newest.
    return Parent(
        path=path, name=f"{path}" if name == NEWEST_NAME else name, digest=digest, predictor=predictor
    )


def inherit_settings(config: Config, parent: Parent | None) -> Config:
    """Return the configuration with what it does not set itself as its parent has it.

    This is how the texts are read, the network, and the share of the evidence. There is room for new words
    and n-grams beside the parent's. Raises UsageError if the configuration sets a key of the network in
    another way, and as it does for a contradiction.
    """
    if parent is None:
        return config
    given, own = parent.predictor.config, config.model_dump()
    inherited = {
        "text": given.text.model_dump(),
        "model": given.model.model_dump(),
        "vocabulary": {
            "lower": given.vocabulary.lower,
            "misspelt": given.vocabulary.misspelt,
            "size": max(parent.vocabulary.sizes) + NEW_WORDS,
        },
        "training": {"members": given.training.members},
        "evidence": {"weight": given.evidence.weight, "size": given.evidence.size + NEW_NGRAMS},
    }
    for name, values in inherited.items():
        section = getattr(config, name)
        own[name] |= {key: value for key, value in values.items() if key not in section.model_fields_set}
    own["start"]["run"] = parent.name
    child = Config.model_validate(own)
    _require_same_network(child, parent)
    if parent.evidence is not None and child.evidence.size < len(parent.evidence.keys_G):
        raise UsageError(
            f"evidence.size={child.evidence.size} is too small: {parent.name} has "
            f"{len(parent.evidence.keys_G):,} n-grams; leave the key out"
        )
    return child.with_data(config.data)


def take_over(
    model: LSTMClassifier,
    given: LSTMClassifier,
    alike: Sequence[SpeltAlike],
    *,
    with_last_layer: bool,
) -> None:
    """Copy the weights of a network to one with more words; the rows of the new words follow.

    The row of a new word becomes the mean of the rows of known words that are spelt alike, weighed by
    similarity, or stays as it is if there are none. `alike` has the pairs of each channel: a new word is
    counted from the first new row on. Without `with_last_layer` that layer stays as it is.
    """
    last = {id(value) for value in model.last_layer.parameters()}
    given_weights = dict(given.named_parameters())
    with torch.no_grad():
        for name, own in model.named_parameters():
            value = given_weights[name]
            if id(own) not in last:
                own[: len(value)] = value
            elif with_last_layer:
                own.copy_(value)
        for number, pairs in enumerate(alike):
            known_VE = given_weights[f"embeddings.{number}.weight"]
            own_VE = model.get_parameter(f"embeddings.{number}.weight")
            _fill_new_rows(own_VE[len(known_VE) :], known_VE, pairs)


def _fill_new_rows(new_WE: Tensor, known_VE: Tensor, pairs: SpeltAlike) -> None:
    """Set the row of each new word that is spelt like known ones to the mean of theirs."""
    new_P, known_P = torch.from_numpy(pairs.new_P), torch.from_numpy(pairs.known_P)
    weight_P1 = torch.from_numpy(pairs.similarity_P)[:, None].to(known_VE)
    sums_WE = torch.zeros_like(new_WE).index_add_(0, new_P, known_VE[known_P] * weight_P1)
    totals_W1 = new_WE.new_zeros(len(new_WE), 1).index_add_(0, new_P, weight_P1)
    found_W = totals_W1[:, 0] > 0
    new_WE[found_W] = sums_WE[found_W] / totals_W1[found_W]


def _require_same_network(config: Config, parent: Parent) -> None:
    """Raise UsageError unless the weights of the parent fit the network of the configuration."""
    own, given = config.model.model_dump(), parent.predictor.config.model.model_dump()
    changed = [f"model.{key}" for key in own if own[key] != given[key] and key not in FREE_KEYS]
    if config.vocabulary.lower != parent.predictor.config.vocabulary.lower:
        changed.append("vocabulary.lower")
    if config.text.language != parent.predictor.config.text.language:
        changed.append("text.language")
    if changed:
        raise UsageError(
            f"{', '.join(changed)} cannot be changed: the training starts from {parent.name}; leave "
            f"{'them' if len(changed) > 1 else 'it'} out"
        )


def _digest(path: Path) -> str:
    """Return a SHA-256 over the hashes that the manifest has of what every finished run has."""
    entries = storage.read_manifest(path, RunError, follow_links=True)
    chosen = {name: entries[name] for name in sorted(FINISHED_FILES & entries.keys())}
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()
