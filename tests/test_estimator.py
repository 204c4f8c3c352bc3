"""`sentiment.SentimentClassifier`: trains as the command does, and works in scikit-learn's tools."""

import gc
import pickle
import tempfile

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.validation import check_is_fitted, validate_data

import sentiment
from sentiment.errors import Interrupted, MachineError, RunError, UsageError
from sentiment.runs.decision import keep_threshold

TINY = (
    "vocabulary.min_frequency=1",
    "model.embedding=8",
    "model.hidden=4",
    "training.epochs=1",
    "evidence.weight=0.9",
)
WORDS = {"dull": "was dull and awful", "fair": "was fair and decent", "lovely": "was bright and lovely"}


def texts_of(kinds, takes=10):
    """Return texts of each kind in turn, and the kind of each."""
    found = [(f"Take {take} {WORDS[kind]}.", kind) for take in range(takes) for kind in kinds]
    return [text for text, _ in found], [kind for _, kind in found]


TEXTS, KINDS = texts_of(["dull", "lovely"])


def tiny(**parameters):
    return sentiment.SentimentClassifier(**{"settings": TINY, **parameters})


@pytest.fixture(scope="module", autouse=True)
def fitted():
    """Return a classifier of two classes; tests do not change it."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as cache:
        patch.setenv("XDG_CACHE_HOME", cache)
        model = tiny().fit(TEXTS, KINDS)
    gc.freeze()  # what training has imported; see `settled_objects`
    return model


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """Return the folder in which temporary folders are made."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


# --- training ------------------------------------------------------------------------------------------


def test_it_trains_the_model_that_the_command_trains_on_a_file(tmp_path, write_rows):
    texts, kinds = texts_of(["dull", "lovely"])
    labels = [int(kind == "lovely") for kind in kinds]
    file = write_rows(
        tmp_path / "reviews.jsonl",
        [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)],
    )
    config = sentiment.read_config("small", [*TINY, f"data.source={file}"])
    sentiment.train_run(config, tmp_path / "run")
    expected_N2 = sentiment.load(tmp_path / "run").predict_proba(TEXTS)
    model = tiny().fit(TEXTS, labels)
    assert (model.predict_proba(TEXTS) == expected_N2).all()
    assert model.predictor_.class_names == ("negative", "positive")


@pytest.mark.parametrize(
    "labels", [("dull", "lovely"), (7, 3), (False, True), (1.0, 2.0), ("positive", "negative")], ids=repr
)
def test_two_classes_are_given_back_as_they_were(labels):
    y = np.array(labels)[[int(kind == "lovely") for kind in KINDS]]
    model = tiny().fit(TEXTS, y)
    assert (model.classes_ == np.unique(y)).all() and model.classes_.dtype == y.dtype
    assert (model.predict(TEXTS) == y).all() and model.predict(TEXTS).dtype == y.dtype
    assert model.score(TEXTS, y) == 1.0


def test_the_columns_are_in_the_order_of_the_classes(tmp_path, write_rows):
    # A run that was trained on a file has numbers by size: 9 before 10. numpy has texts by alphabet.
    texts, kinds = texts_of(["dull", "fair", "lovely"])
    stars = {"dull": "9", "fair": "10", "lovely": "11"}
    y = [stars[kind] for kind in kinds]
    rows = [{"text": text, "label": label} for text, label in zip(texts, y, strict=True)]
    file = write_rows(tmp_path / "reviews.jsonl", rows)
    sentiment.train_run(sentiment.read_config("small", [*TINY, f"data.source={file}"]), tmp_path / "run")
    opened = sentiment.SentimentClassifier.from_run(tmp_path / "run")
    assert opened.predictor_.class_names == ("9", "10", "11")
    for model in (opened, tiny().fit(texts, y)):
        assert model.classes_.tolist() == ["10", "11", "9"]
        assert (model.classes_[model.predict_proba(texts).argmax(axis=1)] == y).all()
        assert (model.predict(texts) == y).all()


def test_columns_of_pandas_and_arrays_are_texts_and_labels(fitted):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"text": TEXTS, "kind": KINDS})
    model = tiny().fit(table["text"], table["kind"])
    probability_N2 = fitted.predict_proba(table["text"].tolist())
    assert (model.predict_proba(table["text"]) == probability_N2).all()
    assert (model.predict_proba(table["text"].to_numpy()) == probability_N2).all()
    assert (model.predict(table["text"]) == table["kind"]).all()


def test_a_fit_says_nothing_and_leaves_nothing(scratch, capfd):
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    tiny().fit(TEXTS, KINDS)
    assert capfd.readouterr() == ("", "")
    assert list(scratch.iterdir()) == []
    assert (torch.random.get_rng_state() == before).all()


def test_a_failed_fit_names_no_folder_that_is_gone(scratch, monkeypatch):
    def fail(*arguments):
        raise MachineError("the disk is full")

    monkeypatch.setattr("sentiment.training.run.finish_run", fail)
    with pytest.raises(MachineError, match=r"^the disk is full$"):
        tiny().fit(TEXTS, KINDS)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("stop", "raised"), [(Interrupted(2), KeyboardInterrupt), (Interrupted(15), Interrupted)], ids=["2", "15"]
)
def test_a_stopped_fit_leaves_nothing(scratch, monkeypatch, capfd, stop, raised):
    def interrupt(*arguments):
        raise stop

    monkeypatch.setattr("sentiment.training.run.finish_run", interrupt)
    model = tiny()
    with pytest.raises(raised):
        model.fit(TEXTS, KINDS)
    assert list(scratch.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    with pytest.raises(NotFittedError):
        model.predict(["Dull."])


def test_the_same_seed_gives_the_same_model_and_another_one_another(fitted):
    probability_N2 = fitted.predict_proba(TEXTS)
    assert (tiny(random_state=np.int64(1)).fit(TEXTS, KINDS).predict_proba(TEXTS) == probability_N2).all()
    drawn = tiny(random_state=np.random.RandomState(0)).fit(TEXTS, KINDS)
    assert (drawn.predict_proba(TEXTS) != probability_N2).any()


# --- wrong input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "labels", "error", "words"),
    [
        ("Lovely.", ["a"], TypeError, "not a string"),
        (None, None, TypeError, "not NoneType"),
        (np.array([TEXTS, TEXTS]).T, KINDS, TypeError, "2 dimensions"),
        (TEXTS, None, ValueError, "requires y to be passed, but the target y is None"),
        (TEXTS, KINDS[:-1], ValueError, "inconsistent numbers of samples"),
        (TEXTS, ["one"] * 20, ValueError, "one class only"),
        ([], [], ValueError, "0 classes"),
        ([f"Take {number}." for number in range(102)], [*range(51)] * 2, ValueError, "51 classes"),
        (TEXTS, np.linspace(0.1, 0.9, 20), ValueError, "continuous"),
        (TEXTS, np.stack([KINDS, KINDS], axis=1), ValueError, "1d array"),
        ([*TEXTS[:-1], None], KINDS, ValueError, "review 20: the text is empty"),
        ([*TEXTS[:-1], " "], KINDS, ValueError, "review 20: the text is empty"),
        ([*TEXTS[:-1], 5], KINDS, ValueError, "review 20: the text is 5"),
        (TEXTS, [*KINDS[:-1], None], ValueError, "review 20: there is no label"),
        (TEXTS, [*np.ones(19), np.nan], ValueError, "review 20: there is no label"),
        (TEXTS, ["a", "A"] * 10, ValueError, "rename them"),
        (TEXTS, ["pos", "positive"] * 10, ValueError, "rename them"),
    ],
)
def test_wrong_texts_and_labels_are_refused_in_one_line(texts, labels, error, words):
    with pytest.raises(error, match=words) as caught:
        tiny().fit(texts, labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"recipe": "smal"}, "no recipe is called smal"),
        ({"settings": "training.epochs=1"}, "takes a list"),
        ({"settings": None}, "takes a list"),
        ({"settings": [5]}, "takes a list"),
        ({"settings": {"training.epochs": 1}}, "takes a list"),
        ({"settings": ["training.epoch=1"]}, "did you mean training.epochs"),
        ({"settings": ["seed=2"]}, "give the parameter random_state"),
        ({"settings": ["machine.device=cpu"]}, "give the parameter device"),
        ({"settings": ["machine.threads = 2"]}, "give the parameter threads"),
        ({"settings": ["data.source=sample"]}, "fit sets it"),
        ({"settings": ["machine.processes=2"]}, "fit sets it"),
        ({"device": "tpu"}, "must be auto"),
        ({"threads": -1}, "machine.threads"),
        ({"random_state": -1}, "seed"),
    ],
)
def test_wrong_parameters_are_refused_by_fit(parameters, words):
    model = tiny(**parameters)
    with pytest.raises(ValueError, match=words) as caught:
        model.fit(TEXTS, KINDS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_prediction_refuses_wrong_texts(fitted, method):
    with pytest.raises(ValueError, match="review 2: the text is empty"):
        getattr(fitted, method)(["Lovely.", None])
    with pytest.raises(TypeError, match="not a string"):
        getattr(fitted, method)("Lovely.")
    assert len(getattr(fitted, method)([])) == 0


def test_nothing_can_be_asked_before_fit(tmp_path):
    model = tiny()
    for ask in (model.predict, model.predict_proba, lambda texts: model.save(tmp_path / "run")):
        with pytest.raises(NotFittedError):
            ask(TEXTS)
    assert not (tmp_path / "run").exists()


# --- runs and pickles ----------------------------------------------------------------------------------


def test_a_saved_model_is_a_run(fitted, tmp_path, command):
    fitted.save(tmp_path / "run")
    said = command("predict", "--run", tmp_path / "run", "Take 1 was bright and lovely.")
    assert said.returncode == 0 and "lovely" in said.stdout
    opened = sentiment.SentimentClassifier.from_run(tmp_path / "run")
    assert opened.classes_.tolist() == ["dull", "lovely"]
    assert (opened.predict_proba(TEXTS) == fitted.predict_proba(TEXTS)).all()
    assert (opened.predict(TEXTS) == fitted.predict(TEXTS)).all()
    with pytest.raises(UsageError, match="exists"):
        opened.save(tmp_path / "run")


def test_a_clone_of_an_opened_run_trains_as_the_run_was_trained(fitted, tmp_path):
    fitted.save(tmp_path / "run")
    again = clone(sentiment.SentimentClassifier.from_run(tmp_path / "run")).fit(TEXTS, KINDS)
    assert (again.predict_proba(TEXTS) == fitted.predict_proba(TEXTS)).all()


def test_a_kept_threshold_decides_and_is_carried_along(fitted, tmp_path):
    fitted.save(tmp_path / "run")
    keep_threshold(tmp_path / "run", 1.0, "for this test")
    opened = pickle.loads(pickle.dumps(sentiment.SentimentClassifier.from_run(tmp_path / "run")))
    assert set(opened.predict(TEXTS)) == {"dull"}
    opened.save(tmp_path / "copy")
    assert set(sentiment.SentimentClassifier.from_run(tmp_path / "copy").predict(TEXTS)) == {"dull"}


def test_the_shipped_model_can_be_opened():
    model = sentiment.SentimentClassifier.from_run("shipped")
    assert model.predict(["A wonderful, moving film.", "An awful bore."]).tolist() == ["positive", "negative"]


def test_a_damaged_run_is_refused(fitted, tmp_path):
    fitted.save(tmp_path / "run")
    (tmp_path / "run" / "vocabulary.txt").write_text("other words")
    with pytest.raises(RunError, match="damaged"):
        sentiment.SentimentClassifier.from_run(tmp_path / "run")


def test_a_pickle_predicts_the_same(fitted, scratch):
    copy = pickle.loads(pickle.dumps(fitted))
    assert copy._predictor is None and fitted._predictor is not None
    assert (copy.predict_proba(TEXTS) == fitted.predict_proba(TEXTS)).all()
    assert list(scratch.iterdir()) == []
    unfitted = pickle.loads(pickle.dumps(tiny(threads=3)))
    assert unfitted.get_params() == tiny(threads=3).get_params()


# --- scikit-learn's tools ------------------------------------------------------------------------------


def test_it_is_cross_validated():
    assert cross_val_score(tiny(), TEXTS, KINDS, cv=2).tolist() == [1.0, 1.0]


def test_a_grid_search_tries_settings():
    grid = {"settings": [[*TINY, "evidence.weight=0"], [*TINY]]}
    search = GridSearchCV(tiny(), grid, cv=2, scoring="neg_log_loss", error_score="raise").fit(TEXTS, KINDS)
    assert search.best_params_ == {"settings": [*TINY]}
    assert search.score(TEXTS, KINDS) > np.log(0.5)


def test_its_probabilities_can_be_calibrated():
    calibrated = CalibratedClassifierCV(tiny(), cv=2, ensemble=False).fit(TEXTS, KINDS)
    assert calibrated.predict(TEXTS).tolist() == KINDS


def test_it_ends_a_pipeline(fitted):
    shout = FunctionTransformer(lambda texts: [text.removesuffix("!") for text in texts])
    pipeline = make_pipeline(shout, tiny()).fit([f"{text}!" for text in TEXTS], KINDS)
    assert (pipeline.predict_proba(TEXTS) == fitted.predict_proba(TEXTS)).all()


# Many of the texts that stand for numbers are the same, and copies cannot be held out apart.
WITHOUT_VALIDATION = (*TINY, "data.validation=none")


class OfNumbers(sentiment.SentimentClassifier):
    """Reads the numbers of scikit-learn's checks as words, because those checks have no texts."""

    def __init__(
        self, recipe="small", *, settings=WITHOUT_VALIDATION, device="auto", threads=0, random_state=1
    ):
        super().__init__(recipe, settings=settings, device=device, threads=threads, random_state=random_state)

    def fit(self, X, y):
        return super().fit(self._write(X, reset=True), y)

    def predict(self, X):
        check_is_fitted(self)
        return super().predict(self._write(X, reset=False))

    def predict_proba(self, X):
        check_is_fitted(self)
        return super().predict_proba(self._write(X, reset=False))

    def _write(self, X, reset):
        halves_ND = np.rint(2 * validate_data(self, X, reset=reset)).astype(int)
        return [
            " ".join(f"{column}word{number}" for column, number in enumerate(row))
            for row in halves_ND.tolist()
        ]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.string = True, False
        return tags


WITHOUT_A_FIT = {
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_estimators_unfitted",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_mixin_order",
    "check_classifiers_one_label",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_requires_y_none",
}
CHECKS = [
    pytest.param(
        *(estimator, check),
        marks=() if check.func.__name__ in WITHOUT_A_FIT else pytest.mark.slow,
        id=check.func.__name__,
    )
    for estimator, check in estimator_checks_generator(OfNumbers())
]


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
@pytest.mark.filterwarnings("default")
def test_it_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_its_tags_say_that_it_takes_texts():
    tags = get_tags(tiny()).input_tags
    assert (tags.string, tags.two_d_array, tags.sparse) == (True, False, False)


@pytest.mark.slow
def test_two_processes_give_the_same_scores():
    texts, kinds = texts_of(["dull", "fair", "lovely"])
    scores = [
        cross_val_score(tiny(), texts, kinds, cv=2, n_jobs=n_jobs, scoring="neg_log_loss").tolist()
        for n_jobs in (1, 2)
    ]
    assert scores[0] == scores[1]


def test_two_threads_train_one_after_the_other(fitted):
    from joblib import Parallel, delayed

    models = Parallel(n_jobs=2, backend="threading")(delayed(tiny().fit)(TEXTS, KINDS) for _ in range(2))
    for model in models:
        assert (model.predict_proba(TEXTS) == fitted.predict_proba(TEXTS)).all()
    assert not torch.are_deterministic_algorithms_enabled()
