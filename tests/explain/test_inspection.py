"""`inspect`: its shapes, counts and states are those of the network."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from sentiment.config import Config, ModelSettings, TextSettings
from sentiment.errors import DataError
from sentiment.explain.inspection import inspect_text
from sentiment.models.classifier import LSTMClassifier

TEXT = "one two three four five"


def config(**model) -> Config:
    sizes = {"embedding": 6, "hidden": 4, "layers": 2} | model
    return Config(model=ModelSettings(**sizes), text=TextSettings(head=0, tail=0))


def test_states_and_parameters_are_those_of_torch():
    settings = config(readout="last")
    torch.manual_seed(0)
    model = LSTMClassifier(settings.model, 25_002).eval()
    found = inspect_text(settings, TEXT, model=model)
    reference = nn.LSTM(6, 4, num_layers=2, bidirectional=True, batch_first=True)
    stacked = {
        f"{name.removesuffix('_reverse')[:-1]}{layer}{'_reverse' * name.endswith('_reverse')}": value
        for layer in (0, 1)
        for name, value in model.encoder.layers[layer].state_dict().items()
    }
    reference.load_state_dict(stacked)
    inputs_BTE = model.embeddings[0](torch.ones(1, 5, dtype=torch.long))
    _, (hidden, cell) = reference(inputs_BTE)
    assert [(state.layer, state.direction) for state in found.states] == [
        (f"encoder.layers.{layer}", direction) for layer in (0, 1) for direction in ("forward", "backward")
    ]
    np.testing.assert_allclose([state.hidden[0] for state in found.states], hidden[:, 0].detach(), atol=1e-6)
    np.testing.assert_allclose([state.cell[0] for state in found.states], cell[:, 0].detach(), atol=1e-6)
    lstms = [module for module in found.modules if module.kind == "ExactLSTM"]
    assert sum(module.parameters for module in lstms) == sum(p.numel() for p in reference.parameters())
    assert lstms[1].takes == [("B", 1), ("T", 5), ("E", 8)]
    assert lstms[1].gives == [("B", 1), ("T", 5), ("D", 2), ("H", 4)]
    assert lstms[0].multiplications == 5 * 2 * 4 * 4 * (6 + 4)


@pytest.mark.parametrize("encoder", ["residual", "hierarchical", "shared_weight", "attention_fusion"])
def test_every_parameter_is_counted_once_in_the_total(encoder):
    settings = config(encoder=encoder, readout="attention")
    found = inspect_text(settings, TEXT)
    sizes = [25_002] * (len(settings.model.views) or 1)
    model = LSTMClassifier(settings.model, *sizes)
    assert found.parameters == sum(parameter.numel() for parameter in model.parameters())


def test_an_empty_text_is_refused():
    with pytest.raises(DataError, match="empty"):
        inspect_text(config(), " ")


def test_no_hooks_stay_on_the_network():
    model = LSTMClassifier(config().model, 25_002).eval()
    inspect_text(config(), TEXT, model=model)
    assert not any(module._forward_hooks for module in model.modules())
    assert json.dumps(inspect_text(config(), TEXT, model=model).logits)
