"""N-gram evidence: a linear logit over the distinct 1- to 3-grams of a review, for what an LSTM overlooks.

Source: Wang & Manning 2012; beside a recurrent network, Mesnil et al. 2015.
"""

import torch
from torch import Tensor, nn

from sentiment.models.classifier import UNKNOWN_ID

LONGEST = 3  # words of an n-gram
NONE = 0  # no n-gram's key


class NGramEvidence(nn.Module):
    """Weights of the n-grams that count; a review's logit is their sum over its own, by their norm.

    An n-gram's key is the number whose digits, in base `words`, are the ids of its words.
    """

    keys_G: Tensor
    """int64, ascending; unused places at the end hold the largest int64."""
    weights_G: Tensor
    """float32: coefficient times inverse document frequency."""
    squares_G: Tensor
    """float32: squared inverse document frequency."""
    bias: Tensor
    """float32 scalar."""

    def __init__(self, size: int, words: int) -> None:
        """Take the number of n-grams and of the vocabulary's words; all weights are zero."""
        super().__init__()
        self.words = words
        self.register_buffer("keys_G", torch.full((size,), torch.iinfo(torch.int64).max))
        self.register_buffer("weights_G", torch.zeros(size))
        self.register_buffer("squares_G", torch.zeros(size))
        self.register_buffer("bias", torch.zeros(()))

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """logits_B (float32) of int64 token ids, 0 at padding."""
        keys_BN = distinct_ngrams(tokens_BT, self.words)
        places_BN = torch.searchsorted(self.keys_G, keys_BN).clamp(max=len(self.keys_G) - 1)
        counts_BN = self.keys_G[places_BN] == keys_BN
        sums_B = (self.weights_G[places_BN] * counts_BN).sum(dim=1)
        norms_B = (self.squares_G[places_BN] * counts_BN).sum(dim=1).sqrt()
        return torch.where(norms_B > 0, sums_B / norms_B, 0.0) + self.bias


def distinct_ngrams(tokens_BT: Tensor, words: int) -> Tensor:
    """keys_BN (int64) of each review's n-grams of known words, ascending; repetitions and gaps are NONE."""
    known_BT = tokens_BT > UNKNOWN_ID
    keys_BT, whole_BT = tokens_BT, known_BT
    keys = []
    for longer in range(1, LONGEST + 1):
        keys.append(torch.where(whole_BT, keys_BT, NONE))
        keys_BT = keys_BT[:, :-1] * words + tokens_BT[:, longer:]
        whole_BT = whole_BT[:, :-1] & known_BT[:, longer:]
    keys_BN = torch.cat(keys, dim=1).sort(dim=1).values
    repeated_BN = keys_BN[:, 1:] == keys_BN[:, :-1]
    return torch.cat([keys_BN[:, :1], keys_BN[:, 1:].masked_fill(repeated_BN, NONE)], dim=1)
