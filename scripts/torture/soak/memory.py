"""How much memory this process holds, and whether it grows."""

import gc
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..children import Ended

MIB = 2**20
NOISE = 4.0  # MiB; allocators take memory in steps of about so much
SURE = 3.0  # standard errors: a slope counts as growth only if it is above its bound by so many


def print_measurements(axis: Sequence[float], held: Sequence[int]) -> None:
    """Print what `require_flat` reads: where memory was measured, and the bytes."""
    print(json.dumps({"axis": axis, "held": held}))


def require_flat(ended: Ended, what: str, *, bound: float, unit: str) -> str:
    """Return how the memory of a process grew that measured it; raises AssertionError if beyond the bound.

    `what` says what it did.
    """
    ended.assert_code(0)
    found = json.loads(ended.out.splitlines()[-1])
    slope = find_slope(found["axis"], found["held"])
    told = f"{what}, {slope.describe(unit)}"
    assert not slope.grows_beyond(bound), f"memory grows: {told}"
    return told


def held_bytes() -> int:
    """Return the resident memory of this process, without what is garbage."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Slope:
    """A straight line through the later half of some measurements."""

    mib: float
    """How many MiB more for one more on the axis, such as an hour."""
    span: float
    """How long the axis is."""
    error: float
    """The standard error of that; infinite if there are too few measurements."""

    def grows_beyond(self, bound: float) -> bool:
        """Whether memory certainly grows by more MiB than `bound`, and in all by more than is noise."""
        certain = self.mib - SURE * self.error
        return certain > bound and certain * self.span > NOISE

    def describe(self, unit: str) -> str:
        """Return for example `0.12 MiB an hour (standard error 0.05)`."""
        return f"{self.mib:.2f} MiB {unit} (standard error {self.error:.2f})"


def find_slope(axis: Sequence[float], held: Sequence[int]) -> Slope:
    """Fit a line by least squares through the later half of the measurements; the first half warms up."""
    x_N, y_N = (np.array(values[len(values) // 2 :], dtype=float) for values in (axis, held))
    y_N = y_N / MIB
    if len(x_N) < 3:
        return Slope(0.0, 0.0, math.inf)
    from_mean_N = x_N - x_N.mean()
    spread = float((from_mean_N**2).sum())
    slope = float((from_mean_N * y_N).sum()) / spread
    rest_N = y_N - y_N.mean() - slope * from_mean_N
    error = math.sqrt(float((rest_N**2).sum()) / (len(x_N) - 2) / spread)
    return Slope(slope, float(np.ptp(x_N)), error)
