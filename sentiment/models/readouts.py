"""Readouts: from the states of all tokens to one vector a review, padding left out."""

from collections.abc import Callable

from torch import Tensor

from sentiment.models.lstm import States, padding_mask


def last(states: States, lengths_B: Tensor) -> Tensor:
    """readout_BM: each direction's own last hidden state, joined."""
    return states.hidden_BDH.flatten(1)


def maximum(states: States, lengths_B: Tensor) -> Tensor:
    """readout_BM: the largest value of each unit over the review's tokens."""
    states_BTM = states.states_BTDH.flatten(2)
    mask_BT1 = padding_mask(lengths_B, states_BTM.shape[1])[:, :, None]
    return states_BTM.masked_fill(~mask_BT1, float("-inf")).amax(dim=1)


def mean(states: States, lengths_B: Tensor) -> Tensor:
    """readout_BM: the mean of each unit over the review's tokens."""
    states_BTM = states.states_BTDH.flatten(2)
    mask_BT1 = padding_mask(lengths_B, states_BTM.shape[1])[:, :, None]
    return states_BTM.masked_fill(~mask_BT1, 0.0).sum(dim=1) / lengths_B[:, None]


READOUTS: dict[str, Callable[[States, Tensor], Tensor]] = {"last": last, "max": maximum, "mean": mean}
