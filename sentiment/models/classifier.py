"""The whole network: token ids to one logit a review."""

from torch import Tensor, nn

from sentiment.config import ModelSettings
from sentiment.models.encoders import StackedEncoder
from sentiment.models.readouts import READOUTS

PADDING_ID = 0
EMBEDDING_SPREAD = 0.1  # standard deviation of a new embedding; nn.Embedding's own 1.0 drowns the gradient


class SentimentClassifier(nn.Module):
    """Embedding, LSTM encoder, readout, linear head.

    The promise everything rests on: a review's logit does not depend on the company it keeps. Alone, in any
    batch, in any order and with any padding it is the same to 1e-5 in float32.
    """

    def __init__(self, settings: ModelSettings, vocabulary_size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, settings.embedding, padding_idx=PADDING_ID)
        nn.init.normal_(self.embedding.weight, std=EMBEDDING_SPREAD)
        self.embedding_dropout = nn.Dropout(settings.embedding_dropout)
        self.encoder = StackedEncoder(
            settings.embedding, settings.hidden, settings.layers, settings.bidirectional, settings.dropout
        )
        self.readout = READOUTS[settings.readout]
        self.dropout = nn.Dropout(settings.dropout)
        self.head = nn.Linear(settings.hidden * (2 if settings.bidirectional else 1), 1)

    def forward(self, tokens_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """logits_B (float32; positive speaks for a positive review).

        `tokens_BT` is int64, 0 at padding; `lengths_B` int64, at least 1.
        """
        inputs_BTE = self.embedding_dropout(self.embedding(tokens_BT))
        states = self.encoder(inputs_BTE, lengths_B)
        readout_BM = self.readout(states, lengths_B)
        logits_B: Tensor = self.head(self.dropout(readout_BM)).float()[:, 0]
        return logits_B
