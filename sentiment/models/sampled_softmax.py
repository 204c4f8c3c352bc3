"""The softmax over a right word and sampled wrong words: loss and gradient in a single pass.

Source: Jean et al. 2015.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

ROWS_AT_A_TIME = 1024  # few enough that their logits stay in a CPU's cache


def sampled_cross_entropy(
    predicted_NE: Tensor,
    right_logits_N: Tensor,
    sampled_SE: Tensor,
    shift_S: Tensor,
    *,
    own_column_N: Tensor,
) -> Tensor:
    """Return the summed cross-entropy (scalar, nats) of the right words against the sampled ones.

    A sampled word's logit is its embedding times the prediction, plus its shift. `own_column_N` (int64) is
    the column of a right word among the samples, or -1; the logit in that column does not count. Half
    precision is computed in float32.
    """
    given = (predicted_NE, right_logits_N, sampled_SE, shift_S)
    floats = (values.to(torch.promote_types(values.dtype, torch.float32)) for values in given)
    loss: Tensor = _SampledCrossEntropy.apply(*floats, own_column_N)  # type: ignore[no-untyped-call]
    return loss


class _SampledCrossEntropy(torch.autograd.Function):
    """The loss with its own gradient: autograd would store every logit and take 50% longer."""

    @staticmethod
    def forward(
        context: Any,
        predicted_NE: Tensor,
        right_logits_N: Tensor,
        sampled_SE: Tensor,
        shift_S: Tensor,
        own_column_N: Tensor,
    ) -> Tensor:
        gradients = [torch.zeros_like(given) for given in (predicted_NE, right_logits_N, sampled_SE, shift_S)]
        by_predicted_NE, by_right_N, by_sampled_SE, by_shift_S = gradients
        loss = predicted_NE.new_zeros(())
        with torch.autocast(predicted_NE.device.type, enabled=False):
            for start in range(0, len(predicted_NE), ROWS_AT_A_TIME):
                rows = slice(start, start + ROWS_AT_A_TIME)
                logits_RS = torch.addmm(shift_S, predicted_NE[rows], sampled_SE.T)
                drawn_D = (own_column_N[rows] >= 0).nonzero()[:, 0]
                logits_RS[drawn_D, own_column_N[rows][drawn_D]] = float("-inf")
                right_R = right_logits_N[rows]
                highest_R = torch.maximum(logits_RS.amax(1), right_R)
                chances_RS = logits_RS.sub_(highest_R[:, None]).exp_()
                right_chance_R = (right_R - highest_R).exp()
                total_R = chances_RS.sum(1) + right_chance_R
                loss += (total_R.log() + highest_R - right_R).sum()
                chances_RS.div_(total_R[:, None])
                by_right_N[rows] = right_chance_R / total_R - 1
                torch.mm(chances_RS, sampled_SE, out=by_predicted_NE[rows])
                by_sampled_SE.addmm_(chances_RS.T, predicted_NE[rows])
                by_shift_S += chances_RS.sum(0)
        context.save_for_backward(*gradients)
        return loss

    @staticmethod
    @once_differentiable
    def backward(context: Any, by_loss: Tensor) -> tuple[Tensor | None, ...]:
        return (*(by_loss * gradient for gradient in context.saved_tensors), None)


def chances_of_being_drawn(proposal_V: Tensor, samples: int) -> Tensor:
    """Return chances_V (float64): each word's probability to be among `samples` draws without replacement.

    It is 1 - exp(-k p), with k such that the sum is `samples` (Rosen 1972); 1 if every word is drawn.
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
