"""Merges and readouts: values worked out by hand, masks, weights and gradients."""

import pytest
import torch
from torch import Tensor

from sentiment.models.lstm import States
from sentiment.models.merges import MERGES, Merged, merge_directions
from sentiment.models.readouts import READOUTS, AttentionReadout, TokensReadout

LENGTHS_B = torch.tensor([4, 1, 2])
WIDTH = 3


def some_states() -> States:
    torch.manual_seed(1)
    states_BTDH = torch.randn(3, 4, 2, WIDTH, dtype=torch.float64)
    hidden_BDH, cell_BDH = torch.randn(2, 3, 2, WIDTH, dtype=torch.float64)
    return States(states_BTDH, hidden_BDH, cell_BDH, LENGTHS_B)


def some_merged() -> Merged:
    return merge_directions(MERGES["sum"], some_states())


def test_merges_do_what_their_names_say() -> None:
    states = some_states()
    forward, backward = states.cell_BDH.unbind(1)
    expected = {
        "concat": torch.cat([forward, backward], dim=1),
        "sum": forward + backward,
        "max": torch.maximum(forward, backward),
    }
    assert expected.keys() == MERGES.keys()
    for name, cell_BM in expected.items():
        merged = merge_directions(MERGES[name], states)
        assert torch.equal(merged.cell_BM, cell_BM)
        assert merged.states_BTM.shape == (3, 4, cell_BM.shape[1])
        assert merged.hidden_BM.shape == cell_BM.shape


def test_readouts_equal_a_loop_over_reviews() -> None:
    merged = some_merged()
    reviews = [merged.states_BTM[row, :length] for row, length in enumerate(LENGTHS_B)]
    expected = {
        "last": merged.hidden_BM,
        "cell": merged.cell_BM,
        "max": torch.stack([review_TM.amax(0) for review_TM in reviews]),
        "mean": torch.stack([review_TM.mean(0) for review_TM in reviews]),
        "max_mean": torch.stack([torch.cat([review_TM.amax(0), review_TM.mean(0)]) for review_TM in reviews]),
    }
    for name, readout_BR in expected.items():
        torch.testing.assert_close(READOUTS[name](WIDTH, 0.0)(merged), readout_BR)


def test_attention_weighs_tokens_and_never_padding() -> None:
    merged = some_merged()
    attention = AttentionReadout(WIDTH, 0.0).double()
    weights_BT = attention.weights(merged)
    torch.testing.assert_close(weights_BT.sum(dim=1), torch.ones(3, dtype=torch.float64))
    assert (weights_BT[~merged.mask_BT] == 0).all()
    assert (weights_BT[merged.mask_BT] > 0).all()
    for row, length in enumerate(LENGTHS_B):
        mean_M = weights_BT[row, :length] @ merged.states_BTM[row, :length]
        torch.testing.assert_close(attention(merged)[row], mean_M)


def test_tokens_gives_the_mean_of_the_tokens_logits() -> None:
    merged = some_merged()
    tokens = TokensReadout(WIDTH, 0.0).double()
    logits_BT = tokens.token_logits(merged)
    assert (logits_BT[~merged.mask_BT] == 0).all()
    for row, length in enumerate(LENGTHS_B):
        torch.testing.assert_close(tokens(merged)[row, 0], logits_BT[row, :length].mean())


@pytest.mark.parametrize("name", READOUTS)
def test_a_readout_has_the_width_it_declares_and_the_right_gradients(name: str) -> None:
    torch.manual_seed(2)
    readout = READOUTS[name](WIDTH, 0.0).double()
    names = [parameter for parameter, _ in readout.named_parameters()]
    *values, mask_BT = some_merged()

    def run(states_BTM: Tensor, hidden_BM: Tensor, cell_BM: Tensor, *weights: Tensor) -> Tensor:
        merged = Merged(states_BTM, hidden_BM, cell_BM, mask_BT)
        return torch.func.functional_call(readout, dict(zip(names, weights, strict=True)), (merged,))

    inputs = (*(value.requires_grad_() for value in values), *readout.parameters())
    assert run(*inputs).shape == (3, readout.width)
    assert torch.autograd.gradcheck(run, inputs)


@pytest.mark.parametrize("name", READOUTS)
def test_dropout_acts_in_training_only(name: str) -> None:
    torch.manual_seed(2)
    readout = READOUTS[name](WIDTH, 0.5).double()
    merged = some_merged()
    assert not torch.equal(readout(merged), readout.eval()(merged))
