"""Variables that make torch a good neighbour, and let a GPU give the same bits each time."""

import os
import sys
from collections.abc import MutableMapping

# They have an effect only if they are set before torch is imported.
ENVIRONMENT = {
    # Idle OpenMP threads keep their cores busy. Two programs on the same cores then become ten times slower.
    # With this number the threads sleep sooner, and a program that runs alone loses little.
    "GOMP_SPINCOUNT": "1000",
    # By default oneDNN keeps 1,024 kernels of 2 MB, one for each shape of a batch. Few shapes are repeated.
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "16",
}
# cuBLAS and torch read this variable at the first product on a GPU, which may be long before a training, and
# never again. Without it two trainings of one LSTM on CUDA differ in their last bits.
CUBLAS_WORKSPACE, SAME_BITS = "CUBLAS_WORKSPACE_CONFIG", ":4096:8"


def set_defaults(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set each variable that has no value yet, unless it is too late: torch reads some at its import."""
    environment.setdefault(CUBLAS_WORKSPACE, SAME_BITS)
    if "torch" not in sys.modules:
        for name, value in ENVIRONMENT.items():
            environment.setdefault(name, value)
