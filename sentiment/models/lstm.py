"""One LSTM layer that is exact on any length: padding never reaches a state.

`pack_padded_sequence` gives the same states, but trains many times slower on a CPU. Here padding is shut
out by the gates themselves. Each token carries one more feature, 0 on a token and 1 on padding, whose fixed
weight closes the input gate and opens the forget gate: at padding the cell becomes 1 * cell + 0. So the
forward direction keeps its last cell state to the end of the row, the backward one is still at zero when it
meets the review's last token, and both run in one call of the padded kernel.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

# sigmoid(-GATE) is exactly 0 and sigmoid(GATE) exactly 1, in every float type down to bfloat16.
GATE = 1e4


class States(NamedTuple):
    """What an LSTM knows of a batch: all its states, and the last ones of each direction."""

    states_BTDH: Tensor
    """Hidden states after each token; undefined at padding."""
    hidden_BDH: Tensor
    """h_n: each direction's own last hidden state (forward: at the last token; backward: at the first)."""
    cell_BDH: Tensor
    """c_n: each direction's own last cell state."""


def padding_mask(lengths_B: Tensor, steps: int) -> Tensor:
    """mask_BT (bool): true where a position holds a token."""
    return torch.arange(steps, device=lengths_B.device) < lengths_B[:, None]


class ExactLSTM(nn.LSTM):
    """One layer, one or two directions; the parameters and their names are those of `nn.LSTM`.

    Source: Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    """

    def __init__(self, features: int, hidden: int, bidirectional: bool = True) -> None:
        super().__init__(features, hidden, batch_first=True, bidirectional=bidirectional)
        self.directions = 2 if bidirectional else 1

    def forward(  # type: ignore[override]
        self, inputs_BTE: Tensor, lengths_B: Tensor, initial: tuple[Tensor, Tensor] | None = None
    ) -> States:
        """Run over every review to its own end.

        `inputs_BTE` is float, `lengths_B` int64 with 1 <= length <= T; `initial` holds the hidden and cell
        states to start from, (D, B, H) each, zero by default.
        """
        B, T, _ = inputs_BTE.shape
        D, H = self.directions, self.hidden_size
        padding_BT1 = ~padding_mask(lengths_B, T)[:, :, None]
        gated_BTE = torch.cat([inputs_BTE, padding_BT1.to(inputs_BTE.dtype)], dim=2)
        if initial is None:
            zero_DBH = inputs_BTE.new_zeros(D, B, H)
            initial = (zero_DBH, zero_DBH)
        states_BTM, _, cell_DBH = torch.lstm(
            gated_BTE, initial, self._gated_weights(), True, 1, 0.0, self.training, self.bidirectional, True
        )
        states_BTDH = states_BTM.unflatten(2, (D, H))
        last_B = (lengths_B - 1).to(inputs_BTE.device)
        rows_B = torch.arange(B, device=inputs_BTE.device)
        ends = [states_BTDH[rows_B, last_B, 0]]
        if self.bidirectional:
            ends.append(states_BTDH[:, 0, 1])
        return States(states_BTDH, torch.stack(ends, dim=1), cell_DBH.transpose(0, 1))

    def _gated_weights(self) -> list[Tensor]:
        """The parameters as the kernel wants them, input weights widened by the padding feature's column."""
        H = self.hidden_size
        gates = self.weight_ih_l0.new_zeros(4 * H, 1)  # rows: input, forget, cell, output
        gates[:H], gates[H : 2 * H] = -GATE, GATE
        weights = []
        for direction in self.all_weights:
            input_weights, *others = direction
            weights += [torch.cat([input_weights, gates], dim=1), *others]
        return weights
