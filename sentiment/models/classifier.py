"""The whole network: from token ids to the logits of each review."""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sentiment.config import ModelSettings
from sentiment.data.ids import PADDING_ID, UNKNOWN_ID
from sentiment.models.channels import AttentionFusion, SharedWeight
from sentiment.models.encoders import (
    HierarchicalEncoder,
    Layer,
    NormalisedLSTM,
    ResidualLSTM,
    StackedEncoder,
    StackSettings,
)
from sentiment.models.lstm import ExactLSTM, States, TruncatedLSTM
from sentiment.models.merges import MERGES, merge_directions
from sentiment.models.readouts import AttentionReadout, Readout, TokensReadout, build_readout

# New embeddings are uniform between -0.17 and 0.17; those of nn.Embedding are about ten times as large.
EMBEDDING_LIMIT = 0.17


class ReadoutDetails(NamedTuple):
    """The logits of a batch and what its readout gives each position; float32, 0 at padding."""

    logits: Tensor
    """As `forward` returns them."""
    lengths_B: Tensor
    """int64: the number of positions of each review."""
    tokens_per_position: int
    """1; for a hierarchical encoder the tokens of a segment (the last one of a review may hold fewer)."""
    weights_BT: Tensor | None
    """Only with the readout `attention`: how much each position counts; the weights sum to 1."""
    token_logits: Tensor | None
    """Only with the readout `tokens`: the logit of each position (BT), or its logits (BTO) with more classes;
    their means over positions are the review's."""


class LSTMClassifier(nn.Module):
    """Embedding, LSTM encoder, merge of its directions, readout, linear head.

    A review's logits do not depend on the other reviews of its batch. Alone, in any batch, in any order and
    with any padding, they are the same to 1e-5 in float32.
    """

    def __init__(self, settings: ModelSettings, *vocabulary_sizes: int, classes: int = 2) -> None:
        """Take the number of ids in the vocabulary of each channel, and the number of classes."""
        super().__init__()
        self.classes = classes
        self.embeddings = nn.ModuleList(new_embedding(size, settings.embedding) for size in vocabulary_sizes)
        self.word_dropout = settings.word_dropout
        self.embedding_dropout = nn.Dropout(settings.embedding_dropout)
        self.encoder = build_encoder(settings)
        self.merge = MERGES[settings.merge]
        directions = 2 if settings.bidirectional and settings.merge == "concat" else 1
        outputs = count_outputs(classes)
        self.readout: Readout = build_readout(
            settings.readout, directions * settings.hidden, settings.dropout, outputs
        )
        gives_logits = isinstance(self.readout, TokensReadout)
        self.head = nn.Identity() if gives_logits else nn.Linear(self.readout.width, outputs)

    def forward(self, tokens_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """Return logits_B (float32), above 0 for the second of two classes; logits_BO for more classes.

        `tokens_BT` is int64, 0 at padding; with several channels its shape is (B, T, C). `lengths_B` is
        int64, at least 1.
        """
        return self.classify(self.embed(tokens_BT), lengths_B)

    def embed(self, tokens_BT: Tensor) -> Tensor:
        """Return inputs_BTE (inputs_BTCE with several channels): the embeddings, after dropout."""
        if self.training and self.word_dropout:
            dropped_BT = torch.rand(tokens_BT.shape[:2], device=tokens_BT.device) < self.word_dropout
            dropped_BT = dropped_BT.reshape(*dropped_BT.shape, *[1] * (tokens_BT.dim() - 2))
            tokens_BT = tokens_BT.masked_fill(dropped_BT & (tokens_BT != PADDING_ID), UNKNOWN_ID)
        inputs: Tensor = self.embedding_dropout(self._look_up(tokens_BT))
        return inputs

    def classify(self, inputs_BTE: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the logits of `forward` for embedded tokens."""
        merged = merge_directions(self.merge, self.encoder(inputs_BTE, lengths_B))
        return drop_single_output(self.head(self.readout(merged)).float())

    def readout_details(self, tokens_BT: Tensor, lengths_B: Tensor) -> ReadoutDetails:
        """Return the logits of `forward` with the attention weights or token logits behind them, if any."""
        states: States = self.encoder(self.embed(tokens_BT), lengths_B)
        merged = merge_directions(self.merge, states)
        readout = self.readout
        return ReadoutDetails(
            logits=drop_single_output(self.head(readout(merged)).float()),
            lengths_B=states.lengths_B,
            tokens_per_position=self.encoder.tokens_per_position,
            weights_BT=readout.weights(merged).float() if isinstance(readout, AttentionReadout) else None,
            token_logits=drop_single_output(readout.token_logits(merged).float())
            if isinstance(readout, TokensReadout)
            else None,
        )

    @property
    def last_layer(self) -> nn.Module:
        """The layer that gives the logits."""
        return self.readout.tagger if isinstance(self.readout, TokensReadout) else self.head

    @torch.no_grad()
    def scale_logits(self, factor: float) -> None:
        """Multiply the weights of the last layer, and with them every logit, by `factor`."""
        for parameter in self.last_layer.parameters():
            parameter.mul_(factor)

    def _look_up(self, tokens_BT: Tensor) -> Tensor:
        """Return inputs_BTE (inputs_BTCE with several channels)."""
        if len(self.embeddings) == 1:
            inputs_BTE: Tensor = self.embeddings[0](tokens_BT)
            return inputs_BTE
        channels = zip(self.embeddings, tokens_BT.unbind(2), strict=True)
        return torch.stack([embedding(channel_BT) for embedding, channel_BT in channels], dim=2)


def count_outputs(classes: int) -> int:
    """Return how many logits a review has: one for two classes, else one for each class."""
    return 1 if classes == 2 else classes


def drop_single_output(logits_XO: Tensor) -> Tensor:
    """Return logits_X if there is one output, else the logits as they are."""
    return logits_XO[..., 0] if logits_XO.shape[-1] == 1 else logits_XO


def new_embedding(words: int, width: int) -> nn.Embedding:
    """Make an embedding with small random rows and a row of zeros for padding."""
    rows_VE = torch.empty(words, width).uniform_(-EMBEDDING_LIMIT, EMBEDDING_LIMIT)
    rows_VE[PADDING_ID] = 0
    embedding: nn.Embedding = nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
        rows_VE, freeze=False, padding_idx=PADDING_ID
    )
    return embedding


def build_encoder(
    settings: ModelSettings,
) -> StackedEncoder | HierarchicalEncoder | SharedWeight | AttentionFusion:
    """Make the encoder that `settings.encoder` names."""
    widths = settings.embedding, settings.hidden
    stack = StackSettings(
        layers=settings.layers, bidirectional=settings.bidirectional, dropout=settings.dropout
    )
    if settings.encoder == "hierarchical":
        return HierarchicalEncoder(*widths, **stack, segment=settings.segment)
    if settings.encoder == "shared_weight":
        return SharedWeight(*widths, **stack, channels=len(settings.channels))
    if settings.encoder == "attention_fusion":
        return AttentionFusion(*widths, **stack, channels=len(settings.channels))
    layers: dict[str, Layer] = {
        "stacked": ExactLSTM,
        "residual": ResidualLSTM,
        "layer_norm": NormalisedLSTM,
        "truncated": partial(TruncatedLSTM, truncation=settings.truncation),
    }
    return StackedEncoder(*widths, **stack, layer=layers[settings.encoder])
