"""The merges and readouts of `sentiment.models` as nodes of ONNX: states in, logits out."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from onnx import TensorProto

from sentiment.exporting.encoders import ExportedStates, as_array, no_onnx_form, positions
from sentiment.exporting.graph import Graph, Value
from sentiment.models.classifier import LSTMClassifier
from sentiment.models.merges import (
    Merge,
    add_directions,
    join_directions,
    maximum_of_directions,
)
from sentiment.models.readouts import (
    AttentionReadout,
    CellReadout,
    LastReadout,
    MaxMeanReadout,
    MaxReadout,
    MeanReadout,
    Readout,
    TokensReadout,
)


class ExportedMerged(NamedTuple):
    """States with merged directions, as in `sentiment.models.merges.Merged`."""

    states_TBM: Value
    hidden_BM: Value
    cell_BM: Value
    mask_TB1: Value
    counts_B1: Value
    """float32: how many positions of each row are real."""


def _join(graph: Graph, values_XDBH: Value, axis: int) -> Value:
    order = [*range(axis), axis + 1, axis, axis + 2]
    return graph.reshape(graph.transpose(values_XDBH, *order), *[0] * (axis + 1), -1)


def _reduce(kind: str) -> Callable[[Graph, Value, int], Value]:
    def add(graph: Graph, values_XDBH: Value, axis: int) -> Value:
        return graph.add(kind, values_XDBH, graph.integers(axis), keepdims=0)

    return add


MERGES: dict[Merge, Callable[[Graph, Value, int], Value]] = {
    join_directions: _join,
    add_directions: _reduce("ReduceSum"),
    maximum_of_directions: _reduce("ReduceMax"),
}


def merge_directions(graph: Graph, merge: Merge, states: ExportedStates) -> ExportedMerged:
    """Merge the directions of all states, of h_n and of c_n."""
    if merge not in MERGES:
        raise no_onnx_form(merge)
    add = MERGES[merge]
    mask_TB = graph.add("Less", positions(graph, states.states_TDBH), states.lengths_B)
    counts_B = graph.add("Cast", states.lengths_B, to=TensorProto.FLOAT)
    return ExportedMerged(
        states_TBM=add(graph, states.states_TDBH, 1),
        hidden_BM=add(graph, states.hidden_DBH, 0),
        cell_BM=add(graph, states.cell_DBH, 0),
        mask_TB1=graph.add("Unsqueeze", mask_TB, graph.integers(-1)),
        counts_B1=graph.add("Unsqueeze", counts_B, graph.integers(-1)),
    )


def _fill_padding(graph: Graph, values_TBX: Value, merged: ExportedMerged, filling: float) -> Value:
    return graph.add("Where", merged.mask_TB1, values_TBX, graph.constant(filling, np.float32))


def masked_max(graph: Graph, values_TBX: Value, merged: ExportedMerged) -> Value:
    """Return max_BX over the real positions."""
    filled_TBX = _fill_padding(graph, values_TBX, merged, -np.inf)
    return graph.add("ReduceMax", filled_TBX, graph.integers(0), keepdims=0)


def masked_mean(graph: Graph, values_TBX: Value, merged: ExportedMerged) -> Value:
    """Return mean_BX over the real positions."""
    filled_TBX = _fill_padding(graph, values_TBX, merged, 0.0)
    sum_BX = graph.add("ReduceSum", filled_TBX, graph.integers(0), keepdims=0)
    return graph.add("Div", sum_BX, merged.counts_B1)


def _add_last(graph: Graph, readout: LastReadout, merged: ExportedMerged) -> Value:
    return merged.hidden_BM


def _add_cell(graph: Graph, readout: CellReadout, merged: ExportedMerged) -> Value:
    return merged.cell_BM


def _add_max(graph: Graph, readout: MaxReadout, merged: ExportedMerged) -> Value:
    return masked_max(graph, merged.states_TBM, merged)


def _add_mean(graph: Graph, readout: MeanReadout, merged: ExportedMerged) -> Value:
    return masked_mean(graph, merged.states_TBM, merged)


def _add_max_mean(graph: Graph, readout: MaxMeanReadout, merged: ExportedMerged) -> Value:
    return graph.join([pool(graph, merged.states_TBM, merged) for pool in (masked_max, masked_mean)], 1)


def _add_attention(graph: Graph, readout: AttentionReadout, merged: ExportedMerged) -> Value:
    key_TBM = graph.linear(merged.states_TBM, as_array(readout.key.weight), as_array(readout.key.bias))
    scores_TB1 = graph.linear(graph.add("Tanh", key_TBM), as_array(readout.query.weight))
    weights_TB1 = graph.add("Softmax", _fill_padding(graph, scores_TB1, merged, -np.inf), axis=0)
    weighted_TBM = graph.add("Mul", weights_TB1, merged.states_TBM)
    return graph.add("ReduceSum", weighted_TBM, graph.integers(0), keepdims=0)


def _add_tokens(graph: Graph, readout: TokensReadout, merged: ExportedMerged) -> Value:
    logits_TBO = graph.linear(
        merged.states_TBM, as_array(readout.tagger.weight), as_array(readout.tagger.bias)
    )
    return masked_mean(graph, logits_TBO, merged)


READOUTS: dict[type[Readout], Callable[..., Value]] = {
    LastReadout: _add_last,
    CellReadout: _add_cell,
    MaxReadout: _add_max,
    MeanReadout: _add_mean,
    MaxMeanReadout: _add_max_mean,
    AttentionReadout: _add_attention,
    TokensReadout: _add_tokens,
}


def add_logits(graph: Graph, network: LSTMClassifier, states: ExportedStates) -> Value:
    """Add merge, readout and head of a classifier; return logits_BO."""
    merged = merge_directions(graph, network.merge, states)
    if type(network.readout) not in READOUTS:
        raise no_onnx_form(network.readout)
    readout_BR = READOUTS[type(network.readout)](graph, network.readout, merged)
    if isinstance(network.readout, TokensReadout):
        return readout_BR
    weight, bias = (as_array(parameter) for parameter in network.head.parameters())
    return graph.linear(readout_BR, weight, bias)
