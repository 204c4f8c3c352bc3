"""The language model: what it can learn, what it cannot know, and what must not change its loss."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cross_entropy

from sentiment.config import ModelSettings
from sentiment.data.ids import PADDING_ID
from sentiment.models.classifier import LSTMClassifier
from sentiment.models.language_model import LanguageModel
from sentiment.models.lstm import padding_mask

FIRST = 2  # the first word: 0 is padding, 1 unknown

exactly = settings(max_examples=20, deadline=None, derandomize=True)
lengths_of_a_batch = st.lists(st.integers(1, 12), min_size=1, max_size=5)


def small_classifier(words: int, bidirectional: bool = True) -> LSTMClassifier:
    shape = ModelSettings(embedding=8, hidden=12, layers=1, bidirectional=bidirectional)
    return LSTMClassifier(shape, FIRST + words)


def new_model(
    words: int, bidirectional: bool = True, samples: int = 1000, counts: list[int] | None = None
) -> LanguageModel:
    """Return a model for `words` words. By default every wrong word is drawn, so nothing is random."""
    torch.manual_seed(1)
    counts_V = torch.tensor([0, 0, *(counts or [100] * words)])
    return LanguageModel(small_classifier(words, bidirectional), counts_V, samples)


def loud_model(words: int, bidirectional: bool = True, growth: int = 2) -> LanguageModel:
    """Return a model in double precision with large weights: a leak changes the loss much."""
    model = new_model(words, bidirectional, counts=[5 * growth**word for word in range(words)]).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.7)
    return model


def random_reviews(lengths: list[int], words: int, seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(FIRST, FIRST + words, (length,), generator=generator) for length in lengths]


def collate(reviews: list[Tensor], padding: int = 0, filler: int = PADDING_ID) -> tuple[Tensor, Tensor]:
    lengths_B = torch.tensor([len(review) for review in reviews])
    tokens_BT = torch.full((len(reviews), int(lengths_B.max()) + padding), filler)
    for row, review in enumerate(reviews):
        tokens_BT[row, : len(review)] = review
    return tokens_BT, lengths_B


def learn(model: LanguageModel, write, steps: int = 80) -> None:
    """Train on new batches of the language that `write(seed)` makes."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for step in range(steps):
        tokens_BT, lengths_B = write(step)
        optimizer.zero_grad()
        (model(tokens_BT, lengths_B) / lengths_B.sum()).backward()
        optimizer.step()


@torch.no_grad()
def loss_of(model: LanguageModel, tokens_BT: Tensor, lengths_B: Tensor) -> float:
    return float(model(tokens_BT, lengths_B))


def loss_of_a_word(model: LanguageModel, tokens_BT: Tensor, lengths_B: Tensor) -> float:
    """Return the mean loss over the words that each direction has to predict."""
    return loss_of(model, tokens_BT, lengths_B) / (len(model.projections) * int((lengths_B - 1).sum()))


# --- what is learned -----------------------------------------------------------------------------------


def write_period(seed: int) -> tuple[Tensor, Tensor]:
    """Return texts such as `a b c d a b c d`, which begin with any letter and have any length."""
    generator = torch.Generator().manual_seed(seed)
    reviews = []
    for _ in range(12):
        start, length = torch.randint(2, 16, (2,), generator=generator).tolist()
        reviews.append(FIRST + (start + torch.arange(length)) % 4)
    return collate(reviews)


@pytest.mark.parametrize("samples", [1000, 2, 0])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_a_periodic_language_is_learned_completely(bidirectional: bool, samples: int) -> None:
    model = new_model(4, bidirectional, samples)
    before = loss_of_a_word(model, *write_period(999))
    learn(model, write_period)
    assert loss_of_a_word(model, *write_period(999)) < 0.02 < before / 10


FREQUENCIES = [16, 8, 4, 2, 1]
ENTROPY = -sum(n / sum(FREQUENCIES) * math.log(n / sum(FREQUENCIES)) for n in FREQUENCIES)


def write_chance(seed: int, reviews: int = 20) -> tuple[Tensor, Tensor]:
    """Return texts of independent words, some more frequent than others."""
    generator = torch.Generator().manual_seed(seed)
    drawn_N = torch.multinomial(torch.tensor(FREQUENCIES).float(), reviews * 12, True, generator=generator)
    return FIRST + drawn_N.unflatten(0, (reviews, 12)), torch.full((reviews,), 12)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_chance_cannot_be_predicted(bidirectional: bool) -> None:
    """The loss on independent words is below their entropy only if the model has read the answer."""
    model = new_model(5, bidirectional, counts=[100 * n for n in FREQUENCIES])
    learn(model, write_chance)
    found = loss_of_a_word(model, *write_chance(999, reviews=1000))
    assert 0.99 * ENTROPY < found < 1.02 * ENTROPY


def test_few_wrong_words_teach_almost_as_much_as_all() -> None:
    """Frequent words are drawn more often, but the model does not learn that they are rarer."""
    model = new_model(5, samples=2, counts=[100 * n for n in FREQUENCIES])
    learn(model, write_chance)
    judge = new_model(5, samples=5, counts=[100 * n for n in FREQUENCIES])  # against all other words
    judge.load_state_dict(model.state_dict())
    assert loss_of_a_word(judge, *write_chance(999, reviews=1000)) < 1.05 * ENTROPY


def write_pairs(seed: int) -> tuple[Tensor, Tensor]:
    """Return texts of pairs: an opening word and its closing word. The next pair is random."""
    openings_BP = torch.randint(4, (40, 6), generator=torch.Generator().manual_seed(seed))
    tokens_BT = FIRST + torch.stack([openings_BP, openings_BP + 4], dim=2).flatten(1)
    return tokens_BT, torch.full((40,), 12)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_each_direction_predicts_the_word_it_reads_next(bidirectional: bool) -> None:
    """Of 11 words, 6 follow from the word before and 5 are random. One word further, all are random."""
    model = new_model(8, bidirectional)
    learn(model, write_pairs, steps=100)
    found = loss_of_a_word(model, *write_pairs(999))
    assert found == pytest.approx(5 / 11 * math.log(4), rel=0.03)


# --- the loss ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bidirectional", [True, False])
@torch.no_grad()
def test_with_all_words_drawn_the_loss_is_that_of_the_full_softmax(bidirectional: bool) -> None:
    """The expected loss is computed word by word from states, projections, embeddings and biases."""
    model = loud_model(6, bidirectional, growth=1)  # equally frequent words are drawn equally often
    reviews = random_reviews([7, 1, 2, 5], 6, seed=3)
    rows_VE = model.embeddings[0].weight
    expected = 0.0
    for review in reviews:
        states_TDH = model.encoder(rows_VE[review][None], torch.tensor([len(review)])).states_BTDH[0]
        for direction, ahead in enumerate((1, -1)[: len(model.projections)]):
            for place, state_H in enumerate(states_TDH[:, direction]):
                if 0 <= place + ahead < len(review):
                    logits_V = rows_VE @ model.projections[direction](state_H) + model.bias_V
                    expected += float(cross_entropy(logits_V[FIRST:], review[place + ahead] - FIRST))
    assert loss_of(model, *collate(reviews)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_the_full_softmax_is_that_of_all_words_drawn(bidirectional: bool) -> None:
    """Two words never occur, and neither way learns them."""
    ways = []
    for samples in (1000, 0):
        model = loud_model(6, bidirectional)
        other = LanguageModel(
            small_classifier(6, bidirectional), torch.tensor([0, 0, 5, 9, 2, 7, 4, 0]), samples
        ).double()
        other.load_state_dict(model.state_dict())
        loss = other(*collate(random_reviews([7, 1, 2, 5], 5, seed=3), padding=2))
        loss.backward()
        ways.append([loss.detach(), *(parameter.grad for parameter in other.parameters())])
        assert not other.embeddings[0].weight.grad[[0, 1, -1]].any()
    torch.testing.assert_close(ways[1], ways[0], rtol=1e-9, atol=1e-9)


def test_a_right_word_that_is_drawn_as_a_wrong_one_does_not_count_against_itself() -> None:
    """With a single word in the language there is nothing to learn."""
    model = new_model(1, counts=[50])
    assert loss_of(model, torch.full((3, 9), FIRST), torch.tensor([9, 4, 1])) == 0


def test_a_review_of_one_word_has_nothing_to_predict() -> None:
    model = new_model(4)
    loss = model(torch.tensor([[3], [5]]), torch.tensor([1, 1]))
    loss.backward()
    assert float(loss.detach()) == 0
    assert all(bool(torch.isfinite(parameter.grad).all()) for parameter in model.parameters())


@exactly
@given(
    lengths=lengths_of_a_batch,
    padding=st.integers(1, 9),
    filler=st.sampled_from([PADDING_ID, FIRST + 5]),
    bidirectional=st.booleans(),
    seed=st.integers(0, 99),
)
def test_padding_has_no_influence(
    lengths: list[int], padding: int, filler: int, bidirectional: bool, seed: int
) -> None:
    """More padding changes neither the loss nor a gradient, even if it has the id of a word."""
    model = loud_model(6, bidirectional)
    reviews = random_reviews(lengths, 6, seed)
    results = []
    for batch in (collate(reviews), collate(reviews, padding, filler)):
        model.zero_grad()
        loss = model(*batch)
        loss.backward()
        results.append([loss.detach(), *(parameter.grad.clone() for parameter in model.parameters())])
    for tight, wide in zip(*results, strict=True):
        torch.testing.assert_close(wide, tight, rtol=1e-9, atol=1e-9)
    assert (model.embeddings[0].weight.grad[PADDING_ID] == 0).all()


@exactly
@given(lengths=lengths_of_a_batch, bidirectional=st.booleans(), seed=st.integers(0, 99))
def test_the_loss_of_a_batch_is_the_sum_over_its_reviews(
    lengths: list[int], bidirectional: bool, seed: int
) -> None:
    model = loud_model(6, bidirectional)
    reviews = random_reviews(lengths, 6, seed)
    alone = sum(loss_of(model, *collate([review], padding=2)) for review in reviews)
    assert loss_of(model, *collate(reviews)) == pytest.approx(alone, rel=1e-9, abs=1e-9)


def test_only_words_that_occur_are_drawn_and_no_more_than_were_asked_for() -> None:
    assert new_model(4, samples=3).samples == 3
    assert new_model(4, samples=9).samples == 4
    assert new_model(4, counts=[7, 0, 3, 0]).samples == 2


def test_every_trained_parameter_learns() -> None:
    model = loud_model(6)
    model(*collate(random_reviews([9, 4, 7], 6, seed=5))).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


# --- the next model ------------------------------------------------------------------------------------


@pytest.mark.parametrize("bidirectional", [True, False])
def test_embedding_and_encoder_load_into_a_classifier(bidirectional: bool) -> None:
    model = new_model(6, bidirectional)
    learn(model, write_period, steps=2)
    network = small_classifier(6, bidirectional)
    missing, left_over = network.load_state_dict(model.state_dict(), strict=False)
    assert missing == ["head.weight", "head.bias"]
    assert {name.split(".")[0] for name in left_over} == {"projections", "bias_V"}
    tokens_BT, lengths_B = write_period(3)
    trained = model.encoder(model.embeddings[0](tokens_BT), lengths_B).states_BTDH
    loaded = network.encoder(network.embeddings[0](tokens_BT), lengths_B).states_BTDH
    mask_BT = padding_mask(lengths_B, tokens_BT.shape[1])
    torch.testing.assert_close(loaded[mask_BT], trained[mask_BT])
