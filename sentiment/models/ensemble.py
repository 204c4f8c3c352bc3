"""Several classifiers as one: their logits are averaged.

Source: Hansen & Salamon 1990. Members that start from other seeds make other mistakes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sentiment.config import Config
from sentiment.models.classifier import SentimentClassifier


class Ensemble(nn.Module):
    """The mean of its members' logits."""

    def __init__(self, members: Sequence[SentimentClassifier]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, tokens_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """logits_B (float32), of the arguments that `SentimentClassifier` takes."""
        return torch.stack([member(tokens_BT, lengths_B) for member in self.members]).mean(dim=0)


def new_model(config: Config, vocabulary_sizes: Sequence[int]) -> SentimentClassifier | Ensemble:
    """The network that a run with this configuration ends with: one classifier, or an ensemble of several."""
    members = [SentimentClassifier(config.model, *vocabulary_sizes) for _ in range(config.training.members)]
    return members[0] if len(members) == 1 else Ensemble(members)


def join_weights(members: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The weights of `new_model` from those of each classifier."""
    if len(members) == 1:
        return members[0]
    return {
        f"members.{index}.{name}": value
        for index, weights in enumerate(members)
        for name, value in weights.items()
    }
