"""Encoders: from embedded tokens to the states of the top layer.

Every encoder is called `encoder(inputs_BTE, lengths_B)` and returns `States`, exact on any length. Inputs are
float, lengths int64 with 1 <= length <= T. Every readout works with every encoder.
"""

from collections.abc import Callable
from typing import TypedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sentiment.models.lstm import ExactLSTM, States, own_ends


class ResidualLSTM(nn.Module):
    """An LSTM layer that adds its input to its hidden and cell states, projected if the widths differ.

    Source: He et al. 2016; between LSTM layers, Wu et al. 2016.
    """

    def __init__(self, features: int, hidden: int, bidirectional: bool) -> None:
        super().__init__()
        self.lstm = ExactLSTM(features, hidden, bidirectional)
        width = self.lstm.directions * hidden
        self.shortcut = nn.Identity() if features == width else nn.Linear(features, width, bias=False)

    def forward(self, inputs_BTE: Tensor, lengths_B: Tensor) -> States:
        """Return the sums; each direction's last state is added to the input it read last."""
        states: States = self.lstm(inputs_BTE, lengths_B)
        shortcut_BTDH = self.shortcut(inputs_BTE).unflatten(2, states.hidden_BDH.shape[1:])
        ends_BDH = own_ends(shortcut_BTDH, lengths_B)
        return States(
            states.states_BTDH + shortcut_BTDH,
            states.hidden_BDH + ends_BDH,
            states.cell_BDH + ends_BDH,
            lengths_B,
        )


class NormalisedLSTM(nn.Module):
    """An LSTM layer whose hidden and cell states are normalised over the units of each direction.

    Each direction has its own gain and bias, and neither sees the other's units. Where one direction has read
    the whole review, the other has read a single token.

    Source: Ba et al. 2016. Theirs also normalises inside the recurrence; no fast kernel can do that.
    """

    def __init__(self, features: int, hidden: int, bidirectional: bool) -> None:
        super().__init__()
        self.lstm = ExactLSTM(features, hidden, bidirectional)
        self.gain_DH = nn.Parameter(torch.ones(self.lstm.directions, hidden))
        self.bias_DH = nn.Parameter(torch.zeros(self.lstm.directions, hidden))

    def forward(self, inputs_BTE: Tensor, lengths_B: Tensor) -> States:
        """Return the normalised states."""
        states: States = self.lstm(inputs_BTE, lengths_B)
        return States(
            self._normalise(states.states_BTDH),
            self._normalise(states.hidden_BDH),
            self._normalise(states.cell_BDH),
            lengths_B,
        )

    def _normalise(self, values_XDH: Tensor) -> Tensor:
        return F.layer_norm(values_XDH, values_XDH.shape[-1:]) * self.gain_DH + self.bias_DH


Layer = Callable[[int, int, bool], nn.Module]
"""Makes one layer from its input features, its hidden units and whether it runs in both directions."""


class StackSettings(TypedDict):
    """What the constructors of encoders share, in addition to their widths."""

    layers: int
    bidirectional: bool
    dropout: float


class StackedEncoder(nn.Module):
    """LSTM layers on top of each other, as in `nn.LSTM(num_layers=L)`.

    Each layer reads the joined directions of the layer below; there is dropout between layers.
    """

    tokens_per_position = 1  # how many tokens each returned state has read

    def __init__(
        self,
        features: int,
        hidden: int,
        *,
        layers: int,
        bidirectional: bool,
        dropout: float,
        layer: Layer = ExactLSTM,
    ) -> None:
        super().__init__()
        widths = [features] + [hidden * (2 if bidirectional else 1)] * (layers - 1)
        self.layers = nn.ModuleList(layer(width, hidden, bidirectional) for width in widths)
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs_BTE: Tensor, lengths_B: Tensor) -> States:
        """Return the top layer's states."""
        bottom, *others = self.layers
        states: States = bottom(inputs_BTE, lengths_B)
        for layer in others:
            states = layer(self.dropout(states.states_BTDH.flatten(2)), lengths_B)
        return states


class HierarchicalEncoder(nn.Module):
    """A lower LSTM over the tokens of each segment and an upper LSTM over the segments.

    Both have `layers` layers. A segment's vector joins the last states of the lower LSTM's directions.
    Each segment is a row of the lower LSTM's batch. Segments without a token are left out, and the last
    segment of a review ends where the review ends.

    Source: Yang et al. 2016 (documents as sentences), with `segment` tokens in place of a sentence.
    """

    def __init__(
        self, features: int, hidden: int, *, layers: int, bidirectional: bool, dropout: float, segment: int
    ) -> None:
        super().__init__()
        width = hidden * (2 if bidirectional else 1)
        self.tokens_per_position = segment
        stack = StackSettings(layers=layers, bidirectional=bidirectional, dropout=dropout)
        self.lower = StackedEncoder(features, hidden, **stack)
        self.upper = StackedEncoder(width, hidden, **stack)
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs_BTE: Tensor, lengths_B: Tensor) -> States:
        """Return the upper LSTM's states, one for each segment; their `lengths_B` counts segments."""
        K = min(self.tokens_per_position, inputs_BTE.shape[1])
        inputs_BTE = F.pad(inputs_BTE, (0, 0, 0, -inputs_BTE.shape[1] % K))
        inputs_BSKE = torch.unflatten(inputs_BTE, 1, (-1, K))
        starts_S = torch.arange(0, inputs_BTE.shape[1], K, device=lengths_B.device)
        lengths_BS = (lengths_B[:, None] - starts_S).clamp(0, K)
        holds_tokens_BS = lengths_BS > 0
        lower = self.lower(inputs_BSKE[holds_tokens_BS], lengths_BS[holds_tokens_BS])
        vectors_NM = lower.hidden_BDH.flatten(1)
        vectors_BSM = vectors_NM.new_zeros(*holds_tokens_BS.shape, vectors_NM.shape[1])
        vectors_BSM[holds_tokens_BS] = vectors_NM
        states: States = self.upper(self.dropout(vectors_BSM), holds_tokens_BS.sum(dim=1))
        return states
