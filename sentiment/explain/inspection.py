"""Inspect a network: shapes, parameters and arithmetic of each module, and the last states of its LSTMs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from sentiment.config import Config
from sentiment.data.batches import Batch, collate, cut
from sentiment.data.ids import UNKNOWN_ID
from sentiment.data.text import why_unreadable
from sentiment.data.text_rules import TextRules
from sentiment.data.tokenizer import shared_tokenizer
from sentiment.data.vocabulary import Vocabulary
from sentiment.errors import DataError
from sentiment.models.ensemble import new_model
from sentiment.models.lstm import ExactLSTM, States
from sentiment.models.merges import Merged
from sentiment.models.readouts import Readout


@dataclass(frozen=True)
class ModuleFacts:
    """One module, in the order in which data passes; shapes pair letters of the legend with sizes."""

    name: str
    kind: str
    takes: list[tuple[str, int]]
    gives: list[tuple[str, int]]
    parameters: int
    multiplications: int
    """Multiply-adds of one forward pass over the text."""


@dataclass(frozen=True)
class LastState:
    """The last state of one direction of an LSTM layer, with a row for each segment or channel."""

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
    logits: list[float]
    """One for two classes, else one for each."""


def inspect_text(
    config: Config, text: str, vocabulary: Vocabulary | None = None, model: nn.Module | None = None
) -> Inspection:
    """Run one text through a network: `model`, or without it an untrained network of `config`.

    Raises DataError if the text is empty.
    """
    if flaw := why_unreadable(text):
        raise DataError(f"the text {flaw}; give --text some words")
    tokens = shared_tokenizer(TextRules.of(config.text)).tokenize_and_forget([text])
    if vocabulary is None:
        # No word is known before training. Shapes and arithmetic do not depend on the words.
        channels = (len(config.model.views),) if config.model.views else ()
        ids_T = np.full((len(tokens[0]), *channels), UNKNOWN_ID)
    else:
        ids_T = vocabulary.ids(tokens.forms)[tokens[0]]
    model = model or _untrained_model(config)
    modules, states, logits = _record_forward_pass(model, collate([cut(ids_T, config.text)]))
    return Inspection(
        tokens=len(tokens[0]),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        modules=modules,
        states=states,
        logits=logits,
    )


def _untrained_model(config: Config) -> nn.Module:
    """Build the network of a configuration with a full vocabulary and its seeded start weights."""
    torch.manual_seed(config.seed)
    size = config.vocabulary.size + UNKNOWN_ID + 1
    return new_model(config, [size] * (len(config.model.views) or 1)).eval()


def _record_forward_pass(
    model: nn.Module, batch: Batch
) -> tuple[list[ModuleFacts], list[LastState], list[float]]:
    """Run one batch of one text; return the facts of its modules, the last states and the logits."""
    modules: list[ModuleFacts] = []
    states: list[LastState] = []

    def add_hook(name: str, module: nn.Module) -> RemovableHandle:
        def record(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            modules.append(_describe_module(name, module, inputs[0], output))
            if isinstance(output, States):
                states.extend(_last_states(name, output))

        return module.register_forward_hook(record)

    handles = [
        add_hook(name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.Embedding | ExactLSTM | nn.Linear | Readout)
    ]
    try:
        with torch.inference_mode():
            logits = model(batch.tokens_BT, batch.lengths_B).flatten().tolist()
    finally:
        for handle in handles:
            handle.remove()
    return modules, states, logits


def _describe_module(name: str, module: nn.Module, taken: Any, given: Any) -> ModuleFacts:
    """Note the shapes, parameters and arithmetic of a module that gave `given` for `taken`."""
    taken = taken.states_BTM if isinstance(taken, Merged) else taken
    given = given.states_BTDH if isinstance(given, States) else given
    takes, gives = _name_axes(module, taken, given)
    return ModuleFacts(
        name=name,
        kind=type(module).__name__,
        takes=takes,
        gives=gives,
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        multiplications=_count_multiplications(module, taken),
    )


def _last_states(layer: str, states: States) -> list[LastState]:
    directions = ("forward", "backward")[: states.hidden_BDH.shape[1]]
    return [
        LastState(
            layer=layer,
            direction=direction,
            hidden=states.hidden_BDH[:, index].tolist(),
            cell=states.cell_BDH[:, index].tolist(),
        )
        for index, direction in enumerate(directions)
    ]


def _name_axes(
    module: nn.Module, taken: Tensor, given: Tensor
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Name the axes of a module's input and output by the legend of `sentiment.models`."""
    names = {nn.Embedding: ("BT", "BTE"), ExactLSTM: ("BTE", "BTDH"), Readout: ("BTM", "BR")}
    takes, gives = next(
        (letters for kind, letters in names.items() if isinstance(module, kind)),
        ("BTC"[: taken.dim() - 1] + "M", "BTC"[: given.dim() - 1] + "M"),
    )
    return list(zip(takes, taken.shape, strict=True)), list(zip(gives, given.shape, strict=True))


def _count_multiplications(module: nn.Module, taken: Tensor) -> int:
    positions = taken.shape[:-1].numel()
    if isinstance(module, ExactLSTM):
        H = module.hidden_size
        return positions * module.directions * 4 * H * (module.input_size + H)
    if isinstance(module, nn.Linear):
        return positions * module.in_features * module.out_features
    return 0
