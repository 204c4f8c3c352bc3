"""Build an ONNX graph node by node: what is added gets a name, and names are what nodes take.

`torch.onnx` is not used. Both of its exporters freeze the size of a batch or the length of a review, and
neither knows that ONNX's LSTM takes the length of each review.
"""

from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 18  # of 2022: the first in which every reduction takes its axes as an input
IR_VERSION = 8  # of the same release, so that older programs read the file
MOST_BYTES = 2**31 - 2**20  # a file of protobuf has at most 2 GiB

Value = str
"""The name of a tensor in the graph; the letters at the end of a variable's name are its axes."""


class Axis(NamedTuple):
    """An input or output of the graph: its name, its type and its axes, with a name where a size is free."""

    name: str
    type: int
    axes: tuple[str | int, ...]


def int64_input(name: str, *axes: str | int) -> Axis:
    """Describe whole numbers."""
    return Axis(name, TensorProto.INT64, axes)


def float_output(name: str, *axes: str | int) -> Axis:
    """Describe float32 numbers."""
    return Axis(name, TensorProto.FLOAT, axes)


class Graph:
    """Nodes and constants in the order in which they were added."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._small: dict[tuple[str, tuple[int, ...], bytes], Value] = {}
        self._count = 0

    def add(self, kind: str, *inputs: Value, **attributes: Any) -> Value:
        """Add a node with one output; return its name. An empty name is an input that is left out."""
        (output,) = self.add_many(kind, *inputs, outputs=1, **attributes)
        return output

    def add_many(self, kind: str, *inputs: Value, outputs: int, **attributes: Any) -> list[Value]:
        """Add a node with several outputs; return their names."""
        names = [self._new_name(kind) for _ in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, name=names[0], **attributes))
        return names

    def name(self, value: Value, name: str) -> None:
        """Give a value a second name, that of an output."""
        self._nodes.append(helper.make_node("Identity", [value], [name], name=name))

    def constant(self, values: Any, kind: type[np.generic] | None = None) -> Value:
        """Add a tensor of fixed numbers; equal small ones are added once."""
        array = np.ascontiguousarray(np.asarray(values, dtype=kind))
        array = array.reshape(np.shape(values))  # a scalar stays one
        key = (array.dtype.str, array.shape, array.tobytes() if array.nbytes <= 64 else b"")
        if key[2] and key in self._small:
            return self._small[key]
        name = self._new_name("constant")
        self._constants.append(numpy_helper.from_array(array, name))
        if key[2]:
            self._small[key] = name
        return name

    def integers(self, *values: int) -> Value:
        """Add a list of int64, such as axes or a shape."""
        return self.constant(list(values), np.int64)

    def size(self, value: Value, axis: int) -> Value:
        """Return the size of one axis, as a list of one int64."""
        return self.add("Shape", value, start=axis, end=axis + 1)

    def reshape(self, value: Value, *axes: int) -> Value:
        """Reshape; 0 keeps the size of the axis at that place, -1 takes what is left."""
        return self.add("Reshape", value, self.integers(*axes))

    def transpose(self, value: Value, *order: int) -> Value:
        """Reorder the axes."""
        return self.add("Transpose", value, perm=list(order))

    def join(self, values: list[Value], axis: int) -> Value:
        """Join tensors along an axis."""
        return self.add("Concat", *values, axis=axis)

    def stack(self, values: list[Value], axis: int) -> Value:
        """Stack tensors along a new axis."""
        return self.join([self.add("Unsqueeze", value, self.integers(axis)) for value in values], axis)

    def pick(self, value: Value, index: int, axis: int) -> Value:
        """Take one place of an axis, which vanishes."""
        return self.add("Gather", value, self.constant(index, np.int64), axis=axis)

    def linear(self, value: Value, weight: np.ndarray, bias: np.ndarray | None = None) -> Value:
        """Multiply the last axis with the rows of `weight`, as `nn.Linear` does."""
        product = self.add("MatMul", value, self.constant(weight.T))
        return product if bias is None else self.add("Add", product, self.constant(bias))

    def to_model(self, inputs: list[Axis], outputs: list[Axis], metadata: dict[str, str]) -> bytes:
        """Return the file, once ONNX's own checker has nothing to object to."""
        described = [
            [helper.make_tensor_value_info(axis.name, axis.type, axis.axes) for axis in side]
            for side in (inputs, outputs)
        ]
        graph = helper.make_graph(self._nodes, "sentiment", *described, initializer=self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version, model.producer_name = IR_VERSION, "sentiment"
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model)
        content: bytes = model.SerializeToString()
        return content

    def _new_name(self, kind: str) -> Value:
        self._count += 1
        return f"{kind.lower()}_{self._count}"
