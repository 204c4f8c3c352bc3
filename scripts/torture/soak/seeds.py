"""Whole inputs of every kind that the package parses, and how each is read."""

import io
import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow
import pyarrow.ipc
import pyarrow.parquet

from sentiment.config import DataSettings, VocabularySettings, parse_config
from sentiment.data.sources.files import stream_table
from sentiment.data.vectors import load_word_vectors
from sentiment.data.vocabulary import Channel, Vocabulary
from sentiment.errors import RunError
from sentiment.runs.checkpoints import parse_tensors
from sentiment.runs.reader import read_run
from sentiment.system import storage

from ..bench import Bench
from ..damage import RUN_FILES

ROWS = 40


@dataclass(frozen=True)
class Kind:
    """A kind of input."""

    name: str
    file: str
    """The name of the file that it is read from."""
    seed: bytes
    read: Callable[[Path], None]
    """Reads the file; may raise the errors of the package."""


def all_kinds(bench: Bench, folder: Path) -> list[Kind]:
    """Return every kind of input; xlsx only if openpyxl is installed."""
    texts = [f"take {row}, a {'great' if row % 2 else 'awful'} film" for row in range(ROWS)]
    rows = [{"text": text, "label": row % 2} for row, text in enumerate(texts)]
    csv = "text,label\n" + "".join(f'"{row["text"]}",{row["label"]}\n' for row in rows)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    tables = {
        "csv": csv.encode(),
        "tsv": csv.replace(",", "\t").encode(),
        "jsonl": lines.encode(),
        "json": json.dumps(rows).encode(),
        "txt": "".join(f"__label__{row['label']} {row['text']}\n" for row in rows).encode(),
        "parquet": _parquet(rows),
        "arrow": _arrow(rows),
    }
    if excel := _excel(rows):
        tables["xlsx"] = excel
    words = "".join(f"word{row} 1 2 3\n" for row in range(ROWS))
    whole = bench.whole
    return [
        *(Kind(name, f"table.{name}", seed, _read_table) for name, seed in tables.items()),
        Kind("settings", "recipe.toml", bench.recipe.read_bytes(), _read_settings),
        Kind("vocabulary", "vocabulary.txt", (whole / "vocabulary.txt").read_bytes(), _read_vocabulary),
        Kind("tensors", "model.safetensors", (whole / "model.safetensors").read_bytes(), _read_tensors),
        Kind("vectors", "vectors.txt", words.encode(), _read_vectors),
        *(_run_kind(whole, folder, name) for name in (*RUN_FILES, storage.MANIFEST)),
    ]


def _run_kind(whole: Path, folder: Path, name: str) -> Kind:
    """Return the kind of a file in a finished run, whose manifest lists it as it is."""

    def read(path: Path) -> None:
        run = folder / "run"
        shutil.copytree(whole, run, dirs_exist_ok=True)
        shutil.copyfile(path, run / name)
        if name != storage.MANIFEST:
            entries = storage.read_manifest(run, RunError)
            entries[name] = storage.fingerprint(path.read_bytes())
            (run / storage.MANIFEST).write_bytes(storage.dump_json({"files": entries}))
        read_run(run)

    return Kind(f"run: {name}", name, (whole / name).read_bytes(), read)


def _read_table(path: Path) -> None:
    for _ in stream_table(path, DataSettings()):
        pass


def _read_settings(path: Path) -> None:
    parse_config(path.read_text(errors="replace"), str(path))


def _read_vocabulary(path: Path) -> None:
    Vocabulary.from_text(path.read_text(errors="replace"), VocabularySettings())


def _read_tensors(path: Path) -> None:
    parse_tensors(path.read_bytes(), path)


def _read_vectors(path: Path) -> None:
    channel = Channel("lower", Counter({"word1": 2, "word2": 1}), VocabularySettings(min_frequency=1))
    load_word_vectors(str(path), channel, 3)


def _parquet(rows: list[dict[str, object]]) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), sink)
    return sink.getvalue()


def _arrow(rows: list[dict[str, object]]) -> bytes:
    table, sink = pyarrow.Table.from_pylist(rows), io.BytesIO()
    with pyarrow.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _excel(rows: list[dict[str, object]]) -> bytes | None:
    try:
        import openpyxl
    except ImportError:
        return None
    book, sink = openpyxl.Workbook(), io.BytesIO()
    for row in (["text", "label"], *(list(row.values()) for row in rows)):
        book.active.append(row)
    book.save(sink)
    return sink.getvalue()
