"""What a GPU needs to train in bfloat16, and to give the same bits each time."""

import torch

from sentiment.errors import MachineError
from sentiment.system.environment import CUBLAS_WORKSPACE, SAME_BITS

OLDEST_CUDNN = 91_300  # version 9.13; before it torch has no fast LSTM in bfloat16


def computes_bfloat16() -> bool:
    """Whether the GPU and its cuDNN compute LSTMs in bfloat16."""
    has_instructions = torch.cuda.is_bf16_supported(including_emulation=False)
    version: int | None = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return bool(has_instructions) and (version or 0) >= OLDEST_CUDNN


def require_same_bits(device: torch.device) -> None:
    """Raise MachineError if cuBLAS may give other bits each time; call it with deterministic kernels on.

    torch reads the variable at its first product on a GPU, and never again.
    """
    ones = torch.ones(2, 2, device=device)
    try:
        torch.mm(ones, ones)
    except RuntimeError as error:
        if CUBLAS_WORKSPACE not in str(error):
            raise
        raise MachineError(
            f"this process has used the GPU without {CUBLAS_WORKSPACE}={SAME_BITS}; import sentiment before "
            "that, or set the variable before Python starts"
        ) from None
