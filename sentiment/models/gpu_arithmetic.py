"""In which precision a GPU computes an LSTM."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def whole_float32() -> Iterator[None]:
    """Inside the block, cuDNN computes LSTMs with all bits of float32, forward and backward.

    By default it multiplies in TF32, whose numbers have 11 of the 24 bits.
    """
    rnn = torch.backends.cudnn.rnn
    before = rnn.fp32_precision  # type: ignore[attr-defined]
    rnn.fp32_precision = "ieee"  # type: ignore[attr-defined]
    try:
        yield
    finally:
        rnn.fp32_precision = before  # type: ignore[attr-defined]


@contextmanager
def lstm_arithmetic(tensors: list[Tensor]) -> Iterator[list[Tensor]]:
    """Yield what an LSTM on a GPU reads, in the precision of the autocast that is on, which is off inside.

    Autocast itself would run cuDNN's LSTM in float16, whatever precision it is asked for: a gradient below
    6e-8 is lost there.
    """
    kind = tensors[0].device.type
    if torch.is_autocast_enabled(kind):
        precision = torch.get_autocast_dtype(kind)
        tensors = [tensor.to(precision) for tensor in tensors]
    with torch.autocast(kind, enabled=False), whole_float32():
        yield tensors
