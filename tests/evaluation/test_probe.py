"""Each kind of expectation has its rule, and a bad model fails."""

import pytest

import sentiment
from sentiment.errors import CheckError, UsageError
from sentiment.evaluation.metrics import wilson_interval
from sentiment.evaluation.probe import passes, probe
from sentiment.inference.predictor import Prediction
from sentiment.probes.cases import FILES, Case, probe_set

LABELS = {"positive": 0.9, "negative": 0.1}
CASES = [case for version in FILES for case in probe_set(version).cases]

every_version = pytest.mark.parametrize("version", FILES)


def predict(probability, label=None):
    label = label or ("positive" if probability > 0.5 else "negative")
    probabilities = {"negative": 1 - probability, "positive": probability}
    return Prediction(label, probabilities, tokens=5, unknown=0.0, cut=False)


class Fake:
    """A predictor whose probabilities are a function of the text; it counts the calls."""

    class_names = ("negative", "positive")

    def __init__(self, probability):
        self.probability = probability
        self.calls = 0

    def predict(self, texts):
        self.calls += 1
        return [predict(self.probability(text), UNREADABLE.get(text)) for text in texts]


def oracle(text):
    """The probability that every case expects: its label, or no change between two texts."""
    return ORACLE.get(text, 0.5)


ORACLE = {case.texts[0]: LABELS[case.expected] for case in CASES if case.expected in LABELS}
UNREADABLE = {case.texts[0]: "unreadable" for case in CASES if case.expected == "unreadable"}


@pytest.fixture(scope="module")
def shipped():
    """The shipped model's probability of each text, as a function."""
    texts = sorted({text for case in CASES for text in case.texts})
    model = sentiment.load(device="cpu", threads=1)
    return {
        text: found.probability for text, found in zip(texts, model.predict(texts), strict=True)
    }.__getitem__


def shares(report):
    return {found.name: found.share for found in report.capabilities}


@pytest.mark.parametrize(
    ("expected", "tolerance", "probabilities", "right"),
    [
        ("positive", 0, [0.51], True),
        ("positive", 0, [0.49], False),
        ("negative", 0, [0.49], True),
        ("negative", 0, [0.51], False),
        ("neutral", 0.2, [0.3], True),
        ("neutral", 0.2, [0.7], True),
        ("neutral", 0.2, [0.29], False),
        ("neutral", 0.2, [0.71], False),
        ("not lower", 0.05, [0.5, 0.9], True),
        ("not lower", 0.05, [0.5, 0.46], True),
        ("not lower", 0.05, [0.5, 0.44], False),
        ("not higher", 0.05, [0.5, 0.1], True),
        ("not higher", 0.05, [0.5, 0.54], True),
        ("not higher", 0.05, [0.5, 0.56], False),
        ("same", 0.1, [0.5, 0.41], True),
        ("same", 0.1, [0.5, 0.59], True),
        ("same", 0.1, [0.5, 0.39], False),
        ("same", 0.1, [0.5, 0.61], False),
    ],
)
def test_a_case_is_judged_by_its_kind(expected, tolerance, probabilities, right):
    case = Case("any", expected, tuple(map(str, probabilities)), tolerance, "open")
    assert passes(case, [predict(probability) for probability in probabilities]) is right


def test_an_unreadable_text_is_judged_by_its_label():
    case = Case("scripts", "unreadable", ("...",), 0, "open")
    assert passes(case, [predict(0.5, "unreadable")]) and not passes(case, [predict(0.5)])


def test_a_version_that_does_not_exist_is_refused():
    with pytest.raises(UsageError, match=r"no version 9 \(found: 1, 2\)"):
        probe(Fake(oracle), 9)


def test_all_texts_are_predicted_in_one_call():
    fake = Fake(oracle)
    probe(fake)
    assert fake.calls == 1


@every_version
def test_a_model_that_meets_every_expectation_passes_everywhere(version):
    report = probe(Fake(oracle), version)
    assert report.version == version
    assert set(shares(report).values()) == {1.0}
    assert not any(found.failures for found in report.capabilities)
    report.require(1.0)


def test_the_report_counts_and_keeps_what_fails():
    wrong = {"Not bad.", "Awful", "Superb"}
    report = probe(Fake(lambda text: 1 - oracle(text) if text in wrong else oracle(text)), 1)
    (short,) = (found for found in report.capabilities if found.name == "short texts")
    assert {failure.case.texts[0] for failure in short.failures} == wrong
    assert all(failure.probabilities == (1 - LABELS[failure.case.expected],) for failure in short.failures)
    assert short.passed == short.cases - 3 and short.share == short.passed / short.cases
    assert (short.share_low, short.share_high) == wilson_interval(short.passed, short.cases)
    assert short.halves == {} and {failure.case.half for failure in short.failures} == {""}


def test_each_half_of_version_2_has_its_own_counts():
    wrong = {
        case.texts[0] for case in probe_set(2).cases if case.half == "open" and case.capability == "idiom"
    }
    report = probe(Fake(lambda text: 1 - oracle(text) if text in wrong else oracle(text)))
    for row in report.capabilities:
        shares_of = {half: found.share for half, found in row.halves.items()}
        assert shares_of == {"open": float(row.name != "idiom"), "held_out": 1.0}
        assert sum(found.cases for found in row.halves.values()) == row.cases
        assert sum(found.passed for found in row.halves.values()) == row.passed


def test_the_held_out_half_decides():
    def forget(half):
        kept = {case.texts[0] for case in probe_set(2).cases if case.half != half}
        return probe(Fake(lambda text: oracle(text) if text in kept else 0.5))

    forget("open").require(1.0)
    with pytest.raises(CheckError, match=r"too few held-out cases pass: .*negation 50\.0%"):
        forget("held_out").require(0.6)


@every_version
@pytest.mark.parametrize("probability", [0.0, 0.4, 0.6, 1.0])
def test_a_constant_model_fails(probability, version):
    report = probe(Fake(lambda text: probability), version)
    assert all(shares(report)[name] < 0.6 for name in ("plain", "negation", "contrast", "short texts"))
    with pytest.raises(CheckError, match="negation"):
        report.require(0.6)


def test_a_model_with_the_sign_flipped_fails(shipped):
    right, flipped = (probe(Fake(model), 1) for model in (shipped, lambda text: 1 - shipped(text)))
    assert shares(right)["short texts"] > 0.9 and shares(flipped)["short texts"] < 0.1
    assert shares(right)["intensity"] > shares(flipped)["intensity"] + 0.2
    with pytest.raises(CheckError, match="short texts"):
        flipped.require(0.5)


def test_a_model_that_depends_on_casing_and_names_fails():
    report = shares(probe(Fake(lambda text: sum(map(str.isupper, text)) / len(text))))
    assert report["casing"] < 0.7 and report["markup"] == 1.0


def test_min_pass_leaves_the_hard_row_out():
    sarcastic = {case.texts[0] for case in CASES if case.capability == "sarcasm"}
    report = probe(Fake(lambda text: 1 - oracle(text) if text in sarcastic else oracle(text)))
    assert shares(report)["sarcasm"] == 0
    report.require(1.0)


def test_a_min_pass_of_nan_refuses_everything():
    with pytest.raises(CheckError):
        probe(Fake(oracle)).require(float("nan"))
