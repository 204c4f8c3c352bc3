"""Several classifiers and n-gram evidence as one model: their logits are averaged, and scaled by length.

Source: Hansen & Salamon 1990. Members with different seeds make different mistakes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sentiment.config import Config
from sentiment.models.classifier import LSTMClassifier
from sentiment.models.evidence import NGramEvidence
from sentiment.models.length_scale import LengthScale


class Ensemble(nn.Module):
    """The mean of its members' logits, mixed with those of the evidence."""

    def __init__(
        self,
        members: Sequence[LSTMClassifier],
        evidence: NGramEvidence | None,
        weight: float,
        length_scale: LengthScale | None = None,
    ) -> None:
        """`weight` is the evidence's share of the logit, 0 without evidence.

        Without a `length_scale` short texts are as sure as the parts say.
        """
        super().__init__()
        self.members = nn.ModuleList(members)
        self.evidence = evidence
        self.weight = weight
        self.length_scale = length_scale

    def forward(self, tokens_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the logits of `LSTMClassifier` for its inputs; evidence needs 0 at padding."""
        return self.mix([member(tokens_BT, lengths_B) for member in self.members], tokens_BT, lengths_B)

    def mix(self, members: Sequence[Tensor], tokens_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the logits of `forward` from those of the members."""
        logits = torch.stack([*members]).mean(dim=0)
        if self.evidence is not None:
            logits = (1 - self.weight) * logits + self.weight * self.evidence(tokens_BT)
        return logits if self.length_scale is None else self.length_scale(logits, lengths_B)

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
        return Ensemble(self.classifiers, None, 0.0, self.length_scale)

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
    length_scale = LengthScale() if config.calibration.short_texts else None
    if len(members) == 1 and not weight and length_scale is None:
        return members[0]
    if not weight:
        return Ensemble(members, None, 0.0, length_scale)
    (words,) = vocabulary_sizes
    return Ensemble(members, NGramEvidence(config.evidence.size, words, classes), weight, length_scale)


def join_weights(
    members: Sequence[dict[str, Tensor]],
    evidence: NGramEvidence | None = None,
    length_scale: LengthScale | None = None,
) -> dict[str, Tensor]:
    """Join the weights of each classifier, the evidence and the scale into the weights of `new_model`."""
    if len(members) == 1 and evidence is None and length_scale is None:
        return members[0]
    parts = {f"members.{index}": weights for index, weights in enumerate(members)}
    for part, module in (("evidence", evidence), ("length_scale", length_scale)):
        if module is not None:
            parts[part] = module.state_dict()
    return {f"{part}.{name}": value for part, weights in parts.items() for name, value in weights.items()}
