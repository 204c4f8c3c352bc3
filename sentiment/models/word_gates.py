"""A classifier of one LSTM layer for many reviews: what each word does to the gates is looked up.

Half of the work of an LSTM is the product of its inputs and its input weights. It is the same wherever a word
occurs, so it is made once for each different word. The other half, the product of the states, is made step by
step for the reviews that still have a token, so nothing is padded. The maximum and the sum over the steps are
updated at each step, so no states are stored.

A step uses one sigmoid for everything: tanh(x) = 2 * sigmoid(2x) - 1. The state is kept as half of h and
twice c, and the weights make up for it. The factors are powers of two, which change no digit.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeGuard

import torch
from torch import Tensor, nn

from sentiment.models.classifier import LSTMClassifier, drop_single_output
from sentiment.models.encoders import StackedEncoder
from sentiment.models.lstm import ExactLSTM
from sentiment.models.merges import join_directions
from sentiment.models.readouts import (
    CellReadout,
    LastReadout,
    MaxMeanReadout,
    MaxReadout,
    MeanReadout,
    Readout,
)


class Pools(NamedTuple):
    """What the readouts need of the states of one direction, or of both side by side."""

    highest_BH: Tensor
    sum_BH: Tensor
    hidden_BH: Tensor
    cell_BH: Tensor


READ: dict[type[Readout], Callable[[Pools, Tensor], list[Tensor]]] = {
    LastReadout: lambda pools, lengths_B1: [pools.hidden_BH],
    CellReadout: lambda pools, lengths_B1: [pools.cell_BH],
    MaxReadout: lambda pools, lengths_B1: [pools.highest_BH],
    MeanReadout: lambda pools, lengths_B1: [pools.sum_BH / lengths_B1],
    MaxMeanReadout: lambda pools, lengths_B1: [pools.highest_BH, pools.sum_BH / lengths_B1],
}


class WordGates:
    """The logits of a classifier for reviews that consist of some of its words."""

    def __init__(self, classifier: LSTMClassifier, words_W: Tensor, precision: torch.dtype) -> None:
        """Take the ids of all words that will occur; states are multiplied in `precision`."""
        layer = _only_layer(classifier)
        assert layer is not None, "see fits"
        vectors_WE = _embedding(classifier).weight[words_W]
        self._directions = [_Direction(weights, vectors_WE, precision) for weights in layer.all_weights]
        self._classifier = classifier

    @staticmethod
    def fits(model: nn.Module) -> TypeGuard[LSTMClassifier]:
        """Whether a model is one that this class can take the place of."""
        return isinstance(model, LSTMClassifier) and _only_layer(model) is not None

    @staticmethod
    def bytes_needed(classifier: LSTMClassifier, tokens: int) -> int:
        """Return how much memory the words of so many tokens take at most."""
        layer = _only_layer(classifier)
        assert layer is not None, "see fits"
        words = min(tokens, _embedding(classifier).num_embeddings)
        return words * layer.directions * 4 * layer.hidden_size * torch.float32.itemsize

    def logits(self, places_TB: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the logits of `LSTMClassifier`, from the places of the tokens among `words_W`.

        The reviews are in columns, the longest one first.
        """
        steps = len(places_TB)
        reviews_T = (lengths_B > torch.arange(steps)[:, None]).sum(dim=1).tolist()
        orders = (range(steps), range(steps - 1, -1, -1))
        found = [
            direction.run(places_TB, reviews_T, order)
            for direction, order in zip(self._directions, orders, strict=False)
        ]
        pools = Pools(*(torch.cat(parts, dim=1) for parts in zip(*found, strict=True)))
        read = READ[type(self._classifier.readout)](pools, lengths_B[:, None])
        return drop_single_output(self._classifier.head(torch.cat(read, dim=1)))


class _Direction:
    """One direction of a layer."""

    def __init__(self, weights: Sequence[Tensor], vectors_WE: Tensor, precision: torch.dtype) -> None:
        inputs_GE, states_GH, *biases_G = weights
        hidden = states_GH.shape[1]
        factors_G = states_GH.new_ones(4 * hidden)  # rows: input, forget, cell, output
        factors_G[2 * hidden : 3 * hidden] = 2
        inputs_EG = (inputs_GE * factors_G[:, None]).T
        self._gates_WG = torch.addmm(sum(biases_G) * factors_G, vectors_WE, inputs_EG)
        self._states_HG = (2 * states_GH * factors_G[:, None]).T.contiguous().to(precision)

    def run(self, places_TB: Tensor, reviews_T: Sequence[int], order: Iterable[int]) -> Pools:
        """Run over the reviews; `reviews_T` is how many of them have a token at each step."""
        reviews, hidden = places_TB.shape[1], len(self._states_HG)
        gates_BG = self._gates_WG.new_empty(reviews, 4 * hidden)
        halves, doubles, sums, squashed = self._gates_WG.new_zeros(4, reviews, hidden)
        highest = torch.full_like(halves, float("-inf"))
        rows = 0
        for step in order:
            if reviews_T[step] != rows:
                rows = reviews_T[step]
                gates, half, double, total, squash, high = (
                    whole[:rows] for whole in (gates_BG, halves, doubles, sums, squashed, highest)
                )
                enter, keep, new, leave = gates.split(hidden, dim=1)
            torch.index_select(self._gates_WG, 0, places_TB[step, :rows], out=gates)
            self._add_states(gates, half)
            gates.sigmoid_()
            double.mul_(keep).addcmul_(enter, new.sub_(0.5), value=4)
            torch.sigmoid(double, out=squash)
            torch.mul(leave, squash.sub_(0.5), out=half)
            torch.maximum(high, half, out=high)
            total.add_(half)
        return Pools(2 * highest, 2 * sums, 2 * halves, doubles / 2)

    def _add_states(self, gates_BG: Tensor, halves_BH: Tensor) -> None:
        if self._states_HG.dtype is gates_BG.dtype:
            gates_BG.addmm_(halves_BH, self._states_HG)
        else:
            gates_BG.add_(halves_BH.to(self._states_HG.dtype) @ self._states_HG)


def _embedding(classifier: LSTMClassifier) -> nn.Embedding:
    """Return the embedding of a classifier's first channel."""
    embedding = classifier.embeddings[0]
    assert isinstance(embedding, nn.Embedding)
    return embedding


def _only_layer(classifier: LSTMClassifier) -> ExactLSTM | None:
    """Return the one LSTM layer of a classifier, or None if it has more, or other parts."""
    encoder = classifier.encoder
    if not isinstance(encoder, StackedEncoder) or len(encoder.layers) > 1:
        return None
    layer = encoder.layers[0]
    is_joined = classifier.merge is join_directions
    return layer if isinstance(layer, ExactLSTM) and is_joined and type(classifier.readout) in READ else None
