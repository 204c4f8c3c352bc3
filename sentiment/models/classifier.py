"""The whole network: token ids to one logit a review."""

from typing import NamedTuple

from torch import Tensor, nn

from sentiment.config import ModelSettings
from sentiment.models.encoders import build_encoder
from sentiment.models.lstm import States
from sentiment.models.merges import MERGES, merge_directions
from sentiment.models.readouts import READOUTS, Attention, Readout, Tokens

PADDING_ID = 0
EMBEDDING_SPREAD = 0.1  # standard deviation of a new embedding; nn.Embedding's own 1.0 drowns the gradient


class Explanation(NamedTuple):
    """A batch's logits and what its readout says of single positions; both float32, 0 at padding."""

    logits_B: Tensor
    """As `forward` returns them."""
    lengths_B: Tensor
    """int64: positions of each review."""
    tokens_per_position: int
    """1, or the segment of a hierarchical encoder (a review's last segment may hold fewer)."""
    weights_BT: Tensor | None
    """With the readout `attention`: how much each position counts; they sum to 1."""
    token_logits_BT: Tensor | None
    """With the readout `tokens`: each position's own logit; the review's is their mean."""


class SentimentClassifier(nn.Module):
    """Embedding, LSTM encoder, merge of its directions, readout, linear head.

    The promise everything rests on: a review's logit does not depend on the company it keeps. Alone, in any
    batch, in any order and with any padding it is the same to 1e-5 in float32.
    """

    def __init__(self, settings: ModelSettings, vocabulary_size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, settings.embedding, padding_idx=PADDING_ID)
        nn.init.normal_(self.embedding.weight, std=EMBEDDING_SPREAD)
        nn.init.zeros_(self.embedding.weight[PADDING_ID])
        self.embedding_dropout = nn.Dropout(settings.embedding_dropout)
        self.encoder = build_encoder(settings)
        self.merge = MERGES[settings.merge]
        directions = 2 if settings.bidirectional and settings.merge == "concat" else 1
        self.readout: Readout = READOUTS[settings.readout](directions * settings.hidden, settings.dropout)
        is_logit = isinstance(self.readout, Tokens)
        self.head = nn.Identity() if is_logit else nn.Linear(self.readout.width, 1)

    def forward(self, tokens_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """logits_B (float32; positive speaks for a positive review).

        `tokens_BT` is int64, 0 at padding; `lengths_B` int64, at least 1.
        """
        merged = merge_directions(self.merge, self._encode(tokens_BT, lengths_B))
        logits_B: Tensor = self.head(self.readout(merged)).float()[:, 0]
        return logits_B

    def explain(self, tokens_BT: Tensor, lengths_B: Tensor) -> Explanation:
        """The logits of `forward`, with the attention weights or token logits behind them, if any."""
        states = self._encode(tokens_BT, lengths_B)
        merged = merge_directions(self.merge, states)
        readout = self.readout
        return Explanation(
            self.head(readout(merged)).float()[:, 0],
            states.lengths_B,
            self.encoder.tokens_per_position,
            readout.weights(merged).float() if isinstance(readout, Attention) else None,
            readout.token_logits(merged).float() if isinstance(readout, Tokens) else None,
        )

    def _encode(self, tokens_BT: Tensor, lengths_B: Tensor) -> States:
        states: States = self.encoder(self.embedding_dropout(self.embedding(tokens_BT)), lengths_B)
        return states
