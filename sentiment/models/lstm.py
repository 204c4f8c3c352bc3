"""One LSTM layer that is exact on any length: padding never reaches a state.

`pack_padded_sequence` gives the same states, but trains many times slower on a CPU. Here the gates shut the
padding out. Each position has one more feature, 0 on a token and 1 on padding. Its fixed weights close the
input gate and open the forget gate: at padding the cell becomes 1 * cell + 0. The forward direction keeps its
last cell state to the end of the row. The backward direction is still at zero when it meets the review's last
token. Both run in one call of the padded kernel.
"""

import re
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sentiment.models.gpu_arithmetic import lstm_arithmetic

# A GPU multiplies matrices of half precision fast if their rows are a multiple of so many numbers.
FAST_ROW = 8
# sigmoid(-GATE) is exactly 0 and sigmoid(GATE) exactly 1, in every float type, float16 included.
GATE = 1e4


def ignore_copied_weights() -> None:
    """Let cuDNN copy the weights of this module without a warning: they are widened for each call."""
    warnings.filterwarnings("ignore", "RNN module weights are not part of", module=re.escape(__name__))


ignore_copied_weights()


class States(NamedTuple):
    """What an encoder returns for a batch: all its states, and the last state of each direction.

    A position is a token, with a hierarchical encoder a segment; `lengths_B` counts positions.
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
    """Return mask_BT (bool): true where a position holds a token."""
    return torch.arange(steps, device=lengths_B.device) < lengths_B[:, None]


def own_ends(values_BTDX: Tensor, lengths_B: Tensor) -> Tensor:
    """Return ends_BDX: forward values at each row's last position, backward values at its first."""
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
        gated_BTE = self._add_padding_feature(inputs_BTE, lengths_B)
        weights = [weight for direction in self._widen_weights() for weight in direction]
        states_BTM, (_, cell_DBH) = self._run_kernel(
            gated_BTE, self._initial_state(inputs_BTE, self.directions), weights
        )
        states_BTDH = torch.unflatten(states_BTM, 2, (self.directions, self.hidden_size))
        return States(states_BTDH, own_ends(states_BTDH, lengths_B), cell_DBH.transpose(0, 1), lengths_B)

    def _add_padding_feature(self, inputs_BTE: Tensor, lengths_B: Tensor) -> Tensor:
        """Add the padding feature to the inputs and clear the padding: a huge value could outweigh GATE."""
        padding_BT1 = ~padding_mask(lengths_B, inputs_BTE.shape[1])[:, :, None]
        cleared_BTE = inputs_BTE.masked_fill(padding_BT1, 0.0)
        further_BTX = padding_BT1.to(inputs_BTE.dtype).expand(-1, -1, self._further_features())
        return torch.cat([cleared_BTE, further_BTX], dim=2)

    def _widen_weights(self) -> list[list[Tensor]]:
        """Return each direction's parameters; the input weights get a column for the padding feature.

        Copies of that feature, if there are any, have no weight.
        """
        H = self.hidden_size
        gates = self.all_weights[0][0].new_zeros(4 * H, self._further_features())
        gates[:H, 0], gates[H : 2 * H, 0] = -GATE, GATE  # rows: input, forget, cell, output
        return [[torch.cat([inputs, gates], dim=1), *others] for inputs, *others in self.all_weights]

    def _further_features(self) -> int:
        """Return how often the padding feature is added: on a GPU as often as fills its rows, else once."""
        return FAST_ROW - self.input_size % FAST_ROW if self.all_weights[0][0].is_cuda else 1

    def _initial_state(self, inputs_BTE: Tensor, directions: int) -> tuple[Tensor, Tensor]:
        """Return the hidden and cell states that an LSTM starts from."""
        zeros_DBH = inputs_BTE.new_zeros(directions, len(inputs_BTE), self.hidden_size)
        return zeros_DBH, zeros_DBH

    def _run_kernel(
        self, gated_BTE: Tensor, initial: tuple[Tensor, Tensor], weights: list[Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Run torch's LSTM kernel in as many directions as `initial` has; return states_BTM, (h_n, c_n)."""
        given = [gated_BTE, *initial, *weights]
        arithmetic = lstm_arithmetic(given) if gated_BTE.is_cuda else nullcontext(given)
        with arithmetic as (inputs_BTE, first_DBH, first_cell_DBH, *parameters):
            states_BTM, hidden_DBH, cell_DBH = torch.lstm(
                inputs_BTE,
                (first_DBH, first_cell_DBH),
                parameters,
                True,
                1,
                0.0,
                self.training,
                len(first_DBH) == 2,
                True,
            )
        return states_BTM, (hidden_DBH, cell_DBH)


class TruncatedLSTM(ExactLSTM):
    """An `ExactLSTM` whose gradient flows back over at most `truncation` steps.

    Each stretch starts from the state of the one before, but without its gradient. Stretches are counted from
    the review's first token in both directions: the cuts do not depend on the padding. The backward direction
    reads the stretches from the last to the first.

    Source: truncated backpropagation through time, Williams & Peng 1990.
    """

    def __init__(self, features: int, hidden: int, bidirectional: bool, truncation: int) -> None:
        super().__init__(features, hidden, bidirectional)
        self.truncation = truncation

    def forward(  # type: ignore[override]
        self, inputs_BTE: Tensor, lengths_B: Tensor
    ) -> States:
        """Run over every review to its own end; shapes and values are the same as in `ExactLSTM`."""
        stretches = torch.split(self._add_padding_feature(inputs_BTE, lengths_B), self.truncation, dim=1)
        forward_weights, *backward_weights = self._widen_weights()
        states_BTH, cells_SBH = self._run_stretches(stretches, forward_weights)
        # Later stretches hold only padding: they keep the cell state but would cut its gradient.
        ending_B = (lengths_B - 1) // self.truncation
        rows_B = torch.arange(len(lengths_B), device=lengths_B.device)
        states, cells = [states_BTH], [cells_SBH[ending_B, rows_B]]
        for weights in backward_weights:
            reversed_stretches = [stretch_BKE.flip(1) for stretch_BKE in reversed(stretches)]
            states_BTH, cells_SBH = self._run_stretches(reversed_stretches, weights)
            states.append(states_BTH.flip(1))
            cells.append(cells_SBH[-1])
        states_BTDH = torch.stack(states, dim=2)
        return States(states_BTDH, own_ends(states_BTDH, lengths_B), torch.stack(cells, dim=1), lengths_B)

    def _run_stretches(self, stretches: Sequence[Tensor], weights: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Run one direction over the stretches; return states_BTH and cells_SBH, the cells after each."""
        state = self._initial_state(stretches[0], 1)
        states, cells = [], []
        for stretch_BKE in stretches:
            hidden_1BH, cell_1BH = state
            states_BKH, state = self._run_kernel(
                stretch_BKE, (hidden_1BH.detach(), cell_1BH.detach()), weights
            )
            states.append(states_BKH)
            cells.append(state[1])
        return torch.cat(states, dim=1), torch.cat(cells)
