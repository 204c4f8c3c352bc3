"""The softmax over every word of the vocabulary: loss and gradient in a single pass, a few rows at a time."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

LOGITS_AT_A_TIME = 2**26  # 256 MB in float32: large products for a GPU, and little of its memory


def full_cross_entropy(predicted_NE: Tensor, right_N: Tensor, words_VE: Tensor, bias_V: Tensor) -> Tensor:
    """Return the summed cross-entropy (scalar, nats) of the right words (int64) against all words.

    A word's logit is its embedding times the prediction, plus its bias; -inf leaves a word out. The products
    have the precision of the predictions, which autocast may have made bfloat16; all else has that of the
    embeddings.
    """
    loss: Tensor = _FullCrossEntropy.apply(predicted_NE, right_N, words_VE, bias_V)  # type: ignore[no-untyped-call]
    return loss


class _FullCrossEntropy(torch.autograd.Function):
    """The loss with its own gradient: autograd would store the logits of all rows, gigabytes for a batch."""

    @staticmethod
    def forward(
        context: Any, predicted_NE: Tensor, right_N: Tensor, words_VE: Tensor, bias_V: Tensor
    ) -> Tensor:
        by_predicted_NE = torch.empty_like(predicted_NE)
        by_words_VE, by_bias_V = torch.zeros_like(words_VE), torch.zeros_like(bias_V)
        loss, factors_VE = bias_V.new_zeros(()), words_VE.to(predicted_NE.dtype)
        at_a_time = max(1, LOGITS_AT_A_TIME // len(words_VE))
        with torch.autocast(predicted_NE.device.type, enabled=False):
            for start in range(0, len(predicted_NE), at_a_time):
                rows = slice(start, start + at_a_time)
                predicted_RE, right_R = predicted_NE[rows], right_N[rows]
                rows_R = torch.arange(len(right_R), device=right_R.device)
                errors_RV = torch.log_softmax(torch.mm(predicted_RE, factors_VE.T) + bias_V, dim=1)
                loss -= errors_RV[rows_R, right_R].sum()
                errors_RV.exp_()[rows_R, right_R] -= 1
                by_bias_V += errors_RV.sum(0)
                errors_RV = errors_RV.to(predicted_NE.dtype)
                torch.mm(errors_RV, factors_VE, out=by_predicted_NE[rows])
                by_words_VE += torch.mm(errors_RV.T, predicted_RE)
        context.save_for_backward(by_predicted_NE, by_words_VE, by_bias_V)
        return loss

    @staticmethod
    @once_differentiable
    def backward(context: Any, by_loss: Tensor) -> tuple[Tensor | None, ...]:
        by_predicted_NE, by_words_VE, by_bias_V = context.saved_tensors
        return by_loss * by_predicted_NE, None, by_loss * by_words_VE, by_loss * by_bias_V
