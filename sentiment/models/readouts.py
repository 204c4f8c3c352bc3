"""Readouts: from the merged states of all positions to one vector for each review, padding left out.

A readout is built from the width M of a merged state and a dropout share. It is called `readout(merged)`,
returns `readout_BR` in the states' float type, and its `width` is R.
"""

import torch
from torch import Tensor, nn

from sentiment.models.merges import Merged


class Readout(nn.Module):
    """The base of all readouts: a width, and dropout before the head."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.width = width
        self.dropout = nn.Dropout(dropout)

    def forward(self, merged: Merged) -> Tensor:
        """Return readout_BR."""
        readout_BR: Tensor = self.dropout(self.pool(merged))
        return readout_BR

    def pool(self, merged: Merged) -> Tensor:
        """Return readout_BR before dropout."""
        raise NotImplementedError


class LastReadout(Readout):
    """Each direction's own last hidden state: h_n. Source: Sutskever et al. 2014."""

    def pool(self, merged: Merged) -> Tensor:
        """Return readout_BM."""
        return merged.hidden_BM


class CellReadout(Readout):
    """Each direction's own last cell state: c_n, which no output gate has filtered.

    Source: Hochreiter & Schmidhuber 1997.
    """

    def pool(self, merged: Merged) -> Tensor:
        """Return readout_BM."""
        return merged.cell_BM


class MaxReadout(Readout):
    """The largest value of each unit over the review. Source: Collobert & Weston 2008."""

    def pool(self, merged: Merged) -> Tensor:
        """Return readout_BM."""
        return masked_max(merged.states_BTM, merged.mask_BT)


class MeanReadout(Readout):
    """The mean of each unit over the review. Source: Lai et al. 2015, who compare it with the maximum."""

    def pool(self, merged: Merged) -> Tensor:
        """Return readout_BM."""
        return masked_mean(merged.states_BTM, merged.mask_BT)


class MaxMeanReadout(Readout):
    """Maximum and mean side by side. Source: Howard & Ruder 2018 (concat pooling)."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__(2 * width, dropout)

    def pool(self, merged: Merged) -> Tensor:
        """Return readout_BR, R = 2 * M."""
        pools = [pool(merged.states_BTM, merged.mask_BT) for pool in (masked_max, masked_mean)]
        return torch.cat(pools, dim=1)


class AttentionReadout(Readout):
    """A mean of the states with learned weights: the softmax, over the review, of v . tanh(W state + b).

    Source: Bahdanau et al. 2015; with a learned query v in place of a decoder's state, Yang et al. 2016.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__(width, dropout)
        self.key = nn.Linear(width, width)
        self.query = nn.Linear(width, 1, bias=False)

    def weights(self, merged: Merged) -> Tensor:
        """Return weights_BT: they sum to 1 over each review and are exactly 0 at padding."""
        scores_BT: Tensor = self.query(torch.tanh(self.key(merged.states_BTM)))[:, :, 0]
        return scores_BT.masked_fill(~merged.mask_BT, float("-inf")).softmax(dim=1)

    def pool(self, merged: Merged) -> Tensor:
        """Return readout_BM."""
        return (self.weights(merged)[:, :, None] * merged.states_BTM).sum(dim=1)


class TokensReadout(Readout):
    """The logits of each position, as in a tagger; the review's logits are their means.

    Its vector is those logits (R = O outputs): no head follows, and dropout applies to each state.
    Source: taggers, Graves & Schmidhuber 2005; the mean over instances, Kotzias et al. 2015.
    """

    def __init__(self, width: int, dropout: float, outputs: int = 1) -> None:
        super().__init__(outputs, dropout)
        self.tagger = nn.Linear(width, outputs)

    def token_logits(self, merged: Merged) -> Tensor:
        """Return logits_BTO: the logits of each position, 0 at padding."""
        logits_BTO: Tensor = self.tagger(self.dropout(merged.states_BTM))
        return logits_BTO.masked_fill(~merged.mask_BT[:, :, None], 0.0)

    def forward(self, merged: Merged) -> Tensor:
        """Return readout_BO: the review's logits."""
        return masked_mean(self.token_logits(merged), merged.mask_BT)


def masked_max(states_BTM: Tensor, mask_BT: Tensor) -> Tensor:
    """Return max_BM over the positions where the mask is true."""
    return states_BTM.masked_fill(~mask_BT[:, :, None], float("-inf")).amax(dim=1)


def masked_mean(states_BTM: Tensor, mask_BT: Tensor) -> Tensor:
    """Return mean_BM over the positions where the mask is true."""
    return states_BTM.masked_fill(~mask_BT[:, :, None], 0.0).sum(dim=1) / mask_BT.sum(dim=1, keepdim=True)


def build_readout(name: str, width: int, dropout: float, outputs: int) -> Readout:
    """Make the readout that `model.readout` names; `outputs` is the number of logits of a review."""
    if name == "tokens":
        return TokensReadout(width, dropout, outputs)
    return READOUTS[name](width, dropout)


READOUTS: dict[str, type[Readout]] = {
    "last": LastReadout,
    "cell": CellReadout,
    "max": MaxReadout,
    "mean": MeanReadout,
    "max_mean": MaxMeanReadout,
    "attention": AttentionReadout,
    "tokens": TokensReadout,
}
