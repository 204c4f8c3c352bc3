"""N-gram evidence: linear logits over the distinct 1- to 3-grams of a review.

It adds what an LSTM overlooks. Source: Wang & Manning 2012; with a recurrent network, Mesnil et al. 2015.
"""

import torch
from torch import Tensor, nn

from sentiment.data.ids import UNKNOWN_ID

LONGEST_NGRAM = 3  # in words
NO_NGRAM = 0  # this key belongs to no n-gram
UNUSED = torch.iinfo(torch.int64).max  # the key of a place that holds no n-gram


class NGramEvidence(nn.Module):
    """The n-grams that count and their weights.

    A review's logit is the sum of the weights of its n-grams, divided by the L2 norm of their inverse
    document frequencies. With more classes than two, each has its own weights and logit. An n-gram's key is
    the number whose digits, in base `words`, are its words' ids.
    """

    keys_G: Tensor
    """int64, ascending; unused places at the end hold the largest int64."""
    weights_G: Tensor
    """float32: coefficient times log-count ratio times inverse document frequency; (G, O) with more classes
    than two."""
    squares_G: Tensor
    """float32: squared inverse document frequency."""
    bias: Tensor
    """float32 scalar; (O,) with more classes than two."""

    def __init__(self, size: int, words: int, classes: int = 2) -> None:
        """Make room for `size` n-grams of a vocabulary of `words` ids; all weights are zero."""
        super().__init__()
        self.words = words
        outputs = () if classes == 2 else (classes,)
        self.register_buffer("keys_G", torch.full((size,), UNUSED))
        self.register_buffer("weights_G", torch.zeros(size, *outputs))
        self.register_buffer("squares_G", torch.zeros(size))
        self.register_buffer("bias", torch.zeros(outputs))

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """Return logits_B (float32; logits_BO with more classes) of int64 token ids, 0 at padding."""
        weights_BN, squares_BN = self._look_up(distinct_ngrams(tokens_BT, self.words))
        sums_B, norms_B = weights_BN.sum(dim=1), squares_BN.sum(dim=1).sqrt()
        norms_B = norms_B.reshape(-1, *[1] * (sums_B.dim() - 1))
        return torch.where(norms_B > 0, sums_B / norms_B, 0.0) + self.bias

    def contributions(self, tokens_1T: Tensor) -> Tensor:
        """Return contributions_T (contributions_TO; float32): each token's part of one review's logits.

        The bias is left out. An n-gram's part is split evenly between the places where it occurs, and there
        between its words.
        """
        shares_T = self.weights_G.new_zeros(tokens_1T.shape[1], *self.bias.shape)
        squares = self.squares_G.new_zeros(())
        for length, keys_1P in enumerate(ngrams(tokens_1T, self.words), start=1):
            keys_D, distinct_P, counts_D = keys_1P[0].unique(  # type: ignore[no-untyped-call]
                return_inverse=True, return_counts=True
            )
            weights_D, squares_D = self._look_up(keys_D)
            squares = squares + squares_D.sum()
            counts_D = counts_D.reshape(-1, *[1] * self.bias.dim())
            share_P = (weights_D / counts_D)[distinct_P] / length
            for offset in range(length):
                shares_T[offset : offset + len(share_P)] += share_P
        return shares_T / squares.sqrt() if squares > 0 else shares_T

    def scale_logits(self, factor: float) -> None:
        """Multiply the weights and the bias, and with them every logit, by `factor`."""
        self.weights_G.mul_(factor)
        self.bias.mul_(factor)

    def keys_with(self, words: int) -> Tensor:
        """Return keys_K (int64, ascending): those in use, for a larger vocabulary of `words` ids.

        Words keep their ids when a vocabulary is extended, so only the base of the keys changes.
        """
        keys_K = self.keys_G[self.keys_G < UNUSED]
        first_K, rest_K = keys_K // self.words**2, keys_K % self.words**2
        return (first_K * words + rest_K // self.words) * words + rest_K % self.words

    def _look_up(self, keys_X: Tensor) -> tuple[Tensor, Tensor]:
        """Return weights_X and squares_X, 0 for n-grams that do not count."""
        places_X = torch.searchsorted(self.keys_G, keys_X).clamp(max=len(self.keys_G) - 1)
        kept_X = self.keys_G[places_X] == keys_X
        weights_X = self.weights_G[places_X] * kept_X.reshape(*kept_X.shape, *[1] * self.bias.dim())
        return weights_X, self.squares_G[places_X] * kept_X


def distinct_ngrams(tokens_BT: Tensor, words: int) -> Tensor:
    """Return keys_BN (int64): each review's n-grams of known words, ascending.

    NO_NGRAM replaces repeated n-grams and those with an unknown word.
    """
    keys_BN = torch.cat(ngrams(tokens_BT, words), dim=1).sort(dim=1).values
    repeated_BN = keys_BN[:, 1:] == keys_BN[:, :-1]
    return torch.cat([keys_BN[:, :1], keys_BN[:, 1:].masked_fill(repeated_BN, NO_NGRAM)], dim=1)


def ngrams(tokens_BT: Tensor, words: int) -> list[Tensor]:
    """Return keys_BP (int64) for each length: the n-gram that starts at each place.

    NO_NGRAM where it holds an unknown word.
    """
    known_BT = tokens_BT > UNKNOWN_ID
    keys_BT, whole_BT = tokens_BT, known_BT
    keys = []
    for longer in range(1, LONGEST_NGRAM + 1):
        keys.append(torch.where(whole_BT, keys_BT, NO_NGRAM))
        keys_BT = keys_BT[:, :-1] * words + tokens_BT[:, longer:]
        whole_BT = whole_BT[:, :-1] & known_BT[:, longer:]
    return keys
