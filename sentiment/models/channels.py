"""Encoders of several channels: the variables of a multivariate series, or several views of each token.

Both are called `encoder(inputs_BTCE, lengths_B)`. The inputs are the float features of every channel at every
step, the lengths int64 (1 <= length <= T). They return `States` as every encoder does: exact on any length,
in one direction or two, with any number of layers.
"""

import torch
from torch import Tensor, nn

from sentiment.models.encoders import StackedEncoder, StackSettings
from sentiment.models.lstm import States, own_ends


class SharedWeight(nn.Module):
    """One LSTM reads every channel with the same weights; a linear layer with tanh fuses them at each step.

    Each direction is fused separately and keeps its own last state. The tanh keeps the states in an LSTM's
    range and lets channels interact: a plain sum could never express "either, but not both". Cell states are
    fused with the same weights but, as in an LSTM, without the tanh.

    Source: weights shared between parts of an input, Bromley et al. 1993.
    """

    tokens_per_position = 1

    def __init__(
        self, features: int, hidden: int, *, layers: int, bidirectional: bool, dropout: float, channels: int
    ) -> None:
        super().__init__()
        stack = StackSettings(layers=layers, bidirectional=bidirectional, dropout=dropout)
        self.shared = StackedEncoder(features, hidden, **stack)
        self.fusions = nn.ModuleList(
            nn.Linear(channels * hidden, hidden) for _ in range(2 if bidirectional else 1)
        )

    def forward(self, inputs_BTCE: Tensor, lengths_B: Tensor) -> States:
        """Return the fused states."""
        B, _, C, _ = inputs_BTCE.shape
        rows_NTE = inputs_BTCE.transpose(1, 2).flatten(0, 1)
        states = self.shared(rows_NTE, lengths_B.repeat_interleave(C))
        states_BTDH = self._fuse_channels(states.states_BTDH.unflatten(0, (B, C))).tanh()
        cell_BDH = self._fuse_channels(states.cell_BDH.unflatten(0, (B, C)))
        return States(states_BTDH, own_ends(states_BTDH, lengths_B), cell_BDH, lengths_B)

    def _fuse_channels(self, values_BCXDH: Tensor) -> Tensor:
        """Return fused_BXDH: one linear layer over all channels for each direction."""
        joined_BXDM = values_BCXDH.movedim(1, -2).flatten(-2)
        fused = [
            fusion(joined_BXM)
            for fusion, joined_BXM in zip(self.fusions, joined_BXDM.unbind(-2), strict=True)
        ]
        return torch.stack(fused, dim=-2)


class AttentionFusion(nn.Module):
    """One LSTM for each channel; at each step, attention over the channels averages their states.

    A channel's score is v . tanh(W state + U mean). It depends on the channel's own state and on the mean of
    all channels' states, so one channel can decide how much another counts. h_n and c_n are averaged with the
    weights at each direction's own end.

    Source: Bahdanau et al. 2015, with the mean over the channels as the query.
    """

    tokens_per_position = 1

    def __init__(
        self, features: int, hidden: int, *, layers: int, bidirectional: bool, dropout: float, channels: int
    ) -> None:
        super().__init__()
        width = hidden * (2 if bidirectional else 1)
        stack = StackSettings(layers=layers, bidirectional=bidirectional, dropout=dropout)
        self.encoders = nn.ModuleList(StackedEncoder(features, hidden, **stack) for _ in range(channels))
        self.key = nn.Linear(width, width)
        self.query = nn.Linear(width, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)

    def forward(self, inputs_BTCE: Tensor, lengths_B: Tensor) -> States:
        """Return the fused states."""
        states_BTCDH, cells_BCDH = self._encode_channels(inputs_BTCE, lengths_B)
        weights_BTC = self._weigh_channels(states_BTCDH)
        states_BTDH = (weights_BTC[..., None, None] * states_BTCDH).sum(dim=2)
        directions = states_BTDH.shape[2]
        ends_BDC = own_ends(weights_BTC[:, :, None].expand(-1, -1, directions, -1), lengths_B)
        cell_BDH = (ends_BDC.transpose(1, 2)[..., None] * cells_BCDH).sum(dim=1)
        return States(states_BTDH, own_ends(states_BTDH, lengths_B), cell_BDH, lengths_B)

    def weights(self, inputs_BTCE: Tensor, lengths_B: Tensor) -> Tensor:
        """Return weights_BTC: how much each channel counts at each step (they sum to 1)."""
        return self._weigh_channels(self._encode_channels(inputs_BTCE, lengths_B)[0])

    def _encode_channels(self, inputs_BTCE: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        channels = zip(self.encoders, inputs_BTCE.unbind(2), strict=True)
        states = [encoder(inputs_BTE, lengths_B) for encoder, inputs_BTE in channels]
        states_BTCDH = torch.stack([channel.states_BTDH for channel in states], dim=2)
        return states_BTCDH, torch.stack([channel.cell_BDH for channel in states], dim=1)

    def _weigh_channels(self, states_BTCDH: Tensor) -> Tensor:
        states_BTCM = states_BTCDH.flatten(3)
        query_BT1M = self.query(states_BTCM.mean(dim=2, keepdim=True))
        scores_BTC: Tensor = self.score(torch.tanh(self.key(states_BTCM) + query_BT1M))[..., 0]
        return scores_BTC.softmax(dim=2)
