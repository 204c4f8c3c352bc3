"""Single layers and products of matrices: what a step is compared with."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from sentiment.config import ModelSettings
from sentiment.models.lstm import ExactLSTM, States
from sentiment.system.device import Machine

from .ways import Way

SGEMM_PRODUCTS = 5
CPU_IN_FLOAT32 = Machine(torch.device("cpu"), torch.float32, 1)


def sgemm_way(size: int) -> Way:
    """Return a way that makes a few products of two square float32 matrices per call."""
    first_NN, second_NN = torch.rand(size, size), torch.rand(size, size)

    def step() -> int:
        for _ in range(SGEMM_PRODUCTS):
            torch.mm(first_NN, second_NN)
        return SGEMM_PRODUCTS * 2 * size**3

    return step


def operations_per_token(settings: ModelSettings) -> int:
    """Return the operations of the LSTM layers alone, forward and backward: see B above."""
    hidden, directions = settings.hidden, 2 if settings.bidirectional else 1
    widths = [settings.embedding] + [directions * hidden] * (settings.layers - 1)
    return 3 * directions * sum(2 * 4 * hidden * (width + hidden) for width in widths)


def layer_ways(
    settings: ModelSettings, batch: int, steps: int, machine: Machine = CPU_IN_FLOAT32
) -> dict[str, Way]:
    """Return three ways to run a bidirectional layer, on random input whose lengths differ by at most 5%.

    The plain and the packed layer are torch's, with inputs and weights in the precision of the machine.
    """
    device, precision = machine.device, machine.precision
    lengths_B = torch.randint(int(0.95 * steps), steps + 1, (batch,)).sort(descending=True).values
    lengths_B[0] = steps
    inputs_BTE = torch.randn(batch, steps, settings.embedding, device=device, requires_grad=True)
    cast_BTE = inputs_BTE.detach().to(precision).requires_grad_()
    exact = ExactLSTM(settings.embedding, settings.hidden).to(device)
    plain = nn.LSTM(settings.embedding, settings.hidden, batch_first=True, bidirectional=True)
    plain.to(device, precision)
    lengths_there_B = lengths_B.to(device)

    def run_exact() -> Tensor:
        with machine.autocast():
            states: States = exact(inputs_BTE, lengths_there_B)
        return states.states_BTDH

    def backward(states: Tensor) -> int:
        states.flatten(0, -2).amax(0).sum().backward()  # type: ignore[no-untyped-call]
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return int(lengths_B.sum())

    return {
        "exact": lambda: backward(run_exact()),
        "plain": lambda: backward(plain(cast_BTE)[0]),
        "packed": lambda: backward(
            plain(pack_padded_sequence(cast_BTE, lengths_B, batch_first=True))[0].data
        ),
    }
