"""Encoders against plain loops over unpadded reviews, and their gradients."""

from collections.abc import Callable
from itertools import product
from typing import get_args

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sentiment.config import CHANNEL_ENCODERS, ModelSettings
from sentiment.models.classifier import build_encoder
from sentiment.models.encoders import HierarchicalEncoder, StackedEncoder
from sentiment.models.lstm import ExactLSTM, States, TruncatedLSTM
from sentiment.models.merges import MERGES, merge_directions
from sentiment.models.readouts import READOUTS

ENCODERS = [
    name
    for name in get_args(ModelSettings.model_fields["encoder"].annotation)
    if name not in CHANNEL_ENCODERS  # test_channels.py has these
]
LENGTHS = [9, 1, 4, 7]
E, H = 3, 2


def make(encoder: str, layers: int = 2, bidirectional: bool = True, truncation: int = 3) -> nn.Module:
    """A double-precision encoder with segments of 3 tokens."""
    torch.manual_seed(3)
    settings = ModelSettings(
        embedding=E,
        hidden=H,
        layers=layers,
        bidirectional=bidirectional,
        encoder=encoder,
        truncation=truncation,
        segment=3,
    )
    return build_encoder(settings).double().eval()


def ragged(lengths: list[int] = LENGTHS, padding: int = 2) -> tuple[Tensor, Tensor]:
    """Random inputs, padding included, in double precision."""
    torch.manual_seed(4)
    inputs_BTE = torch.randn(len(lengths), max(lengths) + padding, E, dtype=torch.float64)
    return inputs_BTE, torch.tensor(lengths)


def unpadded(stack: nn.Module) -> nn.LSTM:
    """torch's own LSTM with the weights of a `StackedEncoder`."""
    plain = nn.LSTM(
        stack.layers[0].input_size,
        H,
        num_layers=len(stack.layers),
        batch_first=True,
        bidirectional=stack.layers[0].bidirectional,
    ).double()
    weights = {
        name.replace("_l0", f"_l{number}"): value
        for number, layer in enumerate(stack.layers)
        for name, value in layer.state_dict().items()
    }
    plain.load_state_dict(weights)
    return plain


def run_alone(plain: nn.LSTM, inputs_TE: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One review through torch's LSTM: states_TDH, hidden_DH and cell_DH of its top layer."""
    states_1TM, (hidden_X1H, cell_X1H) = plain(inputs_TE[None])
    directions = 2 if plain.bidirectional else 1
    return (
        states_1TM[0].unflatten(1, (directions, H)),
        hidden_X1H[-directions:, 0],
        cell_X1H[-directions:, 0],
    )


def assert_row(states: States, row: int, expected: tuple[Tensor, Tensor, Tensor]) -> None:
    states_TDH, hidden_DH, cell_DH = expected
    assert states.lengths_B[row] == len(states_TDH)
    torch.testing.assert_close(states.states_BTDH[row, : len(states_TDH)], states_TDH)
    torch.testing.assert_close(states.hidden_BDH[row], hidden_DH)
    torch.testing.assert_close(states.cell_BDH[row], cell_DH)


@pytest.mark.parametrize("encoder", ["stacked", "truncated"])
@pytest.mark.parametrize(("layers", "bidirectional"), product([1, 2], [False, True]))
def test_stacked_and_truncated_equal_torch_on_unpadded_reviews(
    encoder: str, layers: int, bidirectional: bool
) -> None:
    stack = make(encoder, layers, bidirectional)
    inputs_BTE, lengths_B = ragged()
    states = stack(inputs_BTE, lengths_B)
    for row, length in enumerate(LENGTHS):
        assert_row(states, row, run_alone(unpadded(stack), inputs_BTE[row, :length]))


@pytest.mark.parametrize(("layers", "bidirectional"), product([1, 2], [False, True]))
def test_hierarchical_equals_a_loop_over_reviews_and_segments(layers: int, bidirectional: bool) -> None:
    encoder = make("hierarchical", layers, bidirectional)
    inputs_BTE, lengths_B = ragged()
    states = encoder(inputs_BTE, lengths_B)
    lower, upper = unpadded(encoder.lower), unpadded(encoder.upper)
    for row, length in enumerate(LENGTHS):
        segments = inputs_BTE[row, :length].split(3)
        vectors_SM = torch.stack([run_alone(lower, segment_KE)[1].flatten() for segment_KE in segments])
        assert_row(states, row, run_alone(upper, vectors_SM))


def test_hierarchical_does_not_compute_empty_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = make("hierarchical")
    rows = []
    encoder.lower.register_forward_hook(lambda _, arguments, __: rows.append(len(arguments[0])))
    encoder(*ragged([9, 1, 4]))
    assert rows == [3 + 1 + 2]


def finish_residual(layer: nn.Module, read_H: Tensor, state_H: Tensor, direction: int) -> Tensor:
    return state_H + layer.shortcut(read_H).view(-1, H)[direction]


def finish_layer_norm(layer: nn.Module, read_H: Tensor, state_H: Tensor, direction: int) -> Tensor:
    return F.layer_norm(state_H, (H,), layer.gain_DH[direction], layer.bias_DH[direction])


@pytest.mark.parametrize(
    ("encoder", "finish"), [("residual", finish_residual), ("layer_norm", finish_layer_norm)]
)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_residual_and_layer_norm_equal_a_loop_over_reviews(
    encoder: str, finish: Callable[[nn.Module, Tensor, Tensor, int], Tensor], bidirectional: bool
) -> None:
    directions = range(2 if bidirectional else 1)
    stack = make(encoder, 2, bidirectional)
    with torch.no_grad():
        for parameter in stack.parameters():
            parameter.normal_()
    inputs_BTE, lengths_B = ragged()
    states = stack(inputs_BTE, lengths_B)
    for row, length in enumerate(LENGTHS):
        values_TM = inputs_BTE[row, :length]
        for layer in stack.layers:
            plain = nn.LSTM(values_TM.shape[1], H, batch_first=True, bidirectional=bidirectional).double()
            plain.load_state_dict(layer.lstm.state_dict())
            states_TDH, hidden_DH, cell_DH = run_alone(plain, values_TM)
            last_read = [values_TM[-1], values_TM[0]]
            hidden_DH, cell_DH = (
                torch.stack([finish(layer, last_read[way], last_DH[way], way) for way in directions])
                for last_DH in (hidden_DH, cell_DH)
            )
            values_TM = torch.stack(
                [
                    torch.cat([finish(layer, read, state_DH[way], way) for way in directions])
                    for read, state_DH in zip(values_TM, states_TDH, strict=True)
                ]
            )
        assert_row(states, row, (values_TM.unflatten(1, (-1, H)), hidden_DH, cell_DH))


def test_residual_projects_only_if_widths_differ() -> None:
    bottom, top = make("residual").layers
    assert isinstance(bottom.shortcut, nn.Linear)
    assert isinstance(top.shortcut, nn.Identity)


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize(("layers", "bidirectional"), product([1, 2], [False, True]))
def test_gradients_are_right_on_ragged_lengths(encoder: str, layers: int, bidirectional: bool) -> None:
    network = make(encoder, layers, bidirectional, truncation=5)
    inputs_BTE, lengths_B = ragged([5, 1, 4], padding=1)
    names = [name for name, _ in network.named_parameters()]

    def run(inputs_BTE: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
        states = torch.func.functional_call(
            network, dict(zip(names, weights, strict=True)), (inputs_BTE, lengths_B)
        )
        real_BT11 = states.mask_BT[:, :, None, None]
        return states.states_BTDH.masked_fill(~real_BT11, 0.0), states.hidden_BDH, states.cell_BDH

    # Fast: along a random direction of each tensor, where a wrong entry shows too.
    tensors = (inputs_BTE.requires_grad_(), *network.parameters())
    assert torch.autograd.gradcheck(run, tensors, fast_mode=True)


@pytest.mark.parametrize(("encoder", "readout"), product(ENCODERS, READOUTS))
def test_padding_has_exactly_no_gradient(encoder: str, readout: str) -> None:
    inputs_BTE, lengths_B = ragged()
    inputs_BTE.requires_grad_()
    read = READOUTS[readout](2 * H, dropout=0.0).double()
    read(merge_directions(MERGES["concat"], make(encoder)(inputs_BTE, lengths_B))).square().sum().backward()
    padding_BT = torch.arange(inputs_BTE.shape[1]) >= lengths_B[:, None]
    assert (inputs_BTE.grad[padding_BT] == 0).all()
    assert (inputs_BTE.grad[~padding_BT].abs().sum(dim=1) > 0).any()


@pytest.mark.parametrize(("encoder", "readout"), product(ENCODERS, ["cell", "max_mean"]))
def test_the_gradient_of_a_batch_is_the_sum_of_its_reviews(encoder: str, readout: str) -> None:
    network = make(encoder)
    read = READOUTS[readout](2 * H, dropout=0.0).double()
    inputs_BTE, lengths_B = ragged()

    def gradients(rows: Tensor, lengths: Tensor) -> list[Tensor]:
        readouts_BR = read(merge_directions(MERGES["concat"], network(rows, lengths)))
        return list(torch.autograd.grad(readouts_BR.square().sum(), list(network.parameters())))

    alone = [
        gradients(inputs_BTE[row : row + 1, :length], lengths_B[row : row + 1])
        for row, length in enumerate(LENGTHS)
    ]
    for together, *parts in zip(gradients(inputs_BTE, lengths_B), *alone, strict=True):
        torch.testing.assert_close(together, torch.stack(parts).sum(dim=0))


@pytest.mark.parametrize(("layers", "bidirectional"), product([1, 2], [False, True]))
def test_truncated_at_full_length_has_the_gradients_of_stacked(layers: int, bidirectional: bool) -> None:
    inputs_BTE, lengths_B = ragged()
    truncated = make("truncated", layers, bidirectional, truncation=max(LENGTHS))
    stacked = make("stacked", layers, bidirectional)
    stacked.load_state_dict(truncated.state_dict())
    gradients = []
    for network in (truncated, stacked):
        states = network(inputs_BTE, lengths_B)
        value = states.hidden_BDH.sum() + states.cell_BDH.sum() + states.states_BTDH[states.mask_BT].sum()
        gradients.append(torch.autograd.grad(value, list(network.parameters())))
    for cut, whole in zip(*gradients, strict=True):
        torch.testing.assert_close(cut, whole)


@pytest.mark.parametrize("layers", [1, 2])
def test_truncation_cuts_the_gradient_between_stretches(layers: int) -> None:
    inputs_BTE, lengths_B = ragged([8], padding=0)
    inputs_BTE.requires_grad_()
    states = make("truncated", layers, truncation=3)(inputs_BTE, lengths_B)
    for value in states.states_BTDH[0, 4]:
        (gradient_BTE,) = torch.autograd.grad(value.sum(), inputs_BTE, retain_graph=True)
        reached = gradient_BTE[0].abs().sum(dim=1) > 0
        assert reached[[0, 1, 2, 6, 7]].sum() == 0  # other stretches
        assert reached[4]
    (forward, backward) = (
        torch.autograd.grad(value.sum(), inputs_BTE, retain_graph=True)[0]
        for value in states.states_BTDH[0, 4]
    )
    assert forward[0, 3].abs().sum() > 0
    assert backward[0, 5].abs().sum() > 0


def cells_with_cuts(layer: TruncatedLSTM, suffix: str, steps: list[int], inputs_TE: Tensor) -> list[Tensor]:
    """One direction as a loop over steps: hidden states in the order read, the gradient cut between."""
    cell = nn.LSTMCell(E, H).double()
    weights = {
        name: getattr(layer, f"{name}_l0{suffix}")
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    }
    state = (inputs_TE.new_zeros(H), inputs_TE.new_zeros(H))
    hidden = []
    stretch = steps[0] // layer.truncation
    for step in steps:
        if step // layer.truncation != stretch:
            state = (state[0].detach(), state[1].detach())
            stretch = step // layer.truncation
        state = torch.func.functional_call(cell, weights, (inputs_TE[step], state))
        hidden.append(state[0])
    return hidden


def test_truncated_has_the_gradients_of_a_loop_over_steps() -> None:
    torch.manual_seed(5)
    layer = TruncatedLSTM(E, H, bidirectional=True, truncation=3).double()
    inputs_BTE, lengths_B = ragged()
    states = layer(inputs_BTE, lengths_B)
    factors_BTDH = torch.randn_like(states.states_BTDH)
    value = (factors_BTDH * states.states_BTDH)[states.mask_BT].sum()
    expected = torch.zeros((), dtype=torch.float64)
    for row, length in enumerate(LENGTHS):
        for direction, suffix in enumerate(["", "_reverse"]):
            steps = list(range(length))[:: -1 if direction else 1]
            for step, hidden_H in zip(
                steps, cells_with_cuts(layer, suffix, steps, inputs_BTE[row]), strict=True
            ):
                expected = expected + (factors_BTDH[row, step, direction] * hidden_H).sum()
    torch.testing.assert_close(value, expected)
    weights = list(layer.parameters())
    for cut, loop in zip(
        torch.autograd.grad(value, weights), torch.autograd.grad(expected, weights), strict=True
    ):
        torch.testing.assert_close(cut, loop)


def test_huge_padding_does_not_pass_the_gate() -> None:
    layer = ExactLSTM(E, H, bidirectional=True)
    inputs_BTE = torch.randn(1, 6, E)
    inputs_BTE[:, 2:] = 1e20
    states = layer(inputs_BTE, torch.tensor([2]))
    alone = layer(inputs_BTE[:, :2], torch.tensor([2]))
    torch.testing.assert_close(states.hidden_BDH, alone.hidden_BDH)
    torch.testing.assert_close(states.cell_BDH, alone.cell_BDH)


@pytest.mark.parametrize("encoder", ["stacked", "truncated"])
def test_copies_of_the_padding_feature_change_nothing(encoder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU they fill the rows of the inputs."""
    network, (inputs_BTE, lengths_B) = make(encoder), ragged()
    inputs_BTE[2, 4:] = 1e6
    once = network(inputs_BTE, lengths_B)
    monkeypatch.setattr(ExactLSTM, "_further_features", lambda layer: 5)
    for value, expected in zip(network(inputs_BTE, lengths_B), once, strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("encoder", ENCODERS)
def test_states_have_the_type_of_the_inputs(encoder: str, dtype: torch.dtype) -> None:
    inputs_BTE, lengths_B = ragged()
    states = make(encoder).to(dtype)(inputs_BTE.to(dtype), lengths_B)
    assert {states.states_BTDH.dtype, states.hidden_BDH.dtype, states.cell_BDH.dtype} == {dtype}


def test_the_segment_says_how_many_tokens_a_position_covers() -> None:
    assert isinstance(hierarchical := make("hierarchical"), HierarchicalEncoder)
    assert hierarchical.tokens_per_position == 3
    assert isinstance(stacked := make("stacked"), StackedEncoder)
    assert stacked.tokens_per_position == 1
