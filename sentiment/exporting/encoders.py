"""The encoders of `sentiment.models` as nodes of ONNX: embedded tokens in, states out.

The tensors are those of the models with another order of axes: ONNX's LSTM wants the tokens first. It takes
the length of each review, so that no padding reaches a state and nothing has to shut it out.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from onnx import TensorProto
from torch import Tensor, nn

from sentiment.errors import UsageError
from sentiment.exporting.graph import Graph, Value
from sentiment.models.channels import AttentionFusion, SharedWeight
from sentiment.models.encoders import HierarchicalEncoder, NormalisedLSTM, ResidualLSTM, StackedEncoder
from sentiment.models.lstm import ExactLSTM, TruncatedLSTM

GATE_ORDER = [0, 3, 1, 2]  # torch: input, forget, cell, output; ONNX: input, output, forget, cell


class ExportedStates(NamedTuple):
    """What an encoder gives, as in `sentiment.models.lstm.States`."""

    states_TDBH: Value
    hidden_DBH: Value
    cell_DBH: Value
    lengths_B: Value


def as_array(parameter: Tensor) -> np.ndarray:
    """Return the numbers of a parameter."""
    array: np.ndarray = parameter.detach().cpu().numpy()
    return array


def no_onnx_form(module: object) -> UsageError:
    """Return the error for a part of a network that nobody has written as ONNX."""
    return UsageError(
        f"{type(module).__name__} has no ONNX form; write one in sentiment/exporting/ beside the others"
    )


def positions(graph: Graph, values_TX: Value) -> Value:
    """Return positions_T1: 0, 1, 2 ... along the first axis."""
    steps = graph.add("Squeeze", graph.size(values_TX, 0), graph.integers(0))
    positions_T = graph.add("Range", graph.constant(0, np.int64), steps, graph.constant(1, np.int64))
    return graph.add("Unsqueeze", positions_T, graph.integers(1))


def own_ends(graph: Graph, values: list[Value], lengths_B: Value) -> Value:
    """Return ends_DBX: forward values at each row's last position, backward values at its first.

    `values` are values_TBX of each direction, the forward one first.
    """
    last_B = graph.add("Sub", lengths_B, graph.integers(1))
    is_last_TB = graph.add("Equal", positions(graph, values[0]), last_B)
    is_last_TB1 = graph.add("Unsqueeze", is_last_TB, graph.integers(-1))
    chosen_TBX = graph.add("Where", is_last_TB1, values[0], graph.constant(0.0, np.float32))
    ends = [graph.add("ReduceSum", chosen_TBX, graph.integers(0), keepdims=0)]
    ends += [graph.pick(backward_TBX, 0, axis=0) for backward_TBX in values[1:]]
    return graph.stack(ends, axis=0)


def join_directions(graph: Graph, values_TDBH: Value) -> Value:
    """Return values_TBM: the directions of each state side by side."""
    return graph.reshape(graph.transpose(values_TDBH, 0, 2, 1, 3), 0, 0, -1)


def split_directions(graph: Graph, values_TBM: Value, directions: int) -> Value:
    """Return values_TDBH."""
    return graph.transpose(graph.reshape(values_TBM, 0, 0, directions, -1), 0, 2, 1, 3)


def add_lstm(graph: Graph, layer: ExactLSTM, inputs_TBE: Value, lengths_B: Value) -> ExportedStates:
    """Add one LSTM layer in its one or two directions."""
    weights: dict[str, list[np.ndarray]] = {"inputs": [], "states": [], "biases": []}
    for by_input, by_state, *biases in layer.all_weights:
        weights["inputs"].append(_reorder_gates(by_input))
        weights["states"].append(_reorder_gates(by_state))
        weights["biases"].append(np.concatenate([_reorder_gates(bias) for bias in biases]))
    outputs = graph.add_many(
        "LSTM",
        inputs_TBE,
        *(graph.constant(np.stack(each)) for each in weights.values()),
        graph.add("Cast", lengths_B, to=TensorProto.INT32),
        outputs=3,
        hidden_size=layer.hidden_size,
        direction="bidirectional" if layer.directions == 2 else "forward",
    )
    states_TDBH, hidden_DBH, cell_DBH = outputs
    return ExportedStates(states_TDBH, hidden_DBH, cell_DBH, lengths_B)


def _reorder_gates(parameter: Tensor) -> np.ndarray:
    gates = as_array(parameter).reshape(4, -1, *parameter.shape[1:])
    reordered: np.ndarray = gates[GATE_ORDER].reshape(parameter.shape)
    return reordered


def add_residual(graph: Graph, layer: ResidualLSTM, inputs_TBE: Value, lengths_B: Value) -> ExportedStates:
    """Add an LSTM layer whose input is added to its states."""
    states = add_lstm(graph, layer.lstm, inputs_TBE, lengths_B)
    shortcut_TBM = inputs_TBE
    if isinstance(layer.shortcut, nn.Linear):
        shortcut_TBM = graph.linear(inputs_TBE, as_array(layer.shortcut.weight))
    directions = layer.lstm.directions
    shortcut_TDBH = split_directions(graph, shortcut_TBM, directions)
    ends_DBH = own_ends(
        graph, [graph.pick(shortcut_TDBH, place, axis=1) for place in range(directions)], lengths_B
    )
    return ExportedStates(
        graph.add("Add", states.states_TDBH, shortcut_TDBH),
        graph.add("Add", states.hidden_DBH, ends_DBH),
        graph.add("Add", states.cell_DBH, ends_DBH),
        lengths_B,
    )


def add_normalised(
    graph: Graph, layer: NormalisedLSTM, inputs_TBE: Value, lengths_B: Value
) -> ExportedStates:
    """Add an LSTM layer whose states are normalised over the units of each direction."""
    states = add_lstm(graph, layer.lstm, inputs_TBE, lengths_B)
    ones_H = graph.constant(np.ones(layer.lstm.hidden_size), np.float32)
    gain_D1H, bias_D1H = (graph.constant(as_array(part)[:, None]) for part in (layer.gain_DH, layer.bias_DH))

    def normalise(values_XDBH: Value) -> Value:
        centred_XDBH = graph.add("LayerNormalization", values_XDBH, ones_H, axis=-1, epsilon=1e-5)
        return graph.add("Add", graph.add("Mul", centred_XDBH, gain_D1H), bias_D1H)

    return ExportedStates(
        normalise(states.states_TDBH), normalise(states.hidden_DBH), normalise(states.cell_DBH), lengths_B
    )


AddLayer = Callable[..., ExportedStates]
LAYERS: dict[type[nn.Module], AddLayer] = {
    ExactLSTM: add_lstm,
    TruncatedLSTM: add_lstm,  # only its gradient differs
    ResidualLSTM: add_residual,
    NormalisedLSTM: add_normalised,
}


def add_stack(graph: Graph, encoder: StackedEncoder, inputs_TBE: Value, lengths_B: Value) -> ExportedStates:
    """Add LSTM layers on top of each other."""
    states = None
    for layer in encoder.layers:
        if type(layer) not in LAYERS:
            raise no_onnx_form(layer)
        if states is not None:
            inputs_TBE = join_directions(graph, states.states_TDBH)
        states = LAYERS[type(layer)](graph, layer, inputs_TBE, lengths_B)
    assert states is not None
    return states


def add_hierarchy(
    graph: Graph, encoder: HierarchicalEncoder, inputs_TBE: Value, lengths_B: Value
) -> ExportedStates:
    """Add an LSTM over the tokens of each segment and one over the segments.

    Here every review has as many segments as the longest one. Those without a token are read as one token of
    padding, and the upper LSTM ends before it.
    """
    K = encoder.tokens_per_position
    inputs_TBE = _fill_last_segment(graph, inputs_TBE, K)
    segments = graph.add("Div", graph.size(inputs_TBE, 0), graph.integers(K))
    batch, width = graph.size(inputs_TBE, 1), graph.size(inputs_TBE, 2)
    inputs_SKBE = graph.add("Reshape", inputs_TBE, graph.join([segments, graph.integers(K), batch, width], 0))
    inputs_KNE = graph.add(
        "Reshape",
        graph.transpose(inputs_SKBE, 1, 0, 2, 3),
        graph.join([graph.integers(K, -1), width], 0),
    )
    starts_S1 = graph.add("Mul", positions(graph, inputs_SKBE), graph.integers(K))
    lengths_SB = graph.add("Sub", lengths_B, starts_S1)
    lengths_N = graph.reshape(
        graph.add("Clip", lengths_SB, graph.constant(1, np.int64), graph.constant(K, np.int64)), -1
    )
    lower = add_stack(graph, encoder.lower, inputs_KNE, lengths_N)
    vectors_NM = graph.reshape(graph.transpose(lower.hidden_DBH, 1, 0, 2), 0, -1)
    width = graph.size(vectors_NM, 1)
    vectors_SBM = graph.add("Reshape", vectors_NM, graph.join([segments, batch, width], 0))
    segments_B = graph.add("Div", graph.add("Add", lengths_B, graph.integers(K - 1)), graph.integers(K))
    return add_stack(graph, encoder.upper, vectors_SBM, segments_B)


def _fill_last_segment(graph: Graph, inputs_TBE: Value, K: int) -> Value:
    """Return the inputs with zeros at the end, up to a multiple of `K`."""
    steps = graph.size(inputs_TBE, 0)
    missing = graph.add("Mod", graph.add("Neg", steps), graph.integers(K))
    pads = graph.join([graph.integers(0, 0, 0), missing, graph.integers(0, 0)], 0)
    return graph.add("Pad", inputs_TBE, pads)


def add_shared_weight(
    graph: Graph, encoder: SharedWeight, inputs_TBCE: Value, lengths_B: Value
) -> ExportedStates:
    """Add one LSTM for all channels and the layer that fuses them."""
    fusions = [fusion for fusion in encoder.fusions if isinstance(fusion, nn.Linear)]
    joined = fusions[0].in_features  # the units of all channels
    channels = joined // fusions[0].out_features
    width = graph.size(inputs_TBCE, 3)
    rows_TNE = graph.add("Reshape", inputs_TBCE, graph.join([graph.integers(0, -1), width], 0))
    lengths_BC = graph.add(
        "Tile", graph.add("Unsqueeze", lengths_B, graph.integers(1)), graph.integers(1, channels)
    )
    states = add_stack(graph, encoder.shared, rows_TNE, graph.reshape(lengths_BC, -1))

    def fuse(values_XDNH: Value, axis: int) -> Value:
        """Return fused_XDBH; the directions are at `axis`."""
        fused = []
        for place, fusion in enumerate(fusions):
            values_XNH = graph.pick(values_XDNH, place, axis)
            joined_XBM = graph.reshape(values_XNH, *[0] * axis, -1, joined)
            fused.append(graph.linear(joined_XBM, as_array(fusion.weight), as_array(fusion.bias)))
        return graph.stack(fused, axis)

    return ExportedStates(
        graph.add("Tanh", fuse(states.states_TDBH, 1)),
        graph.add("Tanh", fuse(states.hidden_DBH, 0)),
        fuse(states.cell_DBH, 0),
        lengths_B,
    )


def add_attention_fusion(
    graph: Graph, encoder: AttentionFusion, inputs_TBCE: Value, lengths_B: Value
) -> ExportedStates:
    """Add one LSTM for each channel and the attention that averages their states."""
    channels = [channel for channel in encoder.encoders if isinstance(channel, StackedEncoder)]
    states = [
        add_stack(graph, channel, graph.pick(inputs_TBCE, place, axis=2), lengths_B)
        for place, channel in enumerate(channels)
    ]
    states_TBCM = graph.stack([join_directions(graph, each.states_TDBH) for each in states], axis=2)
    mean_TB1M = graph.add("ReduceMean", states_TBCM, graph.integers(2), keepdims=1)
    query_TB1M = graph.linear(mean_TB1M, as_array(encoder.query.weight))
    key_TBCM = graph.linear(states_TBCM, as_array(encoder.key.weight), as_array(encoder.key.bias))
    active_TBCM = graph.add("Tanh", graph.add("Add", key_TBCM, query_TB1M))
    scores_TBC1 = graph.linear(active_TBCM, as_array(encoder.score.weight))
    weights_TBC1 = graph.add("Softmax", scores_TBC1, axis=2)
    weighted_TBCM = graph.add("Mul", weights_TBC1, states_TBCM)
    fused_TBM = graph.add("ReduceSum", weighted_TBCM, graph.integers(2), keepdims=0)
    bottom = channels[0].layers[0]
    directions = bottom.directions if isinstance(bottom, ExactLSTM) else 1
    states_TDBH = split_directions(graph, fused_TBM, directions)
    weights_TBC = graph.add("Squeeze", weights_TBC1, graph.integers(-1))
    ends_DBC1 = graph.add(
        "Unsqueeze", own_ends(graph, [weights_TBC] * directions, lengths_B), graph.integers(-1)
    )

    def average(ends: list[Value]) -> Value:
        """Return mean_DBH of the channels' last states, weighed as at each direction's own end."""
        weighted_DBCH = graph.add("Mul", ends_DBC1, graph.stack(ends, axis=2))
        return graph.add("ReduceSum", weighted_DBCH, graph.integers(2), keepdims=0)

    hidden_DBH = average([each.hidden_DBH for each in states])
    cell_DBH = average([each.cell_DBH for each in states])
    return ExportedStates(states_TDBH, hidden_DBH, cell_DBH, lengths_B)


AddEncoder = Callable[..., ExportedStates]
ENCODERS: dict[type[nn.Module], AddEncoder] = {
    StackedEncoder: add_stack,
    HierarchicalEncoder: add_hierarchy,
    SharedWeight: add_shared_weight,
    AttentionFusion: add_attention_fusion,
}


def add_encoder(graph: Graph, encoder: nn.Module, inputs_TBX: Value, lengths_B: Value) -> ExportedStates:
    """Add the encoder of a classifier; raises UsageError if it has no ONNX form."""
    if type(encoder) not in ENCODERS:
        raise no_onnx_form(encoder)
    return ENCODERS[type(encoder)](graph, encoder, inputs_TBX, lengths_B)
