"""Encoders of several channels: exact, differentiable, able to learn how channels interact."""

from collections.abc import Callable
from itertools import product

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from sentiment.models import lstm
from sentiment.models.channels import AttentionFusion, SharedWeight
from sentiment.models.lstm import States

CHANNELS, FEATURES, HIDDEN = 3, 2, 2
FUSIONS = [SharedWeight, AttentionFusion]
Fusion = type[SharedWeight] | type[AttentionFusion]
every_shape = pytest.mark.parametrize(
    ("fusion", "layers", "bidirectional"), list(product(FUSIONS, [1, 2], [False, True]))
)


def make(fusion: Fusion, layers: int, bidirectional: bool) -> nn.Module:
    torch.manual_seed(1)
    network = fusion(
        FEATURES, HIDDEN, layers=layers, bidirectional=bidirectional, dropout=0.0, channels=CHANNELS
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.5)
    return network.eval()


def ragged(lengths: list[int], padding: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return random series, with random numbers at padding."""
    torch.manual_seed(seed)
    return torch.randn(len(lengths), max(lengths) + padding, CHANNELS, FEATURES), torch.tensor(lengths)


@torch.inference_mode()
def largest_deviation(network: nn.Module, lengths: list[int], padding: int, seed: int) -> float:
    """The largest difference between a batch and the same series alone, without padding."""
    inputs_BTCE, lengths_B = ragged(lengths, padding, seed)
    together: States = network(inputs_BTCE, lengths_B)
    largest = 0.0
    for row, length in enumerate(lengths):
        alone: States = network(inputs_BTCE[row : row + 1, :length], lengths_B[row : row + 1])
        pairs = [
            (alone.states_BTDH[0], together.states_BTDH[row, :length]),
            (alone.hidden_BDH[0], together.hidden_BDH[row]),
            (alone.cell_BDH[0], together.cell_BDH[row]),
        ]
        largest = max(largest, *(float((one - other).abs().max()) for one, other in pairs))
    return largest


@every_shape
def test_states_do_not_depend_on_other_reviews(fusion: Fusion, layers: int, bidirectional: bool) -> None:
    network = make(fusion, layers, bidirectional)

    @settings(max_examples=8, deadline=None, derandomize=True)
    @given(
        lengths=st.lists(st.integers(1, 200), min_size=2, max_size=5),
        padding=st.integers(0, 30),
        seed=st.integers(0, 99),
    )
    @example(lengths=[1, 200, 6, 7], padding=13, seed=0)
    def check(lengths: list[int], padding: int, seed: int) -> None:
        assert largest_deviation(network, lengths, padding, seed) < 1e-5

    check()


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_broken_mask_is_noticed(fusion: Fusion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        lstm, "padding_mask", lambda lengths_B, steps: torch.ones(len(lengths_B), steps, dtype=torch.bool)
    )
    assert largest_deviation(make(fusion, 1, True), [1, 200, 6, 7], 13, seed=0) > 1e-3


@every_shape
def test_gradients_are_right_on_ragged_lengths(fusion: Fusion, layers: int, bidirectional: bool) -> None:
    network = make(fusion, layers, bidirectional).double()
    inputs_BTCE, lengths_B = ragged([3, 1, 2], padding=1)
    names = [name for name, _ in network.named_parameters()]

    def run(inputs_BTCE: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
        states = torch.func.functional_call(
            network, dict(zip(names, weights, strict=True)), (inputs_BTCE, lengths_B)
        )
        real_BT11 = states.mask_BT[:, :, None, None]
        return states.states_BTDH.masked_fill(~real_BT11, 0.0), states.hidden_BDH, states.cell_BDH

    inputs = inputs_BTCE.double().requires_grad_()
    # Fast: along a random direction of each tensor, where a wrong entry shows too.
    assert torch.autograd.gradcheck(run, (inputs, *network.parameters()), fast_mode=True)
    sum(output.sum() for output in run(inputs, *network.parameters())).backward()
    padding_BT = torch.arange(inputs.shape[1]) >= lengths_B[:, None]
    assert (inputs.grad[padding_BT] == 0).all()


def test_attention_over_one_channel_is_that_channel() -> None:
    network = AttentionFusion(FEATURES, HIDDEN, layers=2, bidirectional=True, dropout=0.0, channels=1).eval()
    inputs_BTCE, lengths_B = ragged([5, 2], padding=0)
    fused = network(inputs_BTCE[:, :, :1], lengths_B)
    plain = network.encoders[0](inputs_BTCE[:, :, 0], lengths_B)
    for one, other in zip(fused, plain, strict=True):
        torch.testing.assert_close(one, other)


def test_attention_weights_can_be_read() -> None:
    network = make(AttentionFusion, 1, True)
    weights_BTC = network.weights(*ragged([5, 2], padding=0))
    assert weights_BTC.shape == (2, 5, CHANNELS)
    torch.testing.assert_close(weights_BTC.sum(dim=2), torch.ones(2, 5))


def test_shared_weight_fuses_the_states_of_one_lstm_over_each_channel() -> None:
    network = make(SharedWeight, 2, True)
    inputs_BTCE, lengths_B = ragged([5, 2], padding=0)
    fused = network(inputs_BTCE, lengths_B)
    channels = [network.shared(inputs_BTCE[:, :, channel], lengths_B) for channel in range(CHANNELS)]
    for direction, fusion in enumerate(network.fusions):
        hidden_BM = torch.cat([states.hidden_BDH[:, direction] for states in channels], dim=1)
        cell_BM = torch.cat([states.cell_BDH[:, direction] for states in channels], dim=1)
        torch.testing.assert_close(fused.hidden_BDH[:, direction], fusion(hidden_BM).tanh())
        torch.testing.assert_close(fused.cell_BDH[:, direction], fusion(cell_BM))


def agreement(number: int) -> tuple[Tensor, Tensor]:
    """Whether two channels have the same sign; a single channel does not show it."""
    signs_BC = torch.randint(0, 2, (number, 2)) * 2 - 1
    return signs_BC, signs_BC.prod(dim=1) > 0


def choice(number: int) -> tuple[Tensor, Tensor]:
    """The sign of the channel that the first one points to; no sum over channels gets more than 75%."""
    signs_BC = torch.randint(0, 2, (number, 3)) * 2 - 1
    return signs_BC, torch.where(signs_BC[:, 0] > 0, signs_BC[:, 1], signs_BC[:, 2]) > 0


@pytest.mark.parametrize(
    ("fusion", "task"), [(SharedWeight, agreement), (SharedWeight, choice), (AttentionFusion, choice)]
)
def test_training_learns_how_channels_interact(
    fusion: Fusion, task: Callable[[int], tuple[Tensor, Tensor]]
) -> None:
    def series(number: int) -> tuple[Tensor, Tensor, Tensor]:
        signs_BC, labels_B = task(number)
        values_BTC = signs_BC[:, None] + 0.5 * torch.randn(number, 5, signs_BC.shape[1])
        return values_BTC[..., None], torch.randint(3, 6, (number,)), labels_B

    torch.manual_seed(0)
    encoder = fusion(1, 8, layers=1, bidirectional=True, dropout=0.0, channels=task(1)[0].shape[1])
    head = nn.Linear(2 * 8, 1)
    optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=0.03)
    for _ in range(100):
        inputs_BTCE, lengths_B, labels_B = series(64)
        logits_B = head(encoder(inputs_BTCE, lengths_B).hidden_BDH.flatten(1))[:, 0]
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(logits_B, labels_B.float()).backward()
        optimizer.step()
    inputs_BTCE, lengths_B, labels_B = series(1000)
    logits_B = head(encoder(inputs_BTCE, lengths_B).hidden_BDH.flatten(1))[:, 0]
    assert ((logits_B > 0) == labels_B).float().mean() > 0.9
