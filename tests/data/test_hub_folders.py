"""Folders in the layout of the hub: what the card and the names say, and nothing outside of the folder."""

import json
import time
from pathlib import Path

import pytest

from sentiment.config import DataSettings
from sentiment.data.sources import listing
from sentiment.data.sources.locate import open_source
from sentiment.errors import DataError

ROWS = "text,label\ngood,1\nbad,0\n"


@pytest.fixture
def folder(tmp_path):
    """Write files into the folder `data`, and one next to it that nobody may read."""

    def write(files):
        for name, content in files.items():
            path = tmp_path / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        (tmp_path / "secret.csv").write_text("text,label\nmine,1\n")
        return tmp_path / "data"

    return write


def table(text):
    """A csv file with one row."""
    return f"text,label\n{text},1\n"


def texts_of(path):
    """The texts of each split of a source."""
    readers = open_source(str(path), DataSettings())
    return {split: list(read().columns["text"]) for split, read in readers.items()}


def card(*data_files, more=""):
    """A README.md that names these files for the splits train and test."""
    entries = "".join(
        f"\n  - split: {split}\n    path: {json.dumps(path)}"
        for split, path in zip(("train", "test"), data_files, strict=False)
    )
    return f"---\nconfigs:\n- config_name: default\n  data_files:{entries}\n{more}---\n# Reviews\n"


# --- files by their names ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["data/train-00000-of-00001.csv", "data/dev-00000-of-00001.csv"], {"train", "validation"}),
        (["data/Kitchen-00000-of-00001.csv", "x/test.csv"], {"Kitchen"}),
        (["a/train/1.csv", "a/eval-set/train.csv"], {"train", "test"}),
        (["a/training.csv", "a/b/my test.csv", "a/other.csv"], {"train", "test"}),
        (["a/one.csv", "b/two.csv"], {"train"}),
        (["a/one.csv", "a/dataset_info.json", ".git/x.csv", "__MACOSX/one.csv"], {"train"}),
    ],
)
def test_names_tell_the_splits(folder, names, splits):
    assert texts_of(folder(dict.fromkeys(names, ROWS))).keys() == splits


def test_the_files_of_a_split_are_one_table(folder):
    path = folder({f"data/train-0000{n}-of-00002.csv": table(f"take {n}") for n in range(2)})
    read = open_source(str(path), DataSettings())["train"]().place
    assert texts_of(path) == {"train": ["take 0", "take 1"]}
    assert read(1) == f"{path} (train), row 2"


def test_a_name_for_two_splits_is_refused(folder):
    with pytest.raises(DataError, match=r"train-test\.csv: its name says train and test; rename it"):
        texts_of(folder({"a/train-test.csv": ROWS}))


def test_files_of_two_kinds_are_refused(folder):
    path = folder({"train/a.csv": ROWS, "train/b.jsonl": '{"text": "good", "label": 1}\n'})
    with pytest.raises(DataError, match=r"data \(train\) has files of 2 kinds \(\.csv, \.jsonl\); keep one"):
        texts_of(path)


def test_files_that_declare_other_classes_are_refused(folder, tmp_path):
    import datasets

    for number, names in enumerate((["neg", "pos"], ["pos", "neg"])):
        features = datasets.Features(text=datasets.Value("string"), label=datasets.ClassLabel(names=names))
        rows = datasets.Dataset.from_list([{"text": "good", "label": 1}], features)
        path = folder({}) / "data" / f"train-0000{number}-of-00002.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(path)
    with pytest.raises(DataError, match=r"00001-of-00002\.parquet declares other classes than "):
        texts_of(tmp_path / "data")


# --- what the card says --------------------------------------------------------------------------------

FILES = {"a/1.csv": table("one"), "a/b/2.csv": table("two"), "a/notes.txt": "no review", "3.csv.md": "none"}


@pytest.mark.parametrize(
    ("path", "texts"),
    [
        ("a/1.csv", ["one"]),
        ("./a//1.csv", ["one"]),
        ("a/*", ["one"]),
        ("a/**", ["two", "one"]),
        ("**/?.csv", ["two", "one"]),
        ("a/**/[12].csv", ["two", "one"]),
        ("*/*/*", ["two"]),
        (["a/b/*", "a/*.csv", "**"], ["two", "one"]),
    ],
)
def test_the_card_names_files(folder, path, texts):
    found = texts_of(folder(FILES | {"README.md": card(path)}))
    assert {split: sorted(own) for split, own in found.items()} == {"train": sorted(texts)}


@pytest.mark.parametrize(
    ("lines", "splits"),
    [
        ("- config_name: x\n  data_files: a/1.csv", {"train": ["one"]}),
        ("- config_name: x\n  data_files: [a/1.csv, a/b/2.csv]", {"train": ["one", "two"]}),
        ("- config_name: x\n  data_dir: a/b", {"train": ["two"]}),
        ("- config_name: x\n  data_dir: a\n  data_files: b/*", {"train": ["two"]}),
        ("- config_name: x", {"train": ["one", "two"]}),
        ("- {config_name: x, data_files: a/*}\n- {config_name: default, data_dir: a/b}", {"train": ["two"]}),
        ("- {config_name: x}\n- {config_name: y, default: true, data_dir: a/b}", {"train": ["two"]}),
        ("", {"train": ["one", "two"]}),
    ],
)  # fmt: skip
def test_the_configuration_that_counts_is_the_only_one_or_the_default(folder, lines, splits):
    assert texts_of(folder(FILES | {"README.md": f"---\nconfigs:\n{lines}\n---\n"})) == splits


def test_the_card_declares_classes_and_rows(folder):
    facts = "dataset_info:\n  features:\n  - {name: text, dtype: string}\n  - name: label\n    dtype:\n"
    facts += (
        "      class_label: {names: {'0': pos, '1': neg}}\n  splits:\n  - {name: train, num_examples: 2}\n"
    )
    path = folder({"a/1.csv": ROWS, "README.md": card("a/1.csv", more=facts)})
    assert open_source(str(path), DataSettings())["train"]().classes == {"label": ["pos", "neg"]}
    (path / "a" / "1.csv").write_text(ROWS + "fine,1\n")
    with pytest.raises(DataError, match=r"\(train\) has 3 reviews, but README\.md says 2; copy it again"):
        texts_of(path)


@pytest.mark.parametrize("others", ["", "- {config_name: y, splits: [{name: train, num_examples: 9}]}\n"])
def test_the_rows_of_the_configuration_count(folder, others):
    facts = (
        "dataset_info:\n" + others + "- {config_name: default, splits: [{name: train, num_examples: 5}]}\n"
    )
    with pytest.raises(DataError, match=r"has 2 reviews, but README\.md says 5"):
        texts_of(folder({"a/1.csv": ROWS, "README.md": card("a/1.csv", more=facts)}))
    if not others:  # the only one counts under any name
        with pytest.raises(DataError, match=r"has 2 reviews, but README\.md says 5"):
            texts_of(folder({"README.md": card("a/1.csv", more=facts.replace("default", "z"))}))


def test_a_card_with_several_data_sets_needs_a_default(folder):
    path = folder(FILES | {"README.md": "---\nconfigs:\n- config_name: x\n- config_name: y\n---\n"})
    with pytest.raises(DataError, match=r"README\.md names 2 data sets \(x, y\), none as the default"):
        texts_of(path)


def test_a_file_that_is_not_there_is_named(folder):
    with pytest.raises(DataError, match=r"README\.md names a/9\*\.csv, but there is no such file in "):
        texts_of(folder(FILES | {"README.md": card("a/9*.csv")}))


# --- cards and lists of strangers ----------------------------------------------------------------------


def names_outside(tmp_path):
    """Ways to name the file next to the folder, or something on the network."""
    return [
        str(tmp_path / "secret.csv"),
        "../secret.csv",
        "a/../../*.csv",
        "file://" + str(tmp_path / "secret.csv"),
        "http://127.0.0.1:1/secret.csv",
        "hf://datasets/some/name/secret.csv",
        "zip://*.csv::http://127.0.0.1:1/a.zip",
    ]


@pytest.mark.parametrize("number", range(7))
@pytest.mark.parametrize("split", [0, 1])
def test_a_card_that_names_something_outside_is_refused(folder, tmp_path, number, split):
    entry = names_outside(tmp_path)[number]
    paths = ["a/1.csv", "a/1.csv"]
    paths[split] = ["a/b/2.csv", entry]
    path = folder(FILES | {"README.md": card(*paths)})
    with pytest.raises(DataError, match="which is not in the folder") as caught:
        open_source(str(path), DataSettings())
    assert str(path / "README.md") in str(caught.value) and entry[:20] in str(caught.value)
    assert "\n" not in str(caught.value) and caught.value.exit_code == 3


@pytest.mark.parametrize("entry", ["..", "/", "a/../.."])
def test_a_folder_of_a_card_is_in_the_folder(folder, entry):
    text = f"---\nconfigs:\n- config_name: x\n  data_dir: {entry}\n---\n"
    with pytest.raises(DataError, match="which is not in the folder"):
        texts_of(folder(FILES | {"README.md": text}))


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("configs: [", "begins with YAML that cannot be read"),
        (BOMB, "begins with YAML that cannot be read"),
        ("a: &a {b: c}\nd: {<<: *a}", "begins with YAML that cannot be read"),
        ("a: " + "[" * 100_000, "begins with YAML that cannot be read"),
        ("a: [" + "a," * 100_000 + "]", "begins with YAML that cannot be read"),
        ("a: " + "{a: " * 60_000, "begins with YAML that cannot be read"),
        ("? {a: b}\n: c", "begins with YAML that cannot be read"),
        ("a: " + "x" * 300_000, "more than 262,144 bytes of YAML"),
        ("configs: 5", "in no known form"),
        ("configs: [[a, b]]", "in no known form"),
        ("configs: [{data_files: [5, {split: [a], path: b}]}]", "in no known form"),
        (
            "configs: [{data_files: [{split: train, path: {a: b}}, {split: test, path: [[c]]}]}]",
            "in no known",
        ),
        ("configs: [{data_files: {train: a}}]", "in no known form"),
        ("configs: [{data_dir: [a]}]", "in no known form"),
        ("dataset_info: 5", "in no known form"),
        ("dataset_info: {splits: [{name: train, num_examples: many}]}", "in no known form"),
        (
            "dataset_info: {features: [{name: a, dtype: {class_label: {names: {'1': b}}}}]}",
            "in no known form",
        ),
        (f"configs: [{{data_files: [{'a, ' * 1_001}]}}]", "names more than 1,000 files"),
    ],
)
def test_a_malformed_card_is_refused_at_once(folder, yaml, words):
    path = folder(FILES | {"README.md": f"---\n{yaml}\n---\n"})
    started = time.process_time()
    with pytest.raises(DataError, match=words) as caught:
        texts_of(path)
    assert time.process_time() - started < 5
    assert str(caught.value).startswith(str(path / "README.md")) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "readme", ["# Reviews\n---\nconfigs: [\n---\n", "---\nno end", "", "---\n- a list\n---\n"]
)
def test_a_readme_without_declarations_says_nothing(folder, readme):
    assert texts_of(folder(FILES | {"README.md": readme})) == {"train": ["one", "two"]}


def test_a_tag_of_python_is_a_string(folder, tmp_path):
    """YAML can name a function to call; nothing here calls it."""
    text = f"---\nx: !!python/object/apply:os.mknod ['{tmp_path / 'canary'}']\n---\n"
    assert texts_of(folder(FILES | {"README.md": text})).keys() == {"train"}
    assert not (tmp_path / "canary").exists()


def test_a_link_to_a_file_is_followed_and_one_to_a_folder_is_refused(folder, tmp_path):
    path = folder({"a/1.csv": table("one")})
    (path / "a" / "2.csv").symlink_to(tmp_path / "secret.csv")
    assert texts_of(path) == {"train": ["one", "mine"]}
    (path / "b").symlink_to(tmp_path)
    with pytest.raises(DataError, match="data/b is a link to a folder, which is not followed"):
        texts_of(path)


@pytest.mark.parametrize("linked", ["train", "train/pos", "pos"])
def test_a_folder_of_a_class_or_a_split_is_no_link(folder, tmp_path, linked):
    (tmp_path / "their" / "pos").mkdir(parents=True)
    (tmp_path / "their" / "pos" / "1.txt").write_text("mine")
    path = folder({"train/neg/1.txt": "bad"} if linked == "train/pos" else {})
    path.mkdir(exist_ok=True)
    (path / linked).symlink_to(tmp_path / "their" / ("" if linked == "train" else "pos"))
    with pytest.raises(DataError, match=f"data/{linked} is a link to a folder, which is not followed"):
        texts_of(path)


def test_a_folder_of_very_many_files_is_refused(folder, monkeypatch):
    monkeypatch.setattr(listing, "MOST_FILES", 3)
    with pytest.raises(DataError, match="data has more than 3 files"):
        texts_of(folder({f"a/{n}.csv": ROWS for n in range(4)}))


@pytest.fixture
def saved(tmp_path):
    import datasets

    rows = datasets.Dataset.from_list([{"text": "good", "label": 1}, {"text": "bad", "label": 0}])
    datasets.DatasetDict(train=rows).save_to_disk(tmp_path / "saved")
    (tmp_path / "secret.arrow").write_bytes(next((tmp_path / "saved" / "train").glob("*.arrow")).read_bytes())
    return tmp_path / "saved"


@pytest.mark.parametrize(
    "name", ["../../secret.arrow", "..", "{tmp_path}/secret.arrow", ".hidden", "a/b.arrow"]
)
def test_a_saved_data_set_names_only_files_beside_its_list(saved, tmp_path, name):
    name = name.format(tmp_path=tmp_path)
    state = saved / "train" / "state.json"
    state.write_text(json.dumps({"_data_files": [{"filename": name}]}))
    with pytest.raises(DataError, match=r"state\.json names .*, which is not in its folder"):
        texts_of(saved)
    (saved / "dataset_dict.json").write_text(json.dumps({"splits": [name]}))
    with pytest.raises(DataError, match=r"dataset_dict\.json names .*, which is not in its folder"):
        texts_of(saved)


@pytest.mark.parametrize(
    "state", [{}, {"_data_files": []}, {"_data_files": 5}, {"_data_files": ["a"]}, {"_data_files": [{}]}]
)
def test_a_saved_data_set_without_a_list_is_refused(saved, state):
    (saved / "train" / "state.json").write_text(json.dumps(state))
    with pytest.raises(
        DataError, match=r"state\.json is damaged: it lists no files; save the data set again"
    ):
        texts_of(saved)


def test_a_saved_data_set_that_names_a_file_twice_is_refused(saved):
    state = saved / "train" / "state.json"
    files = json.loads(state.read_text())["_data_files"]
    state.write_text(json.dumps({"_data_files": files * 2}))
    with pytest.raises(DataError, match=r"state\.json is damaged: it names a file twice"):
        texts_of(saved)


def test_a_split_of_a_saved_data_set_is_no_link(saved, tmp_path):
    (saved / "train").rename(tmp_path / "elsewhere")
    (saved / "train").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="saved/train is a link to a folder, which is not followed"):
        texts_of(saved)


def test_nothing_of_a_local_folder_is_read_by_datasets():
    """Its loaders follow addresses."""
    import sentiment.data.sources as sources

    users = {
        path.stem
        for path in Path(sources.__file__).parent.glob("*.py")
        if "import datasets" in path.read_text(encoding="utf-8")
    }
    assert users == {"hub", "datasets_adapter"}
