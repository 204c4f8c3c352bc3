"""Look into a network: what each module takes and gives, its parameters, arithmetic and last states."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sentiment.config import Config
from sentiment.data.batches import collate, cut
from sentiment.data.ids import UNKNOWN_ID
from sentiment.data.text import why_unreadable
from sentiment.data.tokenizer import shared_tokenizer
from sentiment.data.vocabulary import Vocabulary
from sentiment.errors import DataError
from sentiment.models.ensemble import new_model
from sentiment.models.lstm import ExactLSTM, States
from sentiment.models.merges import Merged
from sentiment.models.readouts import Readout


@dataclass(frozen=True)
class ModuleFacts:
    """One module in the order of the data; shapes pair each letter of the legend with its size."""

    name: str
    kind: str
    takes: list[tuple[str, int]]
    gives: list[tuple[str, int]]
    parameters: int
    multiplications: int
    """Multiply-adds of one forward pass over the text."""


@dataclass(frozen=True)
class LastState:
    """What one direction of an LSTM layer ends with; a row for each segment or channel."""

    layer: str
    direction: str
    hidden: list[list[float]]
    """h_n, a row of H values."""
    cell: list[list[float]]
    """c_n, a row of H values."""


@dataclass(frozen=True)
class Inspection:
    """What `inspect` prints."""

    tokens: int
    parameters: int
    modules: list[ModuleFacts]
    states: list[LastState]
    logit: float


def inspect_text(
    config: Config, text: str, vocabulary: Vocabulary | None = None, model: nn.Module | None = None
) -> Inspection:
    """Run one text through a network, trained or (without `model`) as `config` would make it.

    Raises DataError if the text is empty.
    """
    if flaw := why_unreadable(text):
        raise DataError(f"the text {flaw}; give --text some words")
    tokens = shared_tokenizer().tokenize_and_forget([text])
    if vocabulary is None:
        # No word is known before training; shapes and arithmetic do not depend on which words there are.
        channels = (len(config.model.views),) if config.model.views else ()
        ids_T = np.full((len(tokens[0]), *channels), UNKNOWN_ID)
    else:
        ids_T = vocabulary.ids(tokens.forms)[tokens[0]]
    if model is None:
        torch.manual_seed(config.seed)
        size = config.vocabulary.size + UNKNOWN_ID + 1
        model = new_model(config, [size] * (len(config.model.views) or 1)).eval()
    batch = collate([cut(ids_T, config.text)])
    modules: list[ModuleFacts] = []
    states: list[LastState] = []
    handles = [
        module.register_forward_hook(_recorder(name, modules, states))
        for name, module in model.named_modules()
        if isinstance(module, nn.Embedding | ExactLSTM | nn.Linear | Readout)
    ]
    try:
        with torch.inference_mode():
            logit = float(model(batch.tokens_BT, batch.lengths_B))
    finally:
        for handle in handles:
            handle.remove()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Inspection(len(tokens[0]), parameters, modules, states, logit)


def _recorder(
    name: str, modules: list[ModuleFacts], states: list[LastState]
) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
    """A hook that notes a module's shapes and, of an LSTM, its last states."""

    def record(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        taken = inputs[0].states_BTM if isinstance(inputs[0], Merged) else inputs[0]
        given = output.states_BTDH if isinstance(output, States) else output
        takes, gives = _letters(module, taken, given)
        own = sum(parameter.numel() for parameter in module.parameters())
        modules.append(
            ModuleFacts(name, type(module).__name__, takes, gives, own, _multiplications(module, taken))
        )
        if isinstance(output, States):
            directions = ("forward", "backward")[: output.hidden_BDH.shape[1]]
            states.extend(
                LastState(
                    name, direction, output.hidden_BDH[:, index].tolist(), output.cell_BDH[:, index].tolist()
                )
                for index, direction in enumerate(directions)
            )

    return record


def _letters(
    module: nn.Module, taken: Tensor, given: Tensor
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Name the axes of what a module takes and gives by the legend of `sentiment.models`."""
    names = {nn.Embedding: ("BT", "BTE"), ExactLSTM: ("BTE", "BTDH"), Readout: ("BTM", "BR")}
    takes, gives = next(
        (letters for kind, letters in names.items() if isinstance(module, kind)),
        ("BTC"[: taken.dim() - 1] + "M", "BTC"[: given.dim() - 1] + "M"),
    )
    return list(zip(takes, taken.shape, strict=True)), list(zip(gives, given.shape, strict=True))


def _multiplications(module: nn.Module, taken: Tensor) -> int:
    positions = taken.shape[:-1].numel()
    if isinstance(module, ExactLSTM):
        H = module.hidden_size
        return positions * module.directions * 4 * H * (module.input_size + H)
    if isinstance(module, nn.Linear):
        return positions * module.in_features * module.out_features
    return 0
