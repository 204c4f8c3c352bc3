"""Reviews with labels from a hub, a folder, a file or the bundled sample, checked row by row."""

import csv
import json
import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from sentiment.config import DataSettings
from sentiment.data.tokens import why_unreadable
from sentiment.errors import DataError, MachineError
from sentiment.system import memory

HUB_SHARD = re.compile(r".+-\d{5}-of-\d{5}")
HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
ACL_NAME = re.compile(r"\d+_\d+\.txt")
LABELS = {"0": 0, "1": 1, "negative": 0, "positive": 1}
UNLABELLED = "unsupervised"  # as the hub's IMDB calls its split without labels
EXTRA = "extra"  # what `data.extra` names, beside the splits of the source
PHRASES = "phrases"  # the bundled short texts, a source like any other
NO_LABEL = -1
FILE_ENDINGS = (".csv", ".tsv", ".json", ".jsonl", ".parquet")
HUB_NOTES = ("dataset_infos.json",)  # what the hub's layout keeps beside the reviews
BUNDLED = {"sample": "sample", PHRASES: "phrases.jsonl"}
OFFLINE_WAYS = "use --data FOLDER or FILE for a local copy, or --data sample for the bundled reviews"
Row = dict[str, Any]


@dataclass(frozen=True)
class Reviews:
    """One split: texts, labels and, where the source has them, groups, all in the source's order."""

    split: str
    texts: Sequence[str]
    labels_N: np.ndarray
    """int8: 1 positive, 0 negative, -1 without a label."""
    groups: Sequence[str] | None = None
    """What each review is about (`film`); None where the source has no such column."""

    def __len__(self) -> int:
        return len(self.texts)


def load_reviews(settings: DataSettings, splits: Sequence[str] | None = None) -> dict[str, Reviews]:
    """Load the labelled splits of `settings.source`, or those named that exist.

    A single file is one split named `train`. `unsupervised` has no labels: it comes only where it is named.
    Raises DataError naming file, row and remedy, and MachineError if a download fails.
    """
    tables = _load_tables(settings)
    wanted = [name for name in tables if (name in splits if splits else name != UNLABELLED)]
    wanted.sort(key=lambda name: {"train": 0, "validation": 1}.get(name, 2))
    reviews = {name: _check(tables[name], name, settings) for name in wanted}
    memory.release()
    return reviews


def load_extra(settings: DataSettings) -> dict[str, Reviews]:
    """What `settings.extra` adds to training, as the split `extra`; nothing where the key is empty.

    Raises DataError as `load_reviews` does, or if the source is not one split.
    """
    if not settings.extra:
        return {}
    own_columns = DataSettings() if settings.extra in BUNDLED else settings
    splits = load_reviews(own_columns.model_copy(update={"source": settings.extra}))
    if len(splits) > 1:
        raise DataError(f"data.extra: {settings.extra} has several splits ({', '.join(splits)}); name a file")
    (reviews,) = splits.values()
    return {EXTRA: replace(reviews, split=EXTRA)}


def load_phrases() -> dict[str, Reviews]:
    """The bundled short texts, as the split `phrases`."""
    (reviews,) = load_reviews(DataSettings(source=PHRASES)).values()
    return {PHRASES: replace(reviews, split=PHRASES)}


@dataclass(frozen=True)
class Table:
    """Columns as they were read, with where they came from and what its rows are called."""

    origin: str
    columns: dict[str, Sequence[Any]]
    first_row: int = 1
    classes: dict[str, Sequence[str]] = field(default_factory=dict)
    """Names of the classes of each column whose source declares them."""

    def column(self, name: str, key: str = "data.text_column") -> Sequence[Any]:
        """One column; raises DataError naming those there are, and the `key` a run is told another with."""
        if name not in self.columns:
            found = ", ".join(self.columns) or "none"
            raise DataError(
                f"{self.origin} has no column {name} (found: {found}); rename one, or train with {key}"
            )
        return self.columns[name]


def _load_tables(settings: DataSettings) -> dict[str, Table]:
    source = settings.source
    bundled = BUNDLED.get(source)
    path = Path(str(resources.files("sentiment.data") / bundled) if bundled else source).expanduser()
    if path.is_file():
        return {"train": read_table(path)}
    if (path / "train" / "pos").is_dir():
        splits = [split for split in ("train", "test") if (path / split).is_dir()]
        tables = {split: _read_acl_imdb(path / split, {"neg": 0, "pos": 1}) for split in splits}
        if (path / "train" / "unsup").is_dir():
            tables[UNLABELLED] = _read_acl_imdb(path / "train", {"unsup": NO_LABEL})
        return tables
    if path.is_dir():
        return _read_folder(path)
    if HUB_NAME.fullmatch(source) and not source.endswith(FILE_ENDINGS):
        return _download(source)
    raise DataError(
        f"no reviews at {source}: neither a file, a folder nor a hub name; say with --data where they are"
    )


# --- files ---------------------------------------------------------------------------------------------


def read_table(path: Path) -> Table:
    """Read a file with one of the known endings; raises DataError naming what is wrong."""
    readers: dict[str, Callable[[Path], Table]] = {
        ".csv": lambda path: _read_separated(path, ","),
        ".tsv": lambda path: _read_separated(path, "\t"),
        ".jsonl": _read_json_lines,
        ".json": _read_json,
        ".parquet": _read_parquet,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: unknown ending; rename it to one of {', '.join(FILE_ENDINGS)}")
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty; give it reviews")
        return reader(path)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start}); convert it, e.g. with iconv") from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None


def _read_separated(path: Path, delimiter: str) -> Table:
    """Read csv or tsv with a header; every row has the header's number of fields."""
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            header = next(reader, [])
            _refuse_repeated(header, path)
            rows = []
            for row in reader:
                if not row:
                    continue
                if len(row) != len(header):
                    raise DataError(
                        f"{path}, line {reader.line_num}: {len(row)} fields where the header has "
                        f"{len(header)}; quote fields that contain the separator"
                    )
                rows.append(row)
        except csv.Error as error:
            raise DataError(f"{path}, line {reader.line_num}: {error}; check the quotes") from None
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    return Table(str(path), dict(zip(header, columns, strict=True)), first_row=2)


def _refuse_repeated(names: Sequence[str], path: Path) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(f"{path}: column {repeated[0]} stands twice; rename or remove one")


def _read_json_lines(path: Path) -> Table:
    rows = []
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                rows.append(parse_object(line, f"{path}, line {number}"))
    return Table(str(path), _transpose(rows))


def _read_json(path: Path) -> Table:
    """Read a list of objects, or objects line by line under a `.json` name."""
    text = path.read_text(encoding="utf-8-sig")
    if text.lstrip()[:1] != "[":
        return _read_json_lines(path)
    try:
        rows = json.loads(text, object_pairs_hook=partial(_unrepeated, str(path)))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {error}") from None
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise DataError(f"{path}, row {number}: not an object with text and label")
    return Table(str(path), _transpose(rows))


def parse_object(line: str, place: str) -> Row:
    """A JSON object in which no key stands twice; raises DataError that names its `place`."""
    try:
        row = json.loads(line, object_pairs_hook=partial(_unrepeated, place))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place}: not JSON ({error}); one object a line") from None
    if not isinstance(row, dict):
        raise DataError(f"{place}: not an object with text and label")
    return row


def _unrepeated(place: str, items: list[tuple[str, Any]]) -> Row:
    row = dict(items)
    if len(row) < len(items):
        raise DataError(f"{place}: a key stands twice; rename or remove one")
    return row


def _transpose(rows: list[Row]) -> dict[str, Sequence[Any]]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [row.get(name) for row in rows] for name in names}


def _read_parquet(path: Path) -> Table:
    import pyarrow.lib
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            _refuse_repeated(names, path)
            columns: dict[str, list[Any]] = {name: [] for name in names}
            for batch in file.iter_batches():
                for name in names:
                    columns[name] += batch[name].to_pylist()
    except (pyarrow.lib.ArrowInvalid, OSError) as error:
        raise DataError(f"{path} is no whole parquet file: {_first_line(error)}; copy it again") from None
    return Table(str(path), dict(columns))


# --- folders and the hub -------------------------------------------------------------------------------


def _read_acl_imdb(folder: Path, classes: Mapping[str, int]) -> Table:
    """Read a split of the original archive: one text file a review, films from the lists of URLs."""
    texts, labels, films = [], [], []
    for name, label in classes.items():
        urls = folder / f"urls_{name}.txt"
        films_of_class = _read_text(urls).splitlines() if urls.is_file() else None
        files = [file for file in (folder / name).glob("*.txt") if ACL_NAME.fullmatch(file.name)]
        for file in sorted(files, key=_acl_number):
            texts.append(_read_text(file))
            labels.append(label)
            if films_of_class is not None:
                if _acl_number(file) >= len(films_of_class):
                    raise DataError(f"{urls} has no line for {file.name}; copy it again or remove it")
                films.append(films_of_class[_acl_number(file)])
    columns: dict[str, Sequence[Any]] = {"text": texts, "label": labels}
    if len(films) == len(texts):
        columns["film"] = films
    return Table(str(folder), columns)


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not UTF-8 (byte {error.start}); convert it") from None
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from None


def _acl_number(file: Path) -> int:
    return int(file.name.split("_")[0])


def _read_folder(folder: Path) -> dict[str, Table]:
    """Read `train.jsonl`, `test.csv` and the like if they are there, else the hub's layout."""
    files = [
        file
        for file in sorted(folder.iterdir())
        if file.suffix.lower() in FILE_ENDINGS and file.name not in HUB_NOTES
    ]
    if files and not any(HUB_SHARD.fullmatch(file.stem) for file in files):
        repeated = {file.stem for file in files if [other.stem for other in files].count(file.stem) > 1}
        if repeated:
            raise DataError(f"{folder}: several files are called {repeated.pop()}; keep one of each split")
        return {file.stem: read_table(file) for file in files}
    from datasets.data_files import EmptyDatasetError
    from datasets.exceptions import DataFilesNotFoundError

    try:
        splits = _load_dataset(str(folder))
    except (DataFilesNotFoundError, EmptyDatasetError):
        raise DataError(f"{folder} holds no reviews: no {', '.join(FILE_ENDINGS)}, no train/pos") from None
    except Exception as error:
        raise DataError(f"{folder} holds no readable reviews: {_root_cause(error)}") from None
    return {name: _from_dataset(split, f"{folder} ({name})") for name, split in splits.items()}


def _download(name: str) -> dict[str, Table]:
    """Fetch a data set from the hub into `HF_HOME`; with HF_HUB_OFFLINE only what is there counts."""
    unreachable = _why_unreachable(name)
    try:
        splits = _load_dataset(name)
    except Exception as error:
        reason = _root_cause(unreachable or error)
        raise MachineError(f"cannot download {name} ({reason}); {OFFLINE_WAYS}") from None
    return {split: _from_dataset(dataset, f"{name} ({split})") for split, dataset in splits.items()}


def _why_unreachable(name: str) -> Exception | None:
    """Ask the hub once, for ten seconds; `datasets` would ask a silent one for more than six minutes.

    Without an answer only what was downloaded before counts, as with HF_HUB_OFFLINE.
    """
    import datasets
    import huggingface_hub

    try:
        huggingface_hub.HfApi().dataset_info(name, timeout=10)
    except Exception as error:
        datasets.config.HF_HUB_OFFLINE = huggingface_hub.constants.HF_HUB_OFFLINE = True
        return error
    return None


def _load_dataset(name: str) -> dict[str, Any]:
    """`datasets.load_dataset`, as quiet as the rest of this program where nobody watches."""
    import datasets
    import huggingface_hub

    huggingface_hub.logging.set_verbosity(logging.ERROR)
    datasets.logging.set_verbosity(logging.CRITICAL)
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    splits: dict[str, Any] = datasets.load_dataset(name)
    return splits


def _from_dataset(dataset: Any, origin: str) -> Table:
    columns = {name: dataset[name] for name in dataset.column_names}
    classes = {name: kind.names for name, kind in dataset.features.items() if hasattr(kind, "names")}
    return Table(origin, columns, classes=classes)


def _root_cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return _first_line(error)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


# --- checking ------------------------------------------------------------------------------------------


def _check(table: Table, split: str, settings: DataSettings) -> Reviews:
    texts = table.column(settings.text_column, "data.text_column")
    if len(texts) == 0:
        raise DataError(f"{table.origin} holds no reviews")
    if split == UNLABELLED:
        labels_N = np.full(len(texts), NO_LABEL, dtype=np.int8)
    else:
        labels = table.column(settings.label_column, "data.label_column")
        _check_classes(table, settings.label_column)
        labels_N = np.fromiter(_labels(labels, table), dtype=np.int8, count=len(texts))
    for row, text in enumerate(texts, start=table.first_row):
        flaw = why_unreadable(text) if isinstance(text, str) else "is empty"
        if flaw:
            raise DataError(f"{table.origin}, row {row}: the text {flaw}; remove or fill the row")
    groups = table.columns.get(settings.group_column)
    return Reviews(split, texts, labels_N, None if groups is None else _groups(groups, split))


def _groups(groups: Sequence[Any], split: str) -> list[str]:
    """Groups by name; a review that names none is a group of its own."""
    return [
        f"row {row} of {split} alone" if group is None or group == "" else str(group)
        for row, group in enumerate(groups)
    ]


def _check_classes(table: Table, column: str) -> None:
    classes = table.classes.get(column)
    if classes is not None and len(classes) != 2:
        raise DataError(f"{table.origin} has {len(classes)} classes; two are needed")
    if classes is not None and classes[0].lower().startswith("pos"):
        raise DataError(f"{table.origin} calls label 0 {classes[0]}; 0 must be negative, so swap its labels")


def _labels(labels: Sequence[Any], table: Table) -> Iterator[int]:
    for row, value in enumerate(labels, start=table.first_row):
        label = read_label(value)
        if label is None:
            raise DataError(
                f"{table.origin}, row {row}: the label is {value!r}; it must be 0 (negative) or 1 (positive)"
            )
        yield label


def read_label(value: Any) -> int | None:
    """1 for what means positive, 0 for negative, a number, its text or the word; None for all else."""
    is_readable = isinstance(value, int | str) and not isinstance(value, bool)
    return LABELS.get(str(value)) if is_readable else None
