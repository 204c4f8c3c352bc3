"""The whole network: logits, readout details, parameters and combinations that are refused."""

from itertools import product

import pytest
import torch
from torch import Tensor

from sentiment.config import ModelSettings, parse_config
from sentiment.data.ids import PADDING_ID, UNKNOWN_ID
from sentiment.errors import UsageError
from sentiment.models.classifier import LSTMClassifier
from sentiment.models.merges import MERGES
from sentiment.models.readouts import READOUTS

TOKENS_BT = torch.tensor([[4, 5, 6, 7, 8], [9, 3, 0, 0, 0]])
LENGTHS_B = torch.tensor([5, 2])


def make(*overrides: str, classes: int = 2) -> LSTMClassifier:
    torch.manual_seed(1)
    small = ["embedding=5", "hidden=4", "segment=2", "truncation=2"]
    settings = parse_config("", "a test", [f"model.{override}" for override in (*small, *overrides)]).model
    return LSTMClassifier(settings, 10, classes=classes).eval()


@pytest.mark.parametrize(("merge", "readout"), product(MERGES, READOUTS))
def test_every_merge_and_readout_gives_one_logit_per_review(merge: str, readout: str) -> None:
    logits_B = make(f"merge={merge}", f"readout={readout}")(TOKENS_BT, LENGTHS_B)
    assert logits_B.shape == (2,)
    assert logits_B.dtype == torch.float32


@pytest.mark.parametrize("readout", READOUTS)
def test_more_classes_have_a_logit_each(readout: str) -> None:
    logits_BO = make(f"readout={readout}", classes=3)(TOKENS_BT, LENGTHS_B)
    assert logits_BO.shape == (2, 3) and logits_BO.dtype == torch.float32


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("readout", READOUTS)
def test_readout_details_have_the_logits_of_forward(readout: str, classes: int) -> None:
    network = make(f"readout={readout}", classes=classes)
    details = network.readout_details(TOKENS_BT, LENGTHS_B)
    assert torch.equal(details.logits, network(TOKENS_BT, LENGTHS_B))
    assert (details.weights_BT is not None) == (readout == "attention")
    assert (details.token_logits is not None) == (readout == "tokens")


def test_attention_reports_weights_that_sum_to_one() -> None:
    weights_BT = make("readout=attention").readout_details(TOKENS_BT, LENGTHS_B).weights_BT
    assert isinstance(weights_BT, Tensor)
    torch.testing.assert_close(weights_BT.sum(dim=1), torch.ones(2))
    assert (weights_BT[1, 2:] == 0).all()


def test_tokens_reports_logits_whose_mean_is_that_of_the_review() -> None:
    details = make("readout=tokens").readout_details(TOKENS_BT, LENGTHS_B)
    assert isinstance(details.token_logits, Tensor)
    torch.testing.assert_close(details.token_logits.sum(dim=1) / LENGTHS_B, details.logits)


def test_tokens_reports_a_logit_of_each_class_for_each_token() -> None:
    details = make("readout=tokens", classes=3).readout_details(TOKENS_BT, LENGTHS_B)
    assert isinstance(details.token_logits, Tensor) and details.token_logits.shape == (2, 5, 3)
    torch.testing.assert_close(details.token_logits.sum(dim=1) / LENGTHS_B[:, None], details.logits)


def test_a_hierarchical_encoder_reports_segments() -> None:
    details = make("encoder=hierarchical", "readout=attention").readout_details(TOKENS_BT, LENGTHS_B)
    assert details.tokens_per_position == 2
    assert details.lengths_B.tolist() == [3, 1]
    assert isinstance(details.weights_BT, Tensor)
    assert details.weights_BT.shape == (2, 3)


@pytest.mark.parametrize(
    ("encoder", "readout"),
    product(["stacked", "residual", "layer_norm", "truncated", "hierarchical"], ["attention", "tokens"]),
)
def test_the_state_has_parameters_only_and_all_of_them_learn(encoder: str, readout: str) -> None:
    network = make(f"encoder={encoder}", f"readout={readout}")
    assert network.state_dict().keys() == {name for name, _ in network.named_parameters()}
    network(TOKENS_BT, LENGTHS_B).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_the_padding_embedding_has_exactly_no_gradient() -> None:
    network = make("readout=max_mean")
    network(TOKENS_BT, LENGTHS_B).sum().backward()
    assert (network.embeddings[0].weight.grad[0] == 0).all()


SHARE = 0.3
CHANNELS = ["lower", "prefix", "suffix"]


def embed_as_ids(tokens_BT: Tensor, training: bool, *channels: str) -> Tensor:
    """Return the ids after word dropout: the embedding of each word is its id."""
    shape = ModelSettings(embedding=1, hidden=2, word_dropout=SHARE, embedding_dropout=0.0)
    if channels:
        shape = shape.model_copy(update={"encoder": "shared_weight", "channels": list(channels)})
    network = LSTMClassifier(shape, *[50] * (len(channels) or 1)).train(training)
    with torch.no_grad():
        for embedding in network.embeddings:
            embedding.weight.copy_(torch.arange(50)[:, None])
    return network.embed(tokens_BT)[..., 0].long()


@pytest.mark.parametrize("channels", [[], CHANNELS], ids=["words", "channels"])
def test_word_dropout_makes_a_share_of_the_tokens_unknown(channels: list[str]) -> None:
    """This happens in training only, to all channels of a token together, and never to padding."""
    torch.manual_seed(4)
    tokens_BT = torch.randint(UNKNOWN_ID + 1, 50, (60, 100, *[len(channels)] * bool(channels)))
    real_BT = torch.arange(100) < torch.randint(1, 101, (60, 1))
    tokens_BT[~real_BT] = PADDING_ID
    assert torch.equal(embed_as_ids(tokens_BT, False, *channels), tokens_BT)

    left_BT = embed_as_ids(tokens_BT, True, *channels)
    changed_BT = left_BT != tokens_BT
    assert (left_BT[changed_BT] == UNKNOWN_ID).all()
    if channels:
        assert torch.equal(changed_BT.any(dim=2), changed_BT.all(dim=2))
        changed_BT = changed_BT.any(dim=2)
    assert not changed_BT[~real_BT].any()
    tokens = int(real_BT.sum())
    deviation = (SHARE * (1 - SHARE) / tokens) ** 0.5
    assert abs(int(changed_BT.sum()) / tokens - SHARE) < 4 * deviation
    assert not torch.equal(embed_as_ids(tokens_BT, True, *channels), left_BT)  # each call draws again


@pytest.mark.parametrize("merge", ["sum", "max"])
def test_one_direction_has_nothing_to_merge(merge: str) -> None:
    with pytest.raises(UsageError, match=r"model\.merge: one direction has nothing to merge"):
        make(f"merge={merge}", "bidirectional=false")
