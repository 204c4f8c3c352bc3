"""Small weights: how many bytes they save, and how close they are to the full ones."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.config import Config, EvidenceSettings, ModelSettings, TrainingSettings
from sentiment.models.compact import compact, expand
from sentiment.models.ensemble import new_model

CONFIG = Config(
    model=ModelSettings(embedding=16, hidden=8, layers=1),
    training=TrainingSettings(members=2),
    evidence=EvidenceSettings(weight=0.5, size=10),
)


@given(st.integers(0, 2**31), st.floats(1e-3, 1e3))
@settings(max_examples=20, deadline=None)
def test_small_weights_are_close_and_have_the_same_names(seed, size):
    torch.manual_seed(seed)
    weights = {name: value * size for name, value in new_model(CONFIG, [50]).state_dict().items()}
    weights["evidence.keys_G"] = torch.arange(10)
    found = expand(compact(weights))
    assert found.keys() == weights.keys()
    for name, value in weights.items():
        assert found[name].dtype == value.dtype
        limit = value.abs().amax() / 200 if value.is_floating_point() else 0
        assert (found[name] - value).abs().max() <= limit


def test_each_row_has_its_own_scale_and_padding_stays_zero():
    weights = {"embeddings.0.weight": torch.tensor([[0.0, 0.0], [1e-3, -5e-4], [100.0, 50.0]])}
    found = expand(compact(weights))["embeddings.0.weight"]
    assert torch.equal(found[0], torch.zeros(2))
    torch.testing.assert_close(found, weights["embeddings.0.weight"], rtol=1e-2, atol=0)


def test_small_weights_take_about_a_quarter():
    weights = new_model(Config(model=ModelSettings(hidden=8, layers=1)), [5_000]).state_dict()
    size = {
        name: sum(value.nbytes for value in values.values())
        for name, values in (("small", compact(weights)), ("full", weights))
    }
    assert size["small"] < 0.27 * size["full"]


def test_full_weights_expand_to_the_same_weights():
    weights = new_model(CONFIG, [50]).state_dict()
    found = expand(weights)
    assert all(torch.equal(found[name], value) for name, value in weights.items())
