"""When a finished model is corrected, because it is too sure of itself."""

from types import SimpleNamespace

import numpy as np
import pytest

from sentiment.config import parse_config
from sentiment.training.finish import _fit_temperature

HONEST, RIGHT_OF_10 = np.log(8), 8  # odds of 8:1:1 are right in 8 of 10


def temperature_of(wanted, scale, reviews=60, classes=3):
    """The temperature for a model whose honest logits were multiplied by `scale`."""
    labels_N = np.array([0 if number % 10 < RIGHT_OF_10 else 1 + number % 2 for number in range(reviews)])
    if classes == 2:
        logits = np.full(reviews, -np.log(4) * scale)
        labels_N = labels_N.clip(max=1)
    else:
        logits = np.tile([HONEST * scale, 0, 0], (reviews, 1))
    session = SimpleNamespace(
        config=parse_config("", "test", [f"calibration.temperature={wanted}"]),
        prepared=SimpleNamespace(validation=SimpleNamespace(labels_N=labels_N)),
    )
    return _fit_temperature(session, logits)


@pytest.mark.parametrize(
    ("wanted", "scale", "options", "expected"),
    [
        ('"auto"', 3, {}, 3),
        ('"auto"', 0.5, {}, 1),
        ('"auto"', 3, {"reviews": 40}, 1),
        ('"auto"', 3, {"classes": 2}, 1),
        ("true", 3, {"reviews": 40}, 3),
        ("true", 0.5, {"classes": 2}, 0.5),
        ("false", 3, {}, 1),
    ],
)
def test_auto_corrects_only_a_model_of_several_classes_that_is_too_sure(wanted, scale, options, expected):
    assert temperature_of(wanted, scale, **options) == pytest.approx(expected, rel=0.01)
