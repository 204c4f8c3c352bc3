"""Several classifiers and n-gram evidence as one model: their logits are averaged.

Source: Hansen & Salamon 1990. Members with different seeds make different mistakes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sentiment.config import Config
from sentiment.models.classifier import LSTMClassifier
from sentiment.models.evidence import NGramEvidence


class Ensemble(nn.Module):
    """The mean of its members' logits, mixed with those of the evidence."""

    def __init__(
        self, members: Sequence[LSTMClassifier], evidence: NGramEvidence | None, weight: float
    ) -> None:
        """`weight` is the evidence's share of the logit, 0 without evidence."""
        super().__init__()
        self.members = nn.ModuleList(members)
        self.evidence = evidence
        self.weight = weight

    def forward(self, tokens_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the logits of `LSTMClassifier` for its inputs; evidence needs 0 at padding."""
        members = [member(tokens_BT, lengths_B) for member in self.members]
        logits = torch.stack(members).mean(dim=0)
        if self.evidence is not None:
            logits = (1 - self.weight) * logits + self.weight * self.evidence(tokens_BT)
        return logits

    @property
    def classes(self) -> int:
        """The number of classes."""
        classes: int = self.members[0].classes  # type: ignore[assignment]
        return classes

    @property
    def classifiers(self) -> list[LSTMClassifier]:
        """The members, as what they are."""
        return [member for member in self.members if isinstance(member, LSTMClassifier)]

    def without_evidence(self) -> "Ensemble":
        """Return the same members without the evidence."""
        return Ensemble(self.classifiers, evidence=None, weight=0.0)

    def scale_logits(self, factor: float) -> None:
        """Multiply the last weights of every part, and with them every logit, by `factor`."""
        for part in (*self.members, self.evidence):
            if isinstance(part, LSTMClassifier | NGramEvidence):
                part.scale_logits(factor)


def new_model(config: Config, vocabulary_sizes: Sequence[int], classes: int = 2) -> LSTMClassifier | Ensemble:
    """Make the untrained network that a run with this configuration trains for so many classes."""
    members = [
        LSTMClassifier(config.model, *vocabulary_sizes, classes=classes)
        for _ in range(config.training.members)
    ]
    weight = config.evidence.weight
    if len(members) == 1 and not weight:
        return members[0]
    if not weight:
        return Ensemble(members, evidence=None, weight=0.0)
    (words,) = vocabulary_sizes
    return Ensemble(members, NGramEvidence(config.evidence.size, words, classes), weight)


def join_weights(
    members: Sequence[dict[str, Tensor]], evidence: NGramEvidence | None = None
) -> dict[str, Tensor]:
    """Join the weights of each classifier and the evidence into the weights of `new_model`."""
    if len(members) == 1 and evidence is None:
        return members[0]
    parts = {f"members.{index}": weights for index, weights in enumerate(members)}
    if evidence is not None:
        parts["evidence"] = evidence.state_dict()
    return {f"{part}.{name}": value for part, weights in parts.items() for name, value in weights.items()}
