"""The sampled softmax: the loss and the gradients of the plain one, for any drawn words."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cross_entropy

from sentiment.models import sampled_softmax
from sentiment.models.sampled_softmax import chances_of_being_drawn, sampled_cross_entropy


def plain(
    predicted_NE: Tensor, right_logits_N: Tensor, sampled_SE: Tensor, shift_S: Tensor, *, own_column_N: Tensor
) -> Tensor:
    logits_NS = predicted_NE @ sampled_SE.T + shift_S
    own_NS = own_column_N[:, None] == torch.arange(len(shift_S))
    logits_NX = torch.cat([right_logits_N[:, None], logits_NS.masked_fill(own_NS, float("-inf"))], dim=1)
    return cross_entropy(logits_NX, torch.zeros(len(predicted_NE), dtype=torch.int64), reduction="sum")


@given(words=st.integers(0, 12), samples=st.integers(1, 6), size=st.floats(0.1, 30), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_loss_and_gradients_are_those_of_the_plain_softmax(few_rows, words, samples, size, seed):
    draws = torch.Generator().manual_seed(seed)
    shapes = (words, 4), (words,), (samples, 4), (samples,)
    given = [torch.randn(shape, generator=draws) * size for shape in shapes]
    own_column_N = torch.randint(-1, samples, (words,), generator=draws)
    ways = []
    for way in (plain, sampled_cross_entropy):
        leaves = [values.clone().requires_grad_() for values in given]
        loss = way(*leaves, own_column_N=own_column_N)
        (loss * 0.5).backward()
        ways.append([loss.detach(), *(leaf.grad for leaf in leaves)])
    torch.testing.assert_close(ways[1], ways[0], rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def few_rows():
    """Five rows at a time, so small cases also end in the middle of a round."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampled_softmax, "ROWS_AT_A_TIME", 5)
        yield


def test_half_precision_is_summed_in_full():
    given = [torch.ones(shape, dtype=torch.bfloat16) for shape in ((3, 4), (3,), (2, 4), (2,))]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = sampled_cross_entropy(*given, own_column_N=torch.tensor([-1, 0, 1]))
    logits_NX = torch.tensor([[1.0, 5.0, 5.0], [1.0, 5.0, float("-inf")], [1.0, 5.0, float("-inf")]])
    torch.testing.assert_close(
        loss, cross_entropy(logits_NX, torch.zeros(3, dtype=torch.int64), reduction="sum")
    )


@given(st.lists(st.integers(0, 1000), min_size=3, max_size=30), st.integers(1, 30))
@settings(max_examples=50, deadline=None)
def test_chances_of_being_drawn_sum_to_the_samples(counts, samples):
    counts_V = torch.tensor(counts, dtype=torch.float64)
    drawable = int((counts_V > 0).sum())
    assume(drawable)
    chances_V = chances_of_being_drawn(counts_V / counts_V.sum(), samples)
    assert float(chances_V.sum()) == pytest.approx(min(samples, drawable), rel=1e-6)
    assert (chances_V >= 0).all() and (chances_V <= 1).all() and (chances_V[counts_V == 0] == 0).all()
