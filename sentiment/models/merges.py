"""Merges: make one vector from the two directions of each state, before the readout."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from sentiment.models.lstm import States


class Merged(NamedTuple):
    """An encoder's states with merged directions: the input of a readout."""

    states_BTM: Tensor
    """After each position; undefined at padding."""
    hidden_BM: Tensor
    """Each direction's own last hidden state."""
    cell_BM: Tensor
    """Each direction's own last cell state."""
    mask_BT: Tensor
    """Bool: true where a position is real."""


def join_directions(values_XDH: Tensor) -> Tensor:
    """Return values_XM: the directions side by side, M = D * H."""
    return values_XDH.flatten(-2)


def add_directions(values_XDH: Tensor) -> Tensor:
    """Return values_XM: the sum of the directions, M = H."""
    return values_XDH.sum(dim=-2)


def maximum_of_directions(values_XDH: Tensor) -> Tensor:
    """Return values_XM: the larger of the directions in each unit, M = H."""
    return values_XDH.amax(dim=-2)


Merge = Callable[[Tensor], Tensor]
MERGES: dict[str, Merge] = {
    "concat": join_directions,
    "sum": add_directions,
    "max": maximum_of_directions,
}


def merge_directions(merge: Merge, states: States) -> Merged:
    """Merge the directions of all states, of h_n and of c_n."""
    return Merged(merge(states.states_BTDH), merge(states.hidden_BDH), merge(states.cell_BDH), states.mask_BT)
