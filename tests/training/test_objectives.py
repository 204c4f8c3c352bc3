"""Objectives, compared with a simple computation of loss and gradient."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from sentiment.config import MachineSettings, ModelSettings
from sentiment.data.batches import LabelledReviews
from sentiment.data.ids import PADDING_ID
from sentiment.models.classifier import LSTMClassifier
from sentiment.models.language_model import LanguageModel
from sentiment.system.device import Machine, find_machine
from sentiment.training.objectives import Labels, Objective, Words, adversarial_move

SHARES = [0.0, 0.3]


@dataclass(frozen=True)
class Given:
    """Return labelled reviews of one to nine words, a model with large weights, and a machine."""

    reviews: LabelledReviews
    model: LSTMClassifier
    words: int
    machine: Machine

    @property
    def everything(self) -> list[int]:
        return list(range(len(self.reviews.reviews)))

    def batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return tokens_BT, lengths_B and labels_B of all reviews."""
        batch = self.reviews.reviews.batch(self.everything)
        return batch.tokens_BT, batch.lengths_B, torch.from_numpy(self.reviews.labels_N).float()


@pytest.fixture
def given_reviews(encode) -> Given:
    torch.manual_seed(5)
    generator = np.random.default_rng(4)
    reviews, vocabulary = encode(
        [[f"w{word}" for word in generator.integers(0, 12, size=length)] for length in (3, 9, 1, 6, 2, 9, 4)]
    )
    shape = ModelSettings(
        embedding=5, hidden=4, layers=1, readout="max_mean", embedding_dropout=0.0, dropout=0.0
    )
    (words,) = vocabulary.sizes
    model = LSTMClassifier(shape, words).train()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(std=0.6)
            if name.startswith("embeddings"):
                parameter[PADDING_ID] = 0
    labels_N = generator.integers(0, 2, size=len(reviews)).astype(np.int8)
    machine = find_machine(MachineSettings(device="cpu", threads=1))
    return Given(LabelledReviews(reviews, labels_N), model, words, machine)


def gradients_of(
    objective: Objective, model: nn.Module, machine: Machine, shares: list[list[int]]
) -> tuple[list[Tensor], float, int]:
    """Return the gradients after `backward` of each share of a batch, and the summed figures."""
    model.zero_grad()
    terms = objective.terms([index for share in shares for index in share])
    figures = [objective.backward(model, share, terms, machine) for share in shares]
    gradients = [parameter.grad.clone() for parameter in model.parameters()]
    return gradients, sum(loss for loss, _ in figures), sum(hits for _, hits in figures)


def assert_same(found: list[Tensor], expected: list[Tensor]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-7)


# --- labels --------------------------------------------------------------------------------------------


def test_the_loss_of_labels_is_the_mean_cross_entropy(given_reviews: Given) -> None:
    tokens_BT, lengths_B, labels_B = given_reviews.batch()
    logits_B = given_reviews.model(tokens_BT, lengths_B)
    loss = binary_cross_entropy_with_logits(logits_B, labels_B)
    expected = torch.autograd.grad(loss, list(given_reviews.model.parameters()))
    objective = Labels(given_reviews.reviews, 0.0)
    gradients, found, hits = gradients_of(
        objective, given_reviews.model, given_reviews.machine, [given_reviews.everything]
    )
    assert_same(gradients, list(expected))
    assert found == pytest.approx(float(loss.detach()), rel=1e-5)
    assert hits == int(((logits_B > 0) == (labels_B == 1)).sum())


def test_the_adversarial_loss_is_the_mean_of_the_plain_and_the_moved_one(given_reviews: Given) -> None:
    """The move depends on the gradient, but no gradient flows through the move."""
    model, share = given_reviews.model, 1.5
    tokens_BT, lengths_B, labels_B = given_reviews.batch()

    def judge(inputs_BTE: Tensor) -> tuple[Tensor, int]:
        logits_B = model.classify(inputs_BTE, lengths_B)
        return binary_cross_entropy_with_logits(logits_B, labels_B), int(((logits_B > 0) == labels_B).sum())

    inputs_BTE = model.embed(tokens_BT)
    plain, plain_hits = judge(inputs_BTE)
    (gradient_BTE,) = torch.autograd.grad(plain, inputs_BTE, retain_graph=True)
    move_BTE = torch.zeros_like(inputs_BTE)
    for row, length in enumerate(lengths_B.tolist()):
        own = gradient_BTE[row, :length]
        move_BTE[row, :length] = own / own.norm() * share * inputs_BTE[row, :length].detach().norm()
    moved, moved_hits = judge(inputs_BTE + move_BTE)
    expected = torch.autograd.grad((plain + moved) / 2, list(model.parameters()))

    objective = Labels(given_reviews.reviews, share)
    gradients, found, hits = gradients_of(objective, model, given_reviews.machine, [given_reviews.everything])
    assert_same(gradients, list(expected))
    assert moved > plain * 1.05
    assert found == pytest.approx(float((plain + moved).detach()) / 2, rel=1e-5)
    assert hits == plain_hits != moved_hits  # hits are counted on the reviews without the move


# --- shares --------------------------------------------------------------------------------------------

HALVES = [[[0, 2, 4, 6], [1, 3, 5]], [[0, 1, 2], [3, 4, 5, 6]], [[2], [0, 1, 3, 4, 5, 6]]]


@pytest.mark.parametrize("halves", HALVES, ids=str)
@pytest.mark.parametrize("adversarial", SHARES)
def test_shares_of_a_batch_of_labels_add_up_to_the_whole(
    given_reviews: Given, adversarial: float, halves: list[list[int]]
) -> None:
    objective = Labels(given_reviews.reviews, adversarial)
    model, machine = given_reviews.model, given_reviews.machine
    gradients, loss, hits = gradients_of(objective, model, machine, halves)
    expected, whole_loss, whole_hits = gradients_of(objective, model, machine, [given_reviews.everything])
    assert_same(gradients, expected)
    assert (loss, hits) == (pytest.approx(whole_loss, rel=1e-5), whole_hits)


@pytest.mark.parametrize("halves", HALVES, ids=str)
def test_shares_of_a_batch_of_words_add_up_to_the_whole(
    given_reviews: Given, halves: list[list[int]]
) -> None:
    reviews, machine = given_reviews.reviews.reviews, given_reviews.machine
    counts_V = torch.bincount(given_reviews.batch()[0].flatten(), minlength=given_reviews.words)
    counts_V[0] = 0
    model = LanguageModel(given_reviews.model, counts_V, samples=1000)
    objective = Words(reviews, directions=2)
    gradients, loss, hits = gradients_of(objective, model, machine, halves)
    expected, whole_loss, whole_hits = gradients_of(objective, model, machine, [given_reviews.everything])
    assert_same(gradients, expected)
    assert loss == pytest.approx(whole_loss, rel=1e-5)
    assert hits == whole_hits == 0
    lengths = reviews.lengths_N.tolist()
    assert objective.terms(given_reviews.everything) == 2 * (sum(lengths) - len(lengths))
    batch = reviews.batch(given_reviews.everything)
    total = float(model(batch.tokens_BT, batch.lengths_B).detach())
    assert loss == pytest.approx(total / objective.terms(given_reviews.everything), rel=1e-5)


def test_terms_are_words_to_predict_or_reviews(given_reviews: Given) -> None:
    reviews = given_reviews.reviews
    assert reviews.reviews.lengths_N.tolist() == [3, 9, 1, 6, 2, 9, 4]
    assert Words(reviews.reviews, directions=1).terms([0, 2, 4]) == 2 + 0 + 1
    assert Words(reviews.reviews, directions=2).terms([0, 2, 4]) == 2 * (2 + 0 + 1)
    assert Words(reviews.reviews, directions=2).terms([2]) == 1  # at least 1, to divide by
    assert Labels(reviews, 0.0).terms([0, 2, 4]) == 3


def test_a_batch_of_one_word_teaches_a_language_model_nothing(given_reviews: Given) -> None:
    counts_V = torch.ones(given_reviews.words, dtype=torch.int64)
    model = LanguageModel(given_reviews.model, counts_V, samples=4)
    objective = Words(given_reviews.reviews.reviews, directions=2)
    gradients, loss, _ = gradients_of(objective, model, given_reviews.machine, [[2]])
    assert loss == 0 and all((gradient == 0).all() for gradient in gradients)


# --- the move ------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    padding=st.integers(0, 3),
    channels=st.sampled_from([(), (2,), (3,)]),
    share=st.floats(1e-4, 2),
    scale=st.floats(1e-12, 1e6),
    without_gradient=st.sets(st.integers(0, 3)),
    seed=st.integers(0, 99),
)
def test_a_move_has_its_length_and_direction_and_is_zero_at_padding(
    lengths: list[int],
    padding: int,
    channels: tuple[int, ...],
    share: float,
    scale: float,
    without_gradient: set[int],
    seed: int,
) -> None:
    generator = torch.Generator().manual_seed(seed)
    shape = (len(lengths), max(lengths) + padding, *channels, 5)
    inputs_BTE = torch.randn(shape, generator=generator)
    gradient_BTE = scale * torch.randn(shape, generator=generator)
    mask_BT = torch.arange(shape[1]) < torch.tensor(lengths)[:, None]
    for row in without_gradient & set(range(len(lengths))):
        gradient_BTE[row, : lengths[row]] = 0
    move_BTE = adversarial_move(inputs_BTE, gradient_BTE, mask_BT, share)
    assert move_BTE.shape == inputs_BTE.shape
    for row, length in enumerate(lengths):
        move, own = move_BTE[row, :length].flatten(), gradient_BTE[row, :length].flatten()
        assert (move_BTE[row, length:] == 0).all()
        if row in without_gradient:
            assert (move == 0).all()
            continue
        assert float(move.norm()) == pytest.approx(share * float(inputs_BTE[row, :length].norm()), rel=1e-4)
        torch.testing.assert_close(move / move.norm(), own / own.norm(), rtol=1e-4, atol=1e-5)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 999), row=st.integers(0, 3))
def test_a_move_does_not_depend_on_other_reviews(seed: int, row: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    inputs_BTE, gradient_BTE = torch.randn(2, 4, 6, 3, generator=generator).unbind(0)
    mask_BT = torch.arange(6) < torch.randint(1, 7, (4, 1), generator=generator)
    together = adversarial_move(inputs_BTE, gradient_BTE, mask_BT, 0.1)[row]
    one = slice(row, row + 1)
    (alone,) = adversarial_move(inputs_BTE[one], gradient_BTE[one], mask_BT[one], 0.1)
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("share", [1e-3, 1e-2])
def test_a_move_raises_the_loss_to_first_order(given_reviews: Given, share: float) -> None:
    """Each review's loss grows by the length of its gradient times that of its move."""
    model = given_reviews.model.double()
    tokens_BT, lengths_B, labels_B = given_reviews.batch()
    mask_BT = torch.arange(tokens_BT.shape[1]) < lengths_B[:, None]
    inputs_BTE = model.embed(tokens_BT).detach().requires_grad_()

    def losses_of(inputs_BTE: Tensor) -> Tensor:
        logits_B = model.classify(inputs_BTE, lengths_B)
        return binary_cross_entropy_with_logits(logits_B, labels_B, reduction="none")

    losses_B = losses_of(inputs_BTE)
    (gradient_BTE,) = torch.autograd.grad(losses_B.sum(), inputs_BTE)
    move_BTE = adversarial_move(inputs_BTE.detach(), gradient_BTE, mask_BT, share)
    rises_B = (losses_of(inputs_BTE + move_BTE) - losses_B).detach().double()
    expected_B = gradient_BTE.flatten(1).norm(dim=1) * move_BTE.flatten(1).norm(dim=1)
    assert expected_B.min() > 1e-5  # far above the rounding of float32
    torch.testing.assert_close(rises_B, expected_B, rtol=0.05, atol=3e-7)
