"""A language model that trains a classifier's embedding and LSTM before they see a label.

Each direction of the LSTM predicts the word it reads next. Source: Dai & Le 2015 (LM-LSTM), here in both
directions at once.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from sentiment.models.classifier import LSTMClassifier
from sentiment.models.encoders import StackedEncoder
from sentiment.models.full_softmax import full_cross_entropy
from sentiment.models.lstm import ExactLSTM, padding_mask
from sentiment.models.sampled_softmax import chances_of_being_drawn, sampled_cross_entropy

# Wrong words are drawn by their frequency to this power: Mikolov et al. 2013.
SAMPLING_POWER = 0.75


class LanguageModel(nn.Module):
    """A classifier's embedding and one-layer LSTM; the output weights are those of the embedding."""

    proposal_V: Tensor
    """float32: how likely each word is in a single draw of a wrong word."""
    log_drawn_V: Tensor
    """float32: logarithm of each word's probability to be among the samples."""
    missing_V: Tensor
    """bool: whether a word never occurs."""

    def __init__(self, classifier: LSTMClassifier, counts_V: Tensor, samples: int) -> None:
        """`counts_V` (int64) is how often each word occurs.

        `samples` is how many wrong words are drawn; 0 compares with all words that occur.
        """
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
        self.register_buffer("missing_V", counts_V == 0, persistent=False)
        if self.samples:
            proposal_V = counts_V.double() ** SAMPLING_POWER
            proposal_V = proposal_V / proposal_V.sum()
            drawn_V = chances_of_being_drawn(proposal_V, self.samples)
            self.register_buffer("proposal_V", proposal_V.float(), persistent=False)
            self.register_buffer("log_drawn_V", drawn_V.clamp(min=1e-9).log().float(), persistent=False)

    def forward(self, tokens_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the summed loss (scalar, nats) of every word that a direction predicts.

        `tokens_BT` is int64, `lengths_B` int64 and at least 1. Each direction predicts L - 1 words of a
        review of L words.
        """
        return (
            self._sampled_loss(tokens_BT, lengths_B)
            if self.samples
            else self._full_loss(tokens_BT, lengths_B)
        )

    def _full_loss(self, tokens_BT: Tensor, lengths_B: Tensor) -> Tensor:
        embedding, words_N = self.embeddings[0], tokens_BT.flatten()
        assert isinstance(embedding, nn.Embedding)
        bias_V = self.bias_V.masked_fill(self.missing_V, float("-inf"))
        loss = bias_V.new_zeros(())
        for predicted_PE, next_P in self._predict(embedding(tokens_BT), lengths_B):
            loss = loss + full_cross_entropy(predicted_PE, words_N[next_P], embedding.weight, bias_V)
        return loss

    def _sampled_loss(self, tokens_BT: Tensor, lengths_B: Tensor) -> Tensor:
        sampled_S = torch.multinomial(self.proposal_V, self.samples)
        words_N = tokens_BT.flatten()
        # One lookup for inputs, right and wrong words: each lookup has a gradient as large as the table.
        rows_NE, sampled_SE = self.embeddings[0](torch.cat([words_N, sampled_S])).split(
            [len(words_N), self.samples]
        )
        # Frequent words are drawn more often as wrong words. Without this correction they would be unlearned.
        shift_V = self.bias_V - self.log_drawn_V
        column_V = sampled_S.new_full(shift_V.shape, -1)
        column_V[sampled_S] = torch.arange(len(sampled_S), device=sampled_S.device)
        loss = shift_V.new_zeros(())
        for predicted_PE, next_P in self._predict(rows_NE.unflatten(0, tokens_BT.shape), lengths_B):
            right_P = words_N[next_P]
            right_logits_P = (predicted_PE * rows_NE[next_P]).sum(1) + shift_V[right_P]
            loss = loss + sampled_cross_entropy(
                predicted_PE,
                right_logits_P,
                sampled_SE,
                shift_V[sampled_S],
                own_column_N=column_V[right_P],
            )
        return loss

    def _predict(self, inputs_BTE: Tensor, lengths_B: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield, for each direction, predicted_PE and next_P: the places of the words that it predicts."""
        states_BTDH = self.encoder(inputs_BTE, lengths_B).states_BTDH
        before_P = padding_mask(lengths_B - 1, inputs_BTE.shape[1]).flatten().nonzero()[:, 0]
        after_P = before_P + 1  # of two neighbours, one is read and the other is predicted
        for projection, states_NH, read_P, next_P in zip(
            self.projections,
            states_BTDH.flatten(0, 1).unbind(1),
            (before_P, after_P),
            (after_P, before_P),
            strict=False,
        ):
            yield projection(states_NH[read_P]), next_P
