"""Folders and names on the hub: splits under the names that people give them."""

import gzip
import json

import pytest

from sentiment.config import DataSettings
from sentiment.data.sources.hub import HubName, parse_hub_name
from sentiment.data.sources.locate import open_source
from sentiment.errors import DataError, MachineError

GOOD = '{"text": "good", "label": 1}\n'


def texts_of(source, **settings):
    """The texts of each split of a source."""
    readers = open_source(str(source), DataSettings(**settings))
    return {split: list(read().columns["text"]) for split, read in readers.items()}


@pytest.fixture
def folder(tmp_path):
    """Write files into a folder."""

    def write(**files):
        for name, content in files.items():
            path = tmp_path / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / "data"

    return write


@pytest.mark.parametrize("dev", ["dev", "val", "valid", "validation", "Dev", "VALID"])
def test_validation_has_several_names(folder, dev):
    found = texts_of(folder(**{"train.jsonl": GOOD, f"{dev}.jsonl": GOOD, "testing.csv": "text\nfine\n"}))
    assert found == {"train": ["good"], "validation": ["good"], "test": ["fine"]}


def test_two_files_of_one_split_are_refused_whatever_they_are_called(folder):
    with pytest.raises(DataError, match="2 files are called validation; keep one file per split"):
        texts_of(folder(**{"train.jsonl": GOOD, "dev.jsonl": GOOD, "valid.csv": "text\nfine\n"}))


def test_the_files_of_a_folder_are_of_every_kind(folder):
    path = folder(
        **{
            "train.csv.gz": gzip.compress(b"text;label\ngood;1\n"),
            "dev.ndjson": GOOD,
            "test.ft.txt": "__label__1 fine\n",
            "README.txt": "About these reviews.",
            "notes.md": "# Notes",
        }
    )
    assert texts_of(path) == {"train": ["good"], "validation": ["good"], "test": ["fine"]}


def test_other_names_of_splits_stay(folder):
    path = folder(**{"train.jsonl": GOOD, "unsupervised.jsonl": GOOD, "Kitchen.csv": "text\nfine\n"})
    assert texts_of(path).keys() == {"train", "unsupervised", "Kitchen"}


@pytest.mark.parametrize(("pos", "neg"), [("pos", "neg"), ("positive", "negative")])
@pytest.mark.parametrize(
    ("prefixes", "splits"),
    [
        ([""], ["train"]),
        (["train/", "dev/", "test/"], ["train", "validation", "test"]),
        (["test/"], ["test"]),
    ],
)
def test_a_folder_for_each_class_holds_files_of_any_name(folder, pos, neg, prefixes, splits):
    files = {}
    for prefix in prefixes:
        files |= {f"{prefix}{pos}/cv000_29590.txt": "good", f"{prefix}{pos}/a review.txt": "fine"}
        files |= {f"{prefix}{neg}/cv001.txt": "bad", f"{prefix}{neg}/notes.md": "no review"}
    path = folder(**files)
    assert texts_of(path) == {split: ["bad", "fine", "good"] for split in splits}
    labels = [read().columns["label"] for read in open_source(str(path), DataSettings()).values()]
    assert labels == [[0, 1, 1]] * len(splits)


def test_the_files_of_a_class_may_be_in_another_encoding(folder):
    path = folder(**{"pos/1.txt": "schön".encode("cp1252"), "neg/1.txt": "übel".encode("cp1252")})
    with pytest.raises(DataError, match=r"1\.txt is not UTF-8 .*for example --encoding cp1252"):
        texts_of(path)
    assert texts_of(path, encoding="cp1252") == {"train": ["übel", "schön"]}


@pytest.fixture
def dataset():
    import datasets

    features = datasets.Features(
        text=datasets.Value("string"), label=datasets.ClassLabel(names=["neg", "pos"])
    )
    return datasets.Dataset.from_list([{"text": "good", "label": 1}, {"text": "bad", "label": 0}], features)


def test_what_save_to_disk_wrote_is_read(tmp_path, dataset):
    import datasets

    dataset.select([1]).save_to_disk(tmp_path / "one")
    datasets.DatasetDict(train=dataset, dev=dataset.select([0])).save_to_disk(tmp_path / "several")
    assert texts_of(tmp_path / "one") == {"train": ["bad"]}
    assert texts_of(tmp_path / "several") == {"train": ["good", "bad"], "validation": ["good"]}
    table = open_source(str(tmp_path / "several"), DataSettings())["train"]()
    assert table.classes == {"label": ["neg", "pos"]}


def test_a_damaged_folder_of_save_to_disk_is_refused(tmp_path, dataset):
    dataset.save_to_disk(tmp_path / "one")
    (data,) = (tmp_path / "one").glob("*.arrow")
    data.write_bytes(data.read_bytes()[:50])
    with pytest.raises(DataError, match=r"00001\.arrow is not a complete arrow file: .*; copy it again"):
        texts_of(tmp_path / "one")
    (tmp_path / "dataset_dict.json").write_text("{")
    with pytest.raises(DataError, match=r"dataset_dict\.json is damaged: not JSON; save the data set again"):
        texts_of(tmp_path)


# --- the hub -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("stanfordnlp/imdb", HubName("stanfordnlp/imdb")),
        ("glue:sst2", HubName("glue", "sst2")),
        ("glue:sst2@main", HubName("glue", "sst2", "main")),
        ("nyu-mll/glue:sst2@refs/convert/parquet", HubName("nyu-mll/glue", "sst2", "refs/convert/parquet")),
        ("imdb@abc123", HubName("imdb", None, "abc123")),
        ("imdb", None),
        ("data/reviews.csv", None),
        ("data/reviews.txt", None),
        ("data/reviews.csv.gz", None),
        ("a/b/c", None),
    ],
)
def test_a_name_on_the_hub_may_have_a_configuration_and_a_revision(source, wanted):
    assert parse_hub_name(source) == wanted


@pytest.fixture
def hub(monkeypatch, dataset):
    """A hub that answers; returns what it was asked for, and raises what `error` is set to."""
    import datasets
    import huggingface_hub

    asked = {}

    def dataset_info(self, name, *, revision, timeout):
        asked["info"] = (name, revision)

    def load_dataset(name, configuration, *, revision):
        asked["data"] = (name, configuration, revision)
        if "error" in asked:
            raise asked["error"]
        return datasets.DatasetDict(train=dataset, dev=dataset.select([0]))

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", dataset_info)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return asked


def test_a_configuration_and_a_revision_are_asked_for(hub):
    assert texts_of("glue:sst2@v1") == {"train": ["good", "bad"], "validation": ["good"]}
    assert hub == {"info": ("glue", "v1"), "data": ("glue", "sst2", "v1")}


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        (
            "some/glue@v1",
            "Config name is missing.\nPlease pick one among the available configs: ['cola', 'sst2']\nExample",
            "some/glue has 2 configurations (cola, sst2); name one: --data some/glue:cola@v1",
        ),
        (
            "glue:sst3",
            "BuilderConfig 'sst3' not found. Available: ['cola', 'sst2']",
            "glue has no configuration sst3 (cola, sst2); name one: --data glue:cola",
        ),
    ],
)
def test_the_configurations_are_named_if_one_is_needed(hub, source, error, words):
    hub["error"] = ValueError(error)
    with pytest.raises(DataError) as caught:
        texts_of(source)
    assert str(caught.value) == words


def test_another_error_is_one_of_the_hub(hub):
    hub["error"] = ValueError("nothing of that kind")
    with pytest.raises(MachineError, match="no file or folder glue, and the hub cannot send it"):
        texts_of("glue:sst2")


def test_a_name_without_an_owner_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "glue").mkdir()
    (tmp_path / "glue" / "train.json").write_text(json.dumps([{"text": "good"}]))
    assert texts_of("glue") == {"train": ["good"]}
