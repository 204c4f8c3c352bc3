"""Make short texts less sure: few words say less about an opinion than a whole review."""

import torch
from torch import Tensor, nn


class LengthScale(nn.Module):
    """Multiply the logits of a text of n tokens by n / (n + h): no label changes, and h tokens have half.

    It is a temperature, as in Guo et al. 2017, that depends on the length: 1 + h / n.
    """

    half_length: Tensor
    """float32 scalar: h, in tokens. With 0 every logit stays as it is."""

    def __init__(self, half_length: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("half_length", torch.tensor(float(half_length)))

    def forward(self, logits: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the scaled logits_B (logits_BO with more classes) of texts of so many tokens."""
        factors_B = lengths_B / (lengths_B + self.half_length)
        return logits * factors_B.reshape(-1, *[1] * (logits.dim() - 1))
