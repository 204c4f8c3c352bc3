"""The softmax over every word: the loss and the gradients of torch's own, however many rows at a time."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cross_entropy

from sentiment.models import full_softmax
from sentiment.models.full_softmax import full_cross_entropy


def plain(predicted_NE: Tensor, right_N: Tensor, words_VE: Tensor, bias_V: Tensor) -> Tensor:
    return cross_entropy(predicted_NE @ words_VE.T + bias_V, right_N, reduction="sum")


def loss_and_gradients(way, predicted_NE, right_N, words_VE, bias_V, factor=0.5):
    leaves = [values.clone().requires_grad_() for values in (predicted_NE, words_VE, bias_V)]
    loss = way(leaves[0], right_N, *leaves[1:])
    (loss * factor).backward()
    return [loss.detach(), *(leaf.grad for leaf in leaves)]


def draw(rows, words, seed, size=1.0):
    draws = torch.Generator().manual_seed(seed)
    predicted_NE, words_VE, bias_V = (
        torch.randn(shape, generator=draws) * size for shape in ((rows, 4), (words, 4), (words,))
    )
    return predicted_NE, torch.randint(0, words, (rows,), generator=draws), words_VE, bias_V


@pytest.fixture(scope="module")
def few_logits():
    """Thirty logits at a time, so small cases also end in the middle of a round."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(full_softmax, "LOGITS_AT_A_TIME", 30)
        yield


@given(rows=st.integers(0, 12), words=st.integers(1, 40), size=st.floats(0.1, 30), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_loss_and_gradients_are_those_of_torch(few_logits, rows, words, size, seed):
    case = draw(rows, words, seed, size)
    found, expected = (loss_and_gradients(way, *case) for way in (full_cross_entropy, plain))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_a_word_without_a_bias_is_left_out():
    predicted_NE, right_N, words_VE, bias_V = draw(6, 5, seed=1)
    bias_V[0], right_N = float("-inf"), right_N.clamp(min=1)
    found = loss_and_gradients(full_cross_entropy, predicted_NE, right_N, words_VE, bias_V)
    without = loss_and_gradients(full_cross_entropy, predicted_NE, right_N - 1, words_VE[1:], bias_V[1:])
    torch.testing.assert_close(found[:2], without[:2])
    assert not found[2][0].any() and not found[3][0].any()


def test_products_of_half_precision_are_summed_in_full():
    predicted_NE, right_N, words_VE, bias_V = draw(3_000, 50, seed=2, size=0.5)
    half = full_cross_entropy(predicted_NE.bfloat16(), right_N, words_VE, bias_V)
    assert half.dtype is torch.float32
    torch.testing.assert_close(half, plain(predicted_NE, right_N, words_VE, bias_V), rtol=1e-4, atol=0)
    case = predicted_NE.bfloat16(), right_N, words_VE, bias_V
    found = loss_and_gradients(full_cross_entropy, *case)
    expected = loss_and_gradients(plain, predicted_NE, right_N, words_VE, bias_V)
    assert [value.dtype for value in found[1:]] == [torch.bfloat16, torch.float32, torch.float32]
    for value, near in zip(found[1:], expected[1:], strict=True):
        assert (value - near).norm() < 0.01 * near.norm()
