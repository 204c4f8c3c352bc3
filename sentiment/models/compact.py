"""Store weights in fewer bytes: embeddings as int8 with a scale for each row, everything else as float16.

Source: one scale for each row, Guan et al. 2019 (post-training 4-bit quantization on embedding tables).
"""

from collections.abc import Mapping

import torch
from torch import Tensor

SCALE_SUFFIX = ".scale"
INT8_MAXIMUM = 127
TINY = 1e-30  # a row of zeros gets this as its largest value, or its scale would be zero


def compact(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Shrink floating-point weights to a quarter or a half of their bytes; `expand` reads the result.

    Precision is lost. Integers stay as they are.
    """
    small: dict[str, Tensor] = {}
    for name, value in weights.items():
        if not value.is_floating_point():
            small[name] = value
        elif ".embeddings." in f".{name}":
            scale_V1 = value.abs().amax(dim=1, keepdim=True).clamp(min=TINY) / INT8_MAXIMUM
            small[name] = (value / scale_V1).round().to(torch.int8)
            small[name + SCALE_SUFFIX] = scale_V1
        else:
            small[name] = value.half()
    return small


def expand(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return every weight in float32 under its own name, whether it was compacted or not."""
    full: dict[str, Tensor] = {}
    for name, value in weights.items():
        if name + SCALE_SUFFIX in weights:
            full[name] = value.float() * weights[name + SCALE_SUFFIX]
        elif not name.endswith(SCALE_SUFFIX):
            full[name] = value.float() if value.is_floating_point() else value
    return full
