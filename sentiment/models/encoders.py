"""Encoders: from embedded tokens to the states of the top layer."""

from torch import Tensor, nn

from sentiment.models.lstm import ExactLSTM, States


class StackedEncoder(nn.Module):
    """LSTM layers on top of each other, as `nn.LSTM(num_layers=L)`, exact on any length.

    Each layer reads both directions of the one below, joined; dropout stands between layers.
    """

    def __init__(self, features: int, hidden: int, layers: int, bidirectional: bool, dropout: float) -> None:
        super().__init__()
        widths = [features] + [hidden * (2 if bidirectional else 1)] * (layers - 1)
        self.layers = nn.ModuleList(ExactLSTM(width, hidden, bidirectional) for width in widths)
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs_BTE: Tensor, lengths_B: Tensor) -> States:
        """Return the top layer's states."""
        bottom, *others = self.layers
        states: States = bottom(inputs_BTE, lengths_B)
        for layer in others:
            states = layer(self.dropout(states.states_BTDH.flatten(2)), lengths_B)
        return states
