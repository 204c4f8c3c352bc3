"""The n-gram evidence as nodes of ONNX: token ids in, logits out.

ONNX has no `searchsorted`. An n-gram is looked up by halving: each step is one comparison of every n-gram,
and seventeen steps find a place among 100,000 keys. Keys stay int64: they are exact.
"""

import numpy as np
from onnx import TensorProto

from sentiment.data.ids import UNKNOWN_ID
from sentiment.exporting.encoders import as_array
from sentiment.exporting.graph import Graph, Value
from sentiment.models.evidence import LONGEST_NGRAM, NO_NGRAM, UNUSED, NGramEvidence


def add_evidence(graph: Graph, evidence: NGramEvidence, tokens_BT: Value) -> Value:
    """Add the evidence of a model; return logits_BO."""
    keys_BN = _distinct_ngrams(graph, tokens_BT, evidence.words)
    weights, squares, places_BN, is_kept_BN = _look_up(graph, evidence, keys_BN)
    zero = graph.constant(0.0, np.float32)
    found_BN1 = graph.add("Unsqueeze", is_kept_BN, graph.integers(-1))
    weights_BNO = graph.add("Where", found_BN1, graph.add("Gather", weights, places_BN, axis=0), zero)
    squares_BN = graph.add("Where", is_kept_BN, graph.add("Gather", squares, places_BN, axis=0), zero)
    sums_BO = graph.add("ReduceSum", weights_BNO, graph.integers(1), keepdims=0)
    norms_B1 = graph.add("Sqrt", graph.add("ReduceSum", squares_BN, graph.integers(1), keepdims=1))
    # Without a known n-gram the sum is zero, and zero divided by one is zero.
    has_none_B1 = graph.add("Equal", norms_B1, zero)
    divisors_B1 = graph.add("Where", has_none_B1, graph.constant(1.0, np.float32), norms_B1)
    logits_BO = graph.add("Div", sums_BO, divisors_B1)
    return graph.add("Add", logits_BO, graph.constant(as_array(evidence.bias).reshape(-1)))


def _distinct_ngrams(graph: Graph, tokens_BT: Value, words: int) -> Value:
    """Return keys_BN: each review's n-grams of known words, ascending, without repetitions."""
    keys_BN = graph.join(_ngrams(graph, tokens_BT, words), axis=1)
    sorted_BN, _ = graph.add_many(
        "TopK", keys_BN, graph.size(keys_BN, 1), outputs=2, axis=1, largest=0, sorted=1
    )
    first_axis, none = graph.integers(1), graph.constant(NO_NGRAM, np.int64)
    later_BP = graph.add("Slice", sorted_BN, graph.integers(1), graph.integers(UNUSED), first_axis)
    earlier_BP = graph.add("Slice", sorted_BN, graph.integers(0), graph.integers(-1), first_axis)
    distinct_BP = graph.add("Where", graph.add("Equal", later_BP, earlier_BP), none, later_BP)
    first_B1 = graph.add("Slice", sorted_BN, graph.integers(0), graph.integers(1), first_axis)
    return graph.join([first_B1, distinct_BP], axis=1)


def _ngrams(graph: Graph, tokens_BT: Value, words: int) -> list[Value]:
    """Return keys_BT for each length: the n-gram that starts at each token.

    Padding is added for those that would end behind the last token: it is no known word.
    """
    padded_BX = graph.add("Pad", tokens_BT, graph.integers(0, 0, 0, LONGEST_NGRAM - 1))
    shifted = [
        graph.add(
            "Slice",
            padded_BX,
            graph.integers(offset),
            graph.integers(offset + 1 - LONGEST_NGRAM or UNUSED),
            graph.integers(1),
        )
        for offset in range(LONGEST_NGRAM)
    ]
    unknown, none = graph.constant(UNKNOWN_ID, np.int64), graph.constant(NO_NGRAM, np.int64)
    keys, key_BT, is_whole_BT = [], "", ""
    for later_BT in shifted:
        is_known_BT = graph.add("Greater", later_BT, unknown)
        if key_BT:
            raised_BT = graph.add("Mul", key_BT, graph.constant(words, np.int64))
            key_BT = graph.add("Add", raised_BT, later_BT)
            is_whole_BT = graph.add("And", is_whole_BT, is_known_BT)
        else:
            key_BT, is_whole_BT = later_BT, is_known_BT
        keys.append(graph.add("Where", is_whole_BT, key_BT, none))
    return keys


def _look_up(graph: Graph, evidence: NGramEvidence, keys_BN: Value) -> tuple[Value, Value, Value, Value]:
    """Return the tables weights_GO and squares_G, and for each n-gram its place and whether it counts.

    The tables are filled up to a power of two, one more than the n-grams at least, so that no step looks
    beyond them.
    """
    known_G = as_array(evidence.keys_G)
    steps = len(known_G).bit_length()
    missing = 2**steps - len(known_G)
    weights_GO = as_array(evidence.weights_G).reshape(len(known_G), -1)
    table_G = graph.constant(np.pad(known_G, (0, missing), constant_values=UNUSED))
    weights = graph.constant(np.pad(weights_GO, ((0, missing), (0, 0))))
    squares = graph.constant(np.pad(as_array(evidence.squares_G), (0, missing)))
    places_BN = graph.add("Mul", keys_BN, graph.constant(0, np.int64))
    for step in reversed(range(steps)):
        half = graph.constant(2**step, np.int64)
        middle_BN = graph.add("Add", places_BN, graph.constant(2**step - 1, np.int64))
        is_higher_BN = graph.add("Less", graph.add("Gather", table_G, middle_BN, axis=0), keys_BN)
        moves_BN = graph.add("Cast", is_higher_BN, to=TensorProto.INT64)
        places_BN = graph.add("Add", places_BN, graph.add("Mul", moves_BN, half))
    is_kept_BN = graph.add("Equal", graph.add("Gather", table_G, places_BN, axis=0), keys_BN)
    return weights, squares, places_BN, is_kept_BN
