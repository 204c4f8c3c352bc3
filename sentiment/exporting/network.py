"""A whole model as one ONNX graph: token ids and lengths in, logits and probabilities out."""

import numpy as np
from onnx import TensorProto
from torch import nn

from sentiment.errors import UsageError
from sentiment.exporting.encoders import add_encoder, as_array, no_onnx_form
from sentiment.exporting.evidence import add_evidence
from sentiment.exporting.graph import MOST_BYTES, Graph, Value, float_output, int64_input
from sentiment.exporting.readouts import add_logits
from sentiment.models.classifier import LSTMClassifier
from sentiment.models.ensemble import Ensemble
from sentiment.models.length_scale import LengthScale

TOKENS, LENGTHS, LOGITS, PROBABILITIES = "tokens", "lengths", "logits", "probabilities"


def network_file(model: nn.Module, metadata: dict[str, str]) -> bytes:
    """Return the ONNX file of a model; its inputs and outputs are described in docs/export.md.

    Raises UsageError if a part of the model has no ONNX form, or if it is too large for a file.
    """
    _require_small(model)
    graph = Graph()
    if isinstance(model, LSTMClassifier):
        classes, channels = model.classes, len(model.embeddings)
        logits_BO = add_classifier(graph, model)
    elif isinstance(model, Ensemble):
        classes, channels = model.classes, len(model.classifiers[0].embeddings)
        logits_BO = add_ensemble(graph, model)
    else:
        raise no_onnx_form(model)
    graph.name(_drop_single_output(graph, logits_BO, classes), LOGITS)
    graph.name(_probabilities(graph, logits_BO, classes), PROBABILITIES)
    token_axes: list[str | int] = ["batch", "length", *([channels] if channels > 1 else [])]
    logit_axes: list[str | int] = ["batch", *([classes] if classes > 2 else [])]
    return graph.to_model(
        [int64_input(TOKENS, *token_axes), int64_input(LENGTHS, "batch")],
        [float_output(LOGITS, *logit_axes), float_output(PROBABILITIES, "batch", classes)],
        metadata,
    )


def add_classifier(graph: Graph, network: LSTMClassifier) -> Value:
    """Add embeddings, encoder, readout and head; return logits_BO."""
    tables = [embedding.weight for embedding in network.embeddings if isinstance(embedding, nn.Embedding)]
    embeddings = [graph.constant(as_array(table)) for table in tables]
    if len(embeddings) == 1:
        inputs_TBX = graph.add("Gather", embeddings[0], graph.transpose(TOKENS, 1, 0), axis=0)
    else:
        tokens_TBC = graph.transpose(TOKENS, 1, 0, 2)
        channels = [
            graph.add("Gather", embedding, graph.pick(tokens_TBC, place, axis=2), axis=0)
            for place, embedding in enumerate(embeddings)
        ]
        inputs_TBX = graph.stack(channels, axis=2)
    states = add_encoder(graph, network.encoder, inputs_TBX, LENGTHS)
    return add_logits(graph, network, states)


def add_ensemble(graph: Graph, ensemble: Ensemble) -> Value:
    """Add all members, the evidence and the scale by length; return logits_BO."""
    members = [add_classifier(graph, member) for member in ensemble.classifiers]
    logits_BO = members[0] if len(members) == 1 else graph.add("Mean", *members)
    if ensemble.evidence is not None:
        parts = [
            graph.add("Mul", part_BO, graph.constant(weight, np.float32))
            for part_BO, weight in (
                (logits_BO, 1 - ensemble.weight),
                (add_evidence(graph, ensemble.evidence, TOKENS), ensemble.weight),
            )
        ]
        logits_BO = graph.add("Add", *parts)
    return logits_BO if ensemble.length_scale is None else _scale(graph, logits_BO, ensemble.length_scale)


def _scale(graph: Graph, logits_BO: Value, length_scale: LengthScale) -> Value:
    """Multiply the logits by n / (n + h) for a length of n tokens."""
    lengths_B1 = graph.reshape(graph.add("Cast", LENGTHS, to=TensorProto.FLOAT), -1, 1)
    longer_B1 = graph.add("Add", lengths_B1, graph.constant(as_array(length_scale.half_length)))
    return graph.add("Mul", logits_BO, graph.add("Div", lengths_B1, longer_B1))


def _drop_single_output(graph: Graph, logits_BO: Value, classes: int) -> Value:
    return graph.add("Squeeze", logits_BO, graph.integers(1)) if classes == 2 else logits_BO


def _probabilities(graph: Graph, logits_BO: Value, classes: int) -> Value:
    """Return probabilities_BK: of each class, also of two."""
    if classes > 2:
        return graph.add("Softmax", logits_BO, axis=1)
    both_BO = graph.join([graph.add("Neg", logits_BO), logits_BO], axis=1)
    return graph.add("Sigmoid", both_BO)


def _require_small(model: nn.Module) -> None:
    size = sum(value.nbytes for value in model.state_dict().values())
    if size > MOST_BYTES:
        raise UsageError(
            f"the model takes {size / 2**30:.1f} GiB, and an ONNX file at most 2; train with a lower "
            "vocabulary.size or model.embedding"
        )
