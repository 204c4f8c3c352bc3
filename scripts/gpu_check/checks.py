"""The checks: exactness, precision, speed; resuming.py has that of whole trainings."""

from collections.abc import Callable
from typing import get_args

import numpy as np
import torch
from torch import Tensor, nn

import sentiment
from scripts.benchmark.arithmetic import layer_ways
from scripts.benchmark.ways import measure
from sentiment.config import MachineSettings, ModelSettings
from sentiment.data.batches import Batch, collate
from sentiment.models.classifier import LSTMClassifier
from sentiment.models.gpu_arithmetic import whole_float32
from sentiment.models.language_model import LanguageModel
from sentiment.models.lstm import ExactLSTM
from sentiment.system.device import Machine, settle_precision, training_arithmetic

from .findings import Finding, Sizes
from .resuming import check_resume

TOLERANCE = 1e-5  # of a logit or a probability in float32
GRADIENT_TOLERANCE = 1e-4  # of a gradient's norm
HALF_TOLERANCE = 0.02  # of the norm of states in bfloat16
WORDS = 2_000
SHORT_TEXTS = ["This film is not terrible, it's great!", "A dull, endless mess.", "Good " * 300]


FULL = Sizes(embedding=256, hidden=512, batch=80, steps=400, rounds=10)  # as in imdb-gpu
TINY = Sizes(embedding=5, hidden=4, batch=3, steps=9, rounds=1)


def check_logits(device: torch.device, sizes: Sizes) -> Finding:
    """Whether logits on the device are those of the CPU, and those of a batch are those of a review alone."""
    worst, worst_name = 0.0, ""
    for name in get_args(ModelSettings.model_fields["encoder"].annotation):
        settings = ModelSettings(
            embedding=sizes.embedding, hidden=sizes.hidden, layers=1, readout="max_mean", encoder=name
        )
        torch.manual_seed(1)
        network = LSTMClassifier(settings, *[WORDS] * (len(settings.views) or 1)).eval()
        reviews = _random_reviews(sizes, channels=len(settings.views))
        with torch.inference_mode():
            on_cpu_B = _logits(network, collate(reviews))
            network.to(device)
            together_B = _logits(network, collate(reviews).to(device))
            alone_B = torch.cat([_logits(network, collate([review]).to(device)) for review in reviews[:4]])
        found = max(_distance(together_B, on_cpu_B), _distance(together_B[:4], alone_B))
        if found >= worst:
            worst, worst_name = found, name
    return Finding(worst <= TOLERANCE, f"at most {worst:.1e} (of {worst_name}; allowed {TOLERANCE:.0e})")


def check_shipped(device: torch.device, sizes: Sizes) -> Finding:
    """Whether the shipped model gives the probabilities of the CPU."""
    given = [
        [found.probability for found in sentiment.load(device=name).predict(SHORT_TEXTS)]
        for name in ("cpu", str(device))
    ]
    worst = max(abs(one - other) for one, other in zip(*given, strict=True))
    return Finding(
        worst <= TOLERANCE, f"probabilities differ by at most {worst:.1e} (allowed {TOLERANCE:.0e})"
    )


def check_gradients(device: torch.device, sizes: Sizes) -> Finding:
    """Whether the language model with the full softmax has the loss and gradients of the CPU in float32."""
    batch = collate(_random_reviews(sizes))
    results = []
    for place in (torch.device("cpu"), device):
        torch.manual_seed(2)
        network = LSTMClassifier(
            ModelSettings(embedding=sizes.embedding, hidden=sizes.hidden, layers=1), WORDS
        )
        model = LanguageModel(network, torch.arange(WORDS), samples=0).to(place)
        with training_arithmetic(), whole_float32():
            loss = model(*vars(batch.to(place)).values())
            loss.backward()
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        results.append((loss.detach().cpu(), torch.cat([found.flatten() for found in gradients]).cpu()))
    distances = [float((there - here).norm() / here.norm()) for here, there in zip(*results, strict=True)]
    text = f"of the loss {distances[0]:.1e}, of the gradients {distances[1]:.1e}"
    return Finding(
        max(distances) <= GRADIENT_TOLERANCE, f"{text} (relative; allowed {GRADIENT_TOLERANCE:.0e})"
    )


def check_precision(device: torch.device, sizes: Sizes) -> Finding:
    """Whether an LSTM in bfloat16 is in bfloat16, and not in float16, where so small a gradient is zero."""
    if settle_precision(MachineSettings(device=str(device), precision="auto")).precision == "float32":
        return Finding(device.type == "cpu", "not run: no bfloat16 here")
    torch.manual_seed(3)
    layer = ExactLSTM(sizes.embedding, sizes.hidden).to(device)
    inputs_BTE = torch.randn(sizes.batch, sizes.steps, sizes.embedding, device=device)
    lengths_B = torch.full((sizes.batch,), sizes.steps, device=device)
    expected = layer(inputs_BTE, lengths_B).states_BTDH.detach()
    with Machine(device, torch.bfloat16, 1).autocast():
        states = layer(inputs_BTE, lengths_B).states_BTDH
    (states.float().sum() * 1e-9).backward()
    found = float((states.detach() - expected).norm() / expected.norm())
    is_there = all(
        bool(parameter.grad.any()) for parameter in layer.parameters() if parameter.grad is not None
    )
    passed = states.dtype is torch.bfloat16 and 0 < found <= HALF_TOLERANCE and is_there
    small = "is there" if is_there else "is lost"
    return Finding(passed, f"{states.dtype}, {found:.1e} from float32, a gradient of 1e-9 {small}")


def check_speed(device: torch.device, sizes: Sizes) -> Finding:
    """How fast a layer is next to plain padded and packed ones; on a GPU bfloat16 has to be faster."""
    settings = ModelSettings(embedding=sizes.embedding, hidden=sizes.hidden, layers=1)
    automatic = settle_precision(MachineSettings(device=str(device), precision="auto")).precision
    ways = {}
    for precision in dict.fromkeys(["float32", automatic]):
        machine = Machine(device, getattr(torch, precision), 1)
        for name, way in layer_ways(settings, sizes.batch, sizes.steps, machine).items():
            ways[f"{name} {precision}"] = way
    with training_arithmetic(), whole_float32():
        speed = measure(ways, sizes.rounds)
    text = ", ".join(f"{name} {found:,.0f}" for name, found in speed.items())
    passed = device.type == "cpu" or speed["exact bfloat16"] > speed["exact float32"]
    return Finding(passed, f"real tokens/s forward and backward: {text}")


CHECKS: dict[str, Callable[[torch.device, Sizes], Finding]] = {
    "logits of every encoder": check_logits,
    "the shipped model": check_shipped,
    "gradients": check_gradients,
    "precision": check_precision,
    "same bits and resuming": check_resume,
    "speed": check_speed,
}


def _logits(network: nn.Module, batch: Batch) -> Tensor:
    logits_B: Tensor = network(batch.tokens_BT, batch.lengths_B)
    return logits_B


def _distance(first: Tensor, second: Tensor) -> float:
    return float((first.cpu() - second.cpu()).abs().max())


def _random_reviews(sizes: Sizes, channels: int = 0) -> list[np.ndarray]:
    draws = torch.Generator().manual_seed(4)
    lengths = torch.randint(1, sizes.steps + 1, (sizes.batch,), generator=draws).tolist()
    shapes = [(length, channels) if channels else (length,) for length in lengths]
    return [torch.randint(2, WORDS, shape, generator=draws).numpy() for shape in shapes]
