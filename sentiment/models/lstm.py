"""One LSTM layer that is exact on any length: padding never reaches a state.

`pack_padded_sequence` gives the same states, but trains many times slower on a CPU. Here padding is shut
out by the gates themselves. Each token carries one more feature, 0 on a token and 1 on padding, whose fixed
weight closes the input gate and opens the forget gate: at padding the cell becomes 1 * cell + 0. So the
forward direction keeps its last cell state to the end of the row, the backward one is still at zero when it
meets the review's last token, and both run in one call of the padded kernel.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

# sigmoid(-GATE) is exactly 0 and sigmoid(GATE) exactly 1, in every float type, float16 included.
GATE = 1e4


class States(NamedTuple):
    """What an encoder knows of a batch: all its states, and the last ones of each direction.

    A position is a token, or a segment where the encoder is hierarchical; `lengths_B` counts positions.
    """

    states_BTDH: Tensor
    """Hidden states after each position; undefined at padding."""
    hidden_BDH: Tensor
    """h_n: each direction's own last hidden state (forward: at the last position; backward: at the first)."""
    cell_BDH: Tensor
    """c_n: each direction's own last cell state."""
    lengths_B: Tensor
    """int64: how many positions of each row are real."""

    @property
    def mask_BT(self) -> Tensor:
        """Bool: true where a position is real."""
        return padding_mask(self.lengths_B, self.states_BTDH.shape[1])


def padding_mask(lengths_B: Tensor, steps: int) -> Tensor:
    """mask_BT (bool): true where a position holds a token."""
    return torch.arange(steps, device=lengths_B.device) < lengths_B[:, None]


def own_ends(values_BTDX: Tensor, lengths_B: Tensor) -> Tensor:
    """ends_BDX: forward values at each row's last position, backward ones at its first."""
    rows_B = torch.arange(len(lengths_B), device=lengths_B.device)
    ends = [values_BTDX[rows_B, lengths_B - 1, 0]]
    if values_BTDX.shape[2] == 2:
        ends.append(values_BTDX[:, 0, 1])
    return torch.stack(ends, dim=1)


class ExactLSTM(nn.LSTM):
    """One layer, one or two directions; the parameters and their names are those of `nn.LSTM`.

    Source: Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    """

    def __init__(self, features: int, hidden: int, bidirectional: bool = True) -> None:
        super().__init__(features, hidden, batch_first=True, bidirectional=bidirectional)
        self.directions = 2 if bidirectional else 1

    def forward(  # type: ignore[override]
        self, inputs_BTE: Tensor, lengths_B: Tensor
    ) -> States:
        """Run over every review to its own end, from zero states.

        `inputs_BTE` is float; `lengths_B` int64, 1 <= length <= T, on the same device.
        """
        gated_BTE = self._gated_inputs(inputs_BTE, lengths_B)
        weights = [weight for direction in self._gated_weights() for weight in direction]
        states_BTM, (_, cell_DBH) = self._kernel(gated_BTE, self._zeros(inputs_BTE, self.directions), weights)
        states_BTDH = torch.unflatten(states_BTM, 2, (self.directions, self.hidden_size))
        return States(states_BTDH, own_ends(states_BTDH, lengths_B), cell_DBH.transpose(0, 1), lengths_B)

    def _gated_inputs(self, inputs_BTE: Tensor, lengths_B: Tensor) -> Tensor:
        """The inputs with the padding feature; padding itself is cleared, as a huge value could beat GATE."""
        padding_BT1 = ~padding_mask(lengths_B, inputs_BTE.shape[1])[:, :, None]
        cleared_BTE = inputs_BTE.masked_fill(padding_BT1, 0.0)
        return torch.cat([cleared_BTE, padding_BT1.to(inputs_BTE.dtype)], dim=2)

    def _gated_weights(self) -> list[list[Tensor]]:
        """Each direction's parameters, the input weights widened by the padding feature's column."""
        H = self.hidden_size
        gates = self.all_weights[0][0].new_zeros(4 * H, 1)  # rows: input, forget, cell, output
        gates[:H], gates[H : 2 * H] = -GATE, GATE
        return [[torch.cat([inputs, gates], dim=1), *others] for inputs, *others in self.all_weights]

    def _zeros(self, inputs_BTE: Tensor, directions: int) -> tuple[Tensor, Tensor]:
        """The hidden and cell states an LSTM starts from."""
        zeros_DBH = inputs_BTE.new_zeros(directions, len(inputs_BTE), self.hidden_size)
        return zeros_DBH, zeros_DBH

    def _kernel(
        self, gated_BTE: Tensor, initial: tuple[Tensor, Tensor], weights: list[Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Run torch's LSTM kernel in as many directions as `initial` has: states_BTM, (last hidden, cell)."""
        both = len(initial[0]) == 2
        states_BTM, hidden_DBH, cell_DBH = torch.lstm(
            gated_BTE, initial, weights, True, 1, 0.0, self.training, both, True
        )
        return states_BTM, (hidden_DBH, cell_DBH)


class TruncatedLSTM(ExactLSTM):
    """An `ExactLSTM` through which the gradient flows back over at most `truncation` steps.

    The state is carried on from stretch to stretch, but without its gradient. Stretches are counted from the
    review's first token in both directions, so that where the cuts fall, and with it the gradient, does not
    depend on the padding; the backward direction reads them from the last to the first.

    Source: truncated backpropagation through time, Williams & Peng 1990.
    """

    def __init__(self, features: int, hidden: int, bidirectional: bool, truncation: int) -> None:
        super().__init__(features, hidden, bidirectional)
        self.truncation = truncation

    def forward(  # type: ignore[override]
        self, inputs_BTE: Tensor, lengths_B: Tensor
    ) -> States:
        """Run over every review to its own end; shapes and values are those of `ExactLSTM`."""
        stretches = torch.split(self._gated_inputs(inputs_BTE, lengths_B), self.truncation, dim=1)
        forward_weights, *backward_weights = self._gated_weights()
        states_BTH, cells_SBH = self._carry_on(stretches, forward_weights)
        # The stretch a review ends in: the ones after it carry the cell on, but would cut its gradient.
        ending_B = (lengths_B - 1) // self.truncation
        rows_B = torch.arange(len(lengths_B), device=lengths_B.device)
        states, cells = [states_BTH], [cells_SBH[ending_B, rows_B]]
        for weights in backward_weights:
            reversed_stretches = [stretch_BKE.flip(1) for stretch_BKE in reversed(stretches)]
            states_BTH, cells_SBH = self._carry_on(reversed_stretches, weights)
            states.append(states_BTH.flip(1))
            cells.append(cells_SBH[-1])
        states_BTDH = torch.stack(states, dim=2)
        return States(states_BTDH, own_ends(states_BTDH, lengths_B), torch.stack(cells, dim=1), lengths_B)

    def _carry_on(self, stretches: Sequence[Tensor], weights: list[Tensor]) -> tuple[Tensor, Tensor]:
        """One direction over the stretches: states_BTH and the cell states after each stretch, cells_SBH."""
        state = self._zeros(stretches[0], 1)
        states, cells = [], []
        for stretch_BKE in stretches:
            hidden_1BH, cell_1BH = state
            states_BKH, state = self._kernel(stretch_BKE, (hidden_1BH.detach(), cell_1BH.detach()), weights)
            states.append(states_BKH)
            cells.append(state[1])
        return torch.cat(states, dim=1), torch.cat(cells)
