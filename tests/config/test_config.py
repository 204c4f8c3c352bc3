"""The configuration: every mistake at once, the nearest valid name, and a round trip through TOML."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.config import (
    CHANNEL_ENCODERS,
    Config,
    Section,
    find_config,
    key_names,
    parse_config,
    read_config,
    shipped_recipes,
)
from sentiment.errors import UsageError

CONFIGS = Path(__file__).parents[2] / "configs"


def refuse(text, *overrides):
    """Return the one line of the error."""
    with pytest.raises(UsageError) as caught:
        parse_config(text, "my.toml", overrides)
    message = str(caught.value)
    assert "\n" not in message and message.startswith("my.toml")
    return message


def sections():
    return {
        name: field.annotation
        for name, field in Config.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
    }


def test_an_empty_file_is_the_defaults():
    assert parse_config("", "x") == Config()


@pytest.mark.parametrize(
    "path", sorted(CONFIGS.rglob("*.toml")), ids=lambda path: str(path.relative_to(CONFIGS))
)
def test_every_shipped_configuration_loads(path):
    config = read_config(path)
    assert parse_config(config.to_toml(), "again") == config


def test_the_default_configuration_ships_inside_the_package():
    assert find_config(None).is_file()
    assert read_config() == read_config(CONFIGS / "imdb.toml")


@pytest.mark.parametrize("section", [Config, *sections().values()], ids=lambda section: section.__name__)
def test_every_field_is_described(section):
    assert section.__doc__
    undescribed = [
        name
        for name, field in section.model_fields.items()
        if not field.description and name not in sections()
    ]
    assert undescribed == []


def test_every_mistake_is_reported_at_once():
    message = refuse(
        """
        sead = 3
        [training]
        epochs = "three"
        learning_rat = 0.1
        clip_norm = 0.0
        [machine]
        device = "abacus"
        [bathces]
        tokens = 5
        """,
        "text.head=-1",
        "nonsense",
    )
    for words in (
        "sead is unknown (did you mean seed?)",
        "training.epochs: input should be a valid integer, not 'three'",
        "training.learning_rat is unknown (did you mean training.learning_rate?)",
        "training.clip_norm: input should be greater than 0, not 0.0",
        "machine.device",
        "bathces is unknown (did you mean batches?)",
        "text.head: input should be greater than or equal to 0, not -1",
        "--set nonsense is not of the form section.key=value",
    ):
        assert words in message


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("training.epoch", "training.epochs"),
        ("model.hiden", "model.hidden"),
        ("model.learning_rate", "training.learning_rate"),
        ("learning_rate", "training.learning_rate"),
        ("vocab.size", "vocabulary"),
    ],
)
def test_an_unknown_key_gets_the_nearest_key_as_an_answer(key, meant):
    assert f"did you mean {meant}?" in refuse(f"{key} = 1")


def test_an_unknown_key_without_a_similar_one_lists_the_valid_keys():
    message = refuse("calibration.zzzzzz = 1")
    valid = "calibration.temperature, calibration.short_texts"
    assert f"calibration.zzzzzz is unknown (valid here: {valid})" in message


@pytest.mark.parametrize(
    "line",
    [
        "training.epochs = 1.5",
        "training.epochs = true",
        "vocabulary.lower = 1",
        "vocabulary.lower = 'yes'",
        "data.source = 3",
        "text = 3",
        "seed = -1",
        "seed = 2147483648",
        "data.validation = 'magic'",
        "data.validation_share = 1.0",
        "training.learning_rate = nan",
        "training.learning_rate = inf",
        "training.weight_decay = inf",
        "machine.device = 'cuda:x'",
        "model.readout = ['max']",
        "model.word_dropout = 1.0",
        "model.word_dropout = -0.1",
        "pretraining.epochs = -1",
        "pretraining.samples = -1",
        "pretraining.learning_rate = 0.0",
        "training.adversarial = -0.1",
        "training.members = 0",
        "training.members = 17",
        "training.average = 1.0",
        "evidence.weight = 1.1",
        "evidence.weight = -0.1",
        "evidence.size = 0",
    ],
)
def test_wrong_types_and_values_are_refused_and_named(line):
    assert line.split(" = ")[0] in refuse(line)


@pytest.mark.parametrize(
    "shape",
    [
        "model.layers=2",
        *(
            f"model.encoder={name}"
            for name in ("residual", "layer_norm", "truncated", "hierarchical", *CHANNEL_ENCODERS)
        ),
    ],
)
def test_only_one_plain_layer_can_be_pretrained(shape):
    message = refuse("[model]\nlayers = 1\n[pretraining]\nepochs = 1", shape)
    assert "pretraining.epochs needs model.encoder=stacked and model.layers=1" in message
    assert parse_config("[model]\nlayers = 1", "x", [shape, "pretraining.epochs=0"])


@pytest.mark.parametrize("bidirectional", ["true", "false"])
def test_one_plain_layer_can_be_pretrained_in_one_direction_or_two(bidirectional):
    changes = ["pretraining.epochs=1", "model.layers=1", f"model.bidirectional={bidirectional}"]
    assert parse_config("", "x", changes).pretraining.epochs == 1


@pytest.mark.parametrize("encoder", CHANNEL_ENCODERS)
def test_evidence_needs_words(encoder):
    message = refuse("[evidence]\nweight = 0.3", f"model.encoder={encoder}")
    assert f"evidence.weight needs words, but model.encoder={encoder} reads channels" in message
    assert parse_config("", "x", [f"model.encoder={encoder}", "evidence.weight=0.0"])


def test_a_temperature_needs_reviews_to_be_fitted_on():
    message = refuse("[calibration]\ntemperature = true", "data.validation=none")
    assert "calibration.temperature needs reviews held out" in message


def test_a_bare_word_is_a_recipe_and_a_path_has_a_slash_or_the_ending_of_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_config("imdb-fast", ["seed=2"]) == read_config(CONFIGS / "imdb-fast.toml", ["seed=2"])
    assert read_config("article-attention").model.readout == "attention"
    assert read_config("article") == read_config(CONFIGS / "article" / "article.toml")
    (tmp_path / "imdb-fast").write_text("seed = 7")
    (tmp_path / "mine.toml").write_text("seed = 8")
    assert read_config("imdb-fast").seed == 1
    assert read_config("./imdb-fast").seed == read_config(Path("imdb-fast")).seed == 7
    assert read_config("mine.toml").seed == 8
    with pytest.raises(UsageError, match=r"recipe imdb-best with --set: training\.epohcs is unknown"):
        read_config("imdb-best", ["training.epohcs=1"])


def test_every_recipe_has_a_name_that_is_a_bare_word():
    names = shipped_recipes()
    assert {"imdb", "imdb-fast", "imdb-best", "quickstart", "article", "article-max"} <= names.keys()
    assert all("/" not in name for name in names)
    assert len(names) == len(list(CONFIGS.rglob("*.toml")))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("imbd", "did you mean imdb?"),
        ("attention", "did you mean article-attention?"),
        ("zzz", "the recipes are adapt, imdb, imdb-best, imdb-fast, imdb-gpu, quickstart, small"),
        ("mine", "for the file of that name type ./mine"),
        ("", "the recipes are adapt, imdb, imdb-best, imdb-fast, imdb-gpu, quickstart, small"),
    ],
)
def test_an_unknown_recipe_gets_an_answer_to_type(name, hint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_text("seed = 7")
    with pytest.raises(UsageError) as caught:
        read_config(name)
    assert str(caught.value) == f"no recipe is called {name or 'the empty name'}; {hint}"


@pytest.mark.parametrize("text", ["seed = ", "[data", "seed = 1\nseed = 2", "a = " + "[" * 60_000])
def test_text_that_is_not_toml_is_refused(text):
    assert "is not TOML" in refuse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("#" * 65_537, "has more than 65,536 characters"),
        ("a" + ".a" * 30_000 + " = 1", "a key has more than 100 parts; write section.key = value"),
        ("data = {" + "a." * 101 + "a = 1}", "a key has more than 100 parts"),
        ("seed" + ".a" * 99 + " = 1", "seed: input should be a valid integer, not {'a': {"),
        ("seed = " + "1" * 50_000, "a number has more than 4,300 digits"),
        ("seed = 0x" + "f" * 50_000, "seed: input should be less than 2147483648, not this value"),
        ("seed = '" + "a" * 50_000 + "'", "seed: input should be a valid integer, not 'aaa"),
        ("a" * 50_000 + " = 1", "aaa... is unknown (valid here"),
    ],
    ids=["long", "dots", "dots in a table", "deep", "digits", "hexadecimal", "string", "key"],
)
def test_a_text_that_would_take_much_memory_is_refused_shortly(text, words):
    message = refuse(text)
    assert words in message and len(message) < 300


def test_only_the_beginning_of_a_long_file_is_read(tmp_path):
    path = tmp_path / "zeros.toml"
    with path.open("wb") as file:
        file.truncate(2**40)  # a sparse file
    with pytest.raises(UsageError, match=r"zeros\.toml has more than 65,536 characters"):
        read_config(path)


def test_of_many_mistakes_ten_are_described():
    message = refuse("".join(f"k{number} = 1\n" for number in range(5_000)), "nonsense")
    assert message.count("is unknown") == 9 and message.endswith("; and 4,991 more mistakes")


def test_dots_in_strings_and_comments_are_no_parts_of_a_key():
    text = f'data.source = \'{"." * 500}\'\ndata.extra = "{"." * 500}\\"" # {"." * 500}\nseed = 7'
    assert parse_config(text, "x").data.source == "." * 500


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("data.source=" + "x" * 70_000, "--set data.source=xxx"),
        (".".join("a" * 200) + "=1", "is not of the form section.key=value"),
        ("seed={" + ".".join("a" * 200) + "=1}", "seed: input should be a valid integer, not '{a.a."),
        ("seed=" + "1" * 5_000, "seed: input should be a valid integer, not '111"),
    ],
)
def test_a_long_override_is_refused_shortly(override, words):
    message = refuse("", override)
    assert words in message and len(message) < 300


def test_a_configuration_that_could_not_be_read_back_is_not_written():
    config = Config().with_source("x" * 70_000)
    with pytest.raises(UsageError, match="more than 65,536; shorten the longest value"):
        config.to_toml()


def test_deep_nesting_in_an_override_is_a_mistake_like_any_other():
    assert "seed" in refuse("", "seed=" + "[" * 100_000)


def test_a_missing_or_unreadable_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=re.escape(f"no configuration at {tmp_path / 'none.toml'}")):
        read_config(tmp_path / "none.toml")
    with pytest.raises(UsageError, match=r"is a folder, CONFIG is a file; for a folder of reviews: --data"):
        read_config(tmp_path)
    (tmp_path / "config.toml").touch()
    with pytest.raises(
        UsageError, match=r"is a folder, CONFIG is a file; to resume that run: sentiment train"
    ):
        read_config(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'data.source = "caf\xe9"')
    with pytest.raises(UsageError, match=r"cannot read.*latin\.toml"):
        read_config(tmp_path / "latin.toml")


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("training.epochs=7", "training", "epochs", 7),
        ("training.learning_rate = 2e-3", "training", "learning_rate", 2e-3),
        ("vocabulary.lower=false", "vocabulary", "lower", False),
        ("data.source=some/folder/reviews.csv", "data", "source", "some/folder/reviews.csv"),
        ("data.source=stanfordnlp/imdb", "data", "source", "stanfordnlp/imdb"),
        ("data.source='quoted = text'", "data", "source", "quoted = text"),
        ("data.source=a=b", "data", "source", "a=b"),
        ("model.readout=max_mean", "model", "readout", "max_mean"),
        ("machine.device=cuda:1", "machine", "device", "cuda:1"),
    ],
)
def test_an_override_is_a_toml_value_or_a_bare_string(override, section, key, value):
    config = parse_config(f"[{section}]\n", "x", [override])
    assert getattr(getattr(config, section), key) == value


def test_overrides_win_over_the_file_and_later_ones_over_earlier():
    config = parse_config("seed = 4\n[training]\nepochs = 2", "x", ["training.epochs=3", "training.epochs=4"])
    assert (config.seed, config.training.epochs) == (4, 4)
    assert parse_config("", "x", ["seed=9"]).seed == 9


@pytest.mark.parametrize("override", ["", "=3", "training.epochs", "training.=3"])
def test_a_malformed_override_is_refused(override):
    assert f"--set {override} is not of the form" in refuse("", override)


def test_an_override_cannot_descend_into_a_value():
    assert "--set seed.deeper=1: seed is no section" in refuse("seed = 1", "seed.deeper=1")


def test_a_configuration_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Config().training.epochs = 9


def test_key_names_lists_every_key():
    flat = {
        f"{name}.{key}" if isinstance(value, dict) else name
        for name, value in Config().model_dump().items()
        for key in (value if isinstance(value, dict) else [""])
    }
    assert set(key_names()) == flat


positive = st.floats(min_value=1e-12, max_value=1e12)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**31 - 1),
    source=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    share=st.floats(0, 1, exclude_min=True, exclude_max=True),
    rate=positive,
    clip=positive,
    size=st.integers(1, 2_000_000),
    lower=st.booleans(),
    device=st.sampled_from(["auto", "cpu", "cuda", "cuda:3", "mps"]),
    epochs=st.integers(0, 9),
    members=st.integers(1, 16),
    adversarial=st.floats(0, 1e6),
    weight=st.floats(0, 1),
)
def test_a_configuration_comes_back_from_toml_equal(
    seed, source, share, rate, clip, size, lower, device, epochs, members, adversarial, weight
):
    config = Config.model_validate(
        {
            "seed": seed,
            "data": {"source": source, "validation_share": share},
            "vocabulary": {"size": size, "lower": lower},
            "model": {"layers": 1, "word_dropout": share},
            "pretraining": {"epochs": epochs, "learning_rate": rate, "samples": size},
            "training": {
                "learning_rate": rate,
                "clip_norm": clip,
                "members": members,
                "adversarial": adversarial,
            },
            "evidence": {"weight": weight, "size": size},
            "machine": {"device": device},
        }
    )
    assert parse_config(config.to_toml(), "x") == config


def test_every_conflict_between_keys_is_named():
    settings = [
        "pretraining.epochs=1",
        "model.layers=2",
        "calibration.temperature=true",
        "data.validation=none",
        "evidence.weight=0.5",
        "model.encoder=shared_weight",
    ]
    with pytest.raises(UsageError) as caught:
        parse_config("", "test", settings)
    for words in (
        "pretraining.epochs needs",
        "temperature needs reviews held out",
        "evidence.weight needs words",
    ):
        assert words in str(caught.value)
