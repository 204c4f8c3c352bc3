"""Merges: how the two directions of each state become one vector, before any readout."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from sentiment.models.lstm import States


class Merged(NamedTuple):
    """An encoder's states with their directions merged: what a readout reads."""

    states_BTM: Tensor
    """After each position; undefined at padding."""
    hidden_BM: Tensor
    """The last hidden states, each direction's own."""
    cell_BM: Tensor
    """The last cell states, each direction's own."""
    mask_BT: Tensor
    """Bool: true where a position is real."""


def concat(values_XDH: Tensor) -> Tensor:
    """values_XM: the directions side by side, M = D * H."""
    return values_XDH.flatten(-2)


def total(values_XDH: Tensor) -> Tensor:
    """values_XM: the sum of the directions, M = H."""
    return values_XDH.sum(dim=-2)


def maximum(values_XDH: Tensor) -> Tensor:
    """values_XM: the larger of the directions in each unit, M = H."""
    return values_XDH.amax(dim=-2)


Merge = Callable[[Tensor], Tensor]
MERGES: dict[str, Merge] = {"concat": concat, "sum": total, "max": maximum}


def merge_directions(merge: Merge, states: States) -> Merged:
    """Merge the directions of the states, of h_n and of c_n alike."""
    return Merged(merge(states.states_BTDH), merge(states.hidden_BDH), merge(states.cell_BDH), states.mask_BT)
