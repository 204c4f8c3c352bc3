"""The settings of the network."""

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from sentiment.config.section import Section

CHANNEL_ENCODERS = ("shared_weight", "attention_fusion")


class ModelSettings(Section):
    """The network. The defaults are the article's model (docs/article.md), corrected."""

    embedding: int = Field(100, ge=1)
    """Width of a word's embedding."""
    encoder: Literal[
        "stacked",
        "residual",
        "layer_norm",
        "truncated",
        "hierarchical",
        "shared_weight",
        "attention_fusion",
    ] = "stacked"
    """`stacked` puts LSTM layers on top of each other. `residual` adds each layer's input to its states.
    `layer_norm` normalises the states. `truncated` cuts the gradient every `truncation` steps. `hierarchical`
    reads the tokens of each `segment`, then the segments. `shared_weight` reads several `channels` of a token
    with one LSTM, `attention_fusion` with one LSTM for each channel."""
    hidden: int = Field(256, ge=1)
    """Hidden units of the LSTM in each direction."""
    layers: int = Field(2, ge=1, le=16)
    """Number of LSTM layers; with `hierarchical`, of each of its two LSTMs."""
    bidirectional: bool = True
    """Whether a second LSTM reads each review backwards."""
    truncation: int = Field(50, ge=1)
    """Steps between two cuts of the gradient. Only `truncated` reads this key."""
    segment: int = Field(50, ge=1)
    """Tokens in a segment. Only `hierarchical` reads this key."""
    channels: list[Literal["form", "lower", "prefix", "suffix", "shape"]] = Field(
        ["lower", "prefix", "suffix", "shape"], min_length=2
    )
    """What `shared_weight` and `attention_fusion` see of a token. The other encoders see the word itself."""
    merge: Literal["concat", "sum", "max"] = "concat"
    """How the states of the two directions become one vector: joined, summed, or the larger value of each
    unit."""
    readout: Literal["last", "cell", "max", "mean", "max_mean", "attention", "tokens"] = "last"
    """How the states of a review become one vector. `last` and `cell` take the last hidden or cell state of
    each direction. `max`, `mean` and `max_mean` pool over the tokens. `attention` learns how much each
    token counts. `tokens` gives each token its own logit and takes the mean."""
    word_dropout: float = Field(0.0, ge=0, lt=1)
    """Share of tokens that are read as unknown in training: no single word should decide. Pretraining reads
    them all."""
    embedding_dropout: float = Field(0.5, ge=0, lt=1)
    """Share of embedding values set to zero in training."""
    dropout: float = Field(0.5, ge=0, lt=1)
    """Share of values set to zero between layers and before the head."""

    @field_validator("merge")
    @classmethod
    def _check_merge(cls, merge: str, info: ValidationInfo) -> str:
        if merge != "concat" and info.data.get("bidirectional") is False:
            raise ValueError(
                "One direction has nothing to merge: set model.bidirectional=true or model.merge=concat"
            )
        return merge

    @field_validator("channels")
    @classmethod
    def _check_channels(cls, channels: list[str]) -> list[str]:
        if len(set(channels)) < len(channels):
            raise ValueError("A channel is listed twice")
        return channels

    @property
    def views(self) -> list[str]:
        """The channels the encoder reads; empty for an encoder of plain tokens."""
        return list(self.channels) if self.encoder in CHANNEL_ENCODERS else []
