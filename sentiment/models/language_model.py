"""A language model over a classifier's embedding and LSTM: what both learn before they see a label.

Each direction of the LSTM predicts the word it reads next. Source: Dai & Le 2015 (LM-LSTM), here in both
directions at once; the softmax over sampled words is that of Jean et al. 2015.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sentiment.models.classifier import SentimentClassifier
from sentiment.models.encoders import StackedEncoder
from sentiment.models.lstm import ExactLSTM, padding_mask

SAMPLING_POWER = 0.75  # of a word's frequency, when wrong words are drawn: Mikolov et al. 2013


class LanguageModel(nn.Module):
    """A classifier's embedding and one-layer LSTM, and a softmax over words tied to the embedding."""

    proposal_V: Tensor
    """float32: how a wrong word is drawn."""
    log_drawn_V: Tensor
    """float32: logarithm of each word's chance to be among the samples."""

    def __init__(self, classifier: SentimentClassifier, counts_V: Tensor, samples: int) -> None:
        """Take how often each word occurs (int64), and how many wrong ones a right one is told from."""
        super().__init__()
        self.embeddings = classifier.embeddings
        self.encoder = classifier.encoder
        assert isinstance(classifier.encoder, StackedEncoder)
        embedding, lstm = classifier.embeddings[0], classifier.encoder.layers[0]
        assert isinstance(embedding, nn.Embedding) and isinstance(lstm, ExactLSTM)
        self.projections = nn.ModuleList(
            nn.Linear(lstm.hidden_size, embedding.embedding_dim, bias=False) for _ in range(lstm.directions)
        )
        self.bias_V = nn.Parameter(((counts_V + 1) / (counts_V + 1).sum()).log())
        self.samples = min(samples, int((counts_V > 0).sum()))
        proposal_V = counts_V.double() ** SAMPLING_POWER
        proposal_V = proposal_V / proposal_V.sum()
        drawn_V = chances_of_being_drawn(proposal_V, self.samples)
        self.register_buffer("proposal_V", proposal_V.float(), persistent=False)
        self.register_buffer("log_drawn_V", drawn_V.clamp(min=1e-9).log().float(), persistent=False)

    def forward(self, tokens_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """Sum of the losses (float32 scalar, nats) over every word that a direction has to predict.

        `tokens_BT` is int64, `lengths_B` int64 and at least 1. A review of L words has L - 1 to predict in
        each direction.
        """
        sampled_S = torch.multinomial(self.proposal_V, self.samples)
        # One lookup serves inputs, right words and wrong words: each has a gradient as large as the table.
        rows_NE = self.embeddings[0](torch.cat([tokens_BT.flatten(), sampled_S]))
        inputs_BTE = rows_NE[: tokens_BT.numel()].unflatten(0, tokens_BT.shape)
        states_BTDH = self.encoder(inputs_BTE, lengths_B).states_BTDH
        mask_BT = padding_mask(lengths_B - 1, tokens_BT.shape[1] - 1)
        sampled_SE = rows_NE[tokens_BT.numel() :]
        first, last = slice(None, -1), slice(1, None)  # a state, and the word its direction reads next
        losses = [
            self._sampled_softmax(
                projection(states_BTDH[:, state, direction][mask_BT]),
                inputs_BTE[:, word][mask_BT],
                tokens_BT[:, word][mask_BT],
                sampled_SE,
                sampled_S,
            )
            for direction, (projection, state, word) in enumerate(
                zip(self.projections, (first, last), (last, first), strict=False)
            )
        ]
        return torch.stack(losses).sum()

    def _sampled_softmax(
        self, predicted_NE: Tensor, right_NE: Tensor, right_N: Tensor, sampled_SE: Tensor, sampled_S: Tensor
    ) -> Tensor:
        """Sum of the cross-entropies of the right words against the sampled ones.

        A word's logit is lowered by the logarithm of how likely it is among the samples, so that frequent
        words, which are drawn more often, are not unlearned.
        """
        shift_V = self.bias_V - self.log_drawn_V
        right_logits_N = (predicted_NE * right_NE).sum(1) + shift_V[right_N]
        logits_NS = torch.addmm(shift_V[sampled_S], predicted_NE, sampled_SE.T)
        columns_V = sampled_S.new_full(shift_V.shape, -1)
        columns_V[sampled_S] = torch.arange(len(sampled_S), device=sampled_S.device)
        columns_N = columns_V[right_N]
        drawn = columns_N >= 0  # a right word that was also drawn must not count against itself
        logits_NS[drawn.nonzero()[:, 0], columns_N[drawn]] = float("-inf")
        logits_NX = torch.cat([right_logits_N[:, None], logits_NS], dim=1)
        return F.cross_entropy(logits_NX, torch.zeros_like(right_N), reduction="sum")


def chances_of_being_drawn(proposal_V: Tensor, samples: int) -> Tensor:
    """chances_V (float64) of each word to be among `samples` different ones, drawn one after the other.

    1 - exp(-k p), with k such that the chances sum to the samples (Rosen 1972); all 1 if every word is drawn.
    """
    drawable_V = proposal_V > 0
    if samples >= int(drawable_V.sum()):
        return drawable_V.double()
    low, high = 0.0, 1.0 / float(proposal_V[drawable_V].min()) * 50
    for _ in range(200):
        middle = (low + high) / 2
        if float(-torch.expm1(-middle * proposal_V).sum()) < samples:
            low = middle
        else:
            high = middle
    return -torch.expm1(-high * proposal_V)
