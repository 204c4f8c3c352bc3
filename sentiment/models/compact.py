"""Weights in fewer bytes: embeddings as int8 with a scale a row, everything else as float16.

Source: a scale for each row, as the 8-bit tables of Guan et al. 2019 (post-training 4-bit quantization on
embedding tables).
"""

from collections.abc import Mapping

import torch
from torch import Tensor

SCALE = ".scale"
LARGEST = 127  # of an int8
SMALLEST = 1e-30  # so that a row of zeros has a scale too


def compact(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A quarter to a half of the bytes of floating-point weights; `expand` gives back what is left of them.

    Integers stay as they are.
    """
    small: dict[str, Tensor] = {}
    for name, value in weights.items():
        if not value.is_floating_point():
            small[name] = value
        elif ".embeddings." in f".{name}":
            scale_V1 = value.abs().amax(dim=1, keepdim=True).clamp(min=SMALLEST) / LARGEST
            small[name] = (value / scale_V1).round().to(torch.int8)
            small[name + SCALE] = scale_V1
        else:
            small[name] = value.half()
    return small


def expand(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Every weight in float32 under its own name, whether it was compacted or not."""
    full: dict[str, Tensor] = {}
    for name, value in weights.items():
        if name + SCALE in weights:
            full[name] = value.float() * weights[name + SCALE]
        elif not name.endswith(SCALE):
            full[name] = value.float() if value.is_floating_point() else value
    return full
