"""Campaign 5: runs and checkpoints made to do harm, with manifests that list them as correct."""

import io
import json
import os
import pickle
import random
import shutil
import struct
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch

from sentiment.runs import RunFolder
from sentiment.system import storage

from .bench import CHECKPOINT_FILES, Bench, newest
from .children import Ended
from .damage import RUN_FILES
from .frame import Outcome, repeat

SECONDS = 5.0
NOISE = 16 * 2**20  # bytes; the peak of the same command varies by so much

RUN, CHECKPOINT = "run", "checkpoint"
CACHED = {"tokens": ("ids.npy", "offsets.npy", "forms.json"), "lessons": ("lessons.jsonl",)}
"""The rooms of the cache, with the files of an entry."""

Make = Callable[[bytes, Path], bytes]
"""Returns the new content of a file, from the old one; it may use the canary."""
Harm = Callable[[Path, Path], None]
"""Changes a finished run or a checkpoint. Opening it could then touch the canary."""


class Canary:
    """An object that creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mknod, (str(self.path),)


def open_hostile(trials: Sequence[int], seed: int, folder: Path) -> Outcome:
    """Check that every hostile run is refused in seconds with exit 3: no code is run, no memory is taken."""
    bench = Bench(folder / "bench", lessons=True)
    cases = _cases()
    caches = bench.whole.parent / "cache" / "sentiment"
    entries = {where: next((caches / where).iterdir()) for where in CACHED}
    bench.stopped(folder / "stopped")
    usual = {
        "resume": bench.resume(folder / "stopped"),
        "predict": _predict(bench, bench.whole, folder / "usual"),
        "start": bench.start_from(bench.whole, folder / "child"),
    }
    for ended in usual.values():
        ended.assert_code(0)

    def trial(number: int, generator: random.Random, place: Path) -> None:
        name, where, harm = cases[number]
        canary, run = place / "canary", place / "run"
        if where in entries:
            harm(entries[where], canary)
            bench.train(run).assert_code(0)  # the cache entry is made again
            assert not canary.exists(), f"{name}: the canary was touched"
            bench.assert_same_result(run)
            return
        if where == CHECKPOINT:
            bench.stopped(run)
            for older in RunFolder(run).checkpoints()[:-1]:
                shutil.rmtree(older)
            harm(newest(run), canary)
            ways = {"resume": bench.resume(run)}
        else:
            shutil.copytree(bench.whole, run)
            harm(run, canary)
            ways = {
                "predict": _predict(bench, run, place / "output"),
                "start": bench.start_from(run, place / "child"),
            }
        size = sum(file.stat().st_size for file in run.rglob("*") if file.is_file())
        for way, ended in ways.items():
            try:
                assert not canary.exists(), "the canary was touched: code of the file was run"
                _check_refused(ended, usual[way].peak_bytes + 2 * size + NOISE)
            except AssertionError as error:
                raise AssertionError(f"{name}, {way}: {error}") from None

    outcome = repeat(trial, [number for number in trials if number < len(cases)], seed, folder)
    outcome.notes.append(f"{len(cases)} hostile runs and checkpoints")
    return outcome


def _predict(bench: Bench, run: Path, output: Path) -> Ended:
    return bench.fork("predict", "--run", run, "a great film", output=output).wait()


def _check_refused(ended: Ended, most_bytes: int) -> None:
    assert ended.code == 3, f"exit code {ended.code}: {ended.err[-1000:]}"
    assert ended.seconds < SECONDS, f"took {ended.seconds:.1f} s"
    assert ended.peak_bytes < most_bytes, f"held {ended.peak_bytes:,} bytes of {most_bytes:,}"
    assert ended.error


# --- the cases: name, where, what to do ----------------------------------------------------------------


def _cases() -> list[tuple[str, str, Harm]]:
    cases: list[tuple[str, str, Harm]] = []
    for where, names in ((RUN, RUN_FILES), (CHECKPOINT, CHECKPOINT_FILES)):
        cases += [
            (
                f"a pickle named {name}",
                where,
                partial(_replace_file, name, _pickle, new_manifest=name not in UNREAD),
            )
            for name in names
        ]
        tensors = "state.safetensors" if where == CHECKPOINT else "model.safetensors"
        for manner, make in TENSOR_FILES.items():
            cases.append((f"{tensors}: {manner}", where, partial(_replace_file, tensors, make)))
        for name in names:
            if name.endswith(".json"):
                deep = partial(_replace_file, name, _deep_json, new_manifest=name != "manifest.json")
                cases.append((f"{name} 100,000 deep", where, deep))
        # In a finished run a link to the right content is followed.
        kind, added = ("a link", b"") if where == CHECKPOINT else ("a link to another file", b"\n")
        cases += [(f"{kind} named {name}", where, partial(_link, added, name)) for name in names]
        cases.append(("a manifest that points outside", where, _points_outside))
        cases.append(("a manifest with surrogates", where, _surrogates))
    for key, value in HUGE.items():
        cases.append((f"{key} = {value}", RUN, partial(_configure, key, value)))
    for name in ("config.toml", "vocabulary.txt"):
        cases.append((f"{name} not UTF-8", RUN, partial(_replace_file, name, _no_text)))
    cases.append(("config.toml 100,000 deep", RUN, partial(_replace_file, "config.toml", _deep_toml)))
    for name in ("golden.json", "run.json"):
        for content in (b"{}\n", b'{"reviews": 3, "versions": 3}\n', b'{"a": 1, "a": 2}\n'):
            make = partial(_content, content)
            cases.append((f"{name} {content.decode().strip()}", RUN, partial(_replace_file, name, make)))
    for content in (b"{}\n", b'{"step": "x"}\n', b'{"step": 1, "step": 2}\n', b'{"finished": 7}\n'):
        make = partial(_content, content)
        name = f"progress.json {content.decode().strip()}"
        cases.append((name, CHECKPOINT, partial(_replace_file, "progress.json", make)))
    cases.append(("optimizer slots of other shapes", CHECKPOINT, _other_shapes))
    cases.append(("a pickle in place of the run", RUN, _run_is_a_pickle))
    for room, files in CACHED.items():
        for name in (*files, "manifest.json"):
            for manner, make in {"a pickle": _pickle, "an array of objects": _object_array}.items():
                vouched = partial(_replace_file, name, make, new_manifest=name not in UNREAD)
                cases.append((f"{manner} named {name} among the {room}", room, vouched))
    huge = partial(_replace_file, "offsets.npy", _huge_array)
    cases.append(("a huge array named offsets.npy", "tokens", huge))
    deep = partial(_replace_file, "lessons.jsonl", _deep_json)
    cases.append(("lessons.jsonl 100,000 deep", "lessons", deep))
    return cases


def _replace_file(name: str, make: Make, run: Path, canary: Path, *, new_manifest: bool = True) -> None:
    """Replace a file. With `new_manifest` the manifest lists the new content."""
    (run / name).write_bytes(make((run / name).read_bytes(), canary))
    if new_manifest:
        storage.write_manifest(run)


def _pickle(whole: bytes, canary: Path) -> bytes:
    return pickle.dumps(Canary(canary))


def _deep_json(whole: bytes, canary: Path) -> bytes:
    return b'{"files": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def _deep_toml(whole: bytes, canary: Path) -> bytes:
    return b"a = " + b"[" * 100_000 + b"]" * 100_000


def _no_text(whole: bytes, canary: Path) -> bytes:
    return whole + b"\xff\xfe"


def _content(content: bytes, whole: bytes, canary: Path) -> bytes:
    return content


def _link(added: bytes, name: str, run: Path, canary: Path) -> None:
    elsewhere = run.parent / "elsewhere"
    elsewhere.write_bytes((run / name).read_bytes() + added)
    (run / name).unlink()
    (run / name).symlink_to(elsewhere)


def _points_outside(run: Path, canary: Path) -> None:
    entries = json.loads((run / "manifest.json").read_text())["files"]
    name, entry = entries.popitem()
    (run / name).rename(run.parent / name)
    (run / "manifest.json").write_bytes(storage.dump_json({"files": entries | {f"../{name}": entry}}))


def _surrogates(run: Path, canary: Path) -> None:
    entries = json.loads((run / "manifest.json").read_text())["files"]
    text = json.dumps({"files": entries | {"\ud800": {"sha256": "\udfff", "bytes": 1}}}, indent=2) + "\n"
    (run / "manifest.json").write_text(text)


UNREAD = ("manifest.json", "metrics.jsonl")  # the first is not in itself, the second is only hashed
HUGE = {
    "hidden": "1000000000",
    "embedding": "1000000000",
    "layers": "16",
    "members": "16",
    "encoder": '"attention_fusion"',
    "size": "1",
}


def _configure(key: str, value: str, run: Path, canary: Path) -> None:
    lines = (run / "config.toml").read_text().splitlines()
    changed = [f"{key} = {value}" if line.startswith(f"{key} = ") else line for line in lines]
    if key == "hidden":  # the scale of the gradient and the vocabulary keep their sizes
        changed.append("")
    (run / "config.toml").write_text("\n".join(changed) + "\n")
    storage.write_manifest(run)


def _other_shapes(run: Path, canary: Path) -> None:
    tensors = safetensors.torch.load((run / "state.safetensors").read_bytes())
    changed = {name: torch.zeros(3) if "exp_avg" in name else value for name, value in tensors.items()}
    (run / "state.safetensors").write_bytes(safetensors.torch.save(changed))
    storage.write_manifest(run)


def _run_is_a_pickle(run: Path, canary: Path) -> None:
    shutil.rmtree(run)
    torch.save(Canary(canary), run)


# --- tensor files ----------------------------------------------------------------------------------


def _file(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def _parts(whole: bytes) -> tuple[dict[str, Any], bytes]:
    length = struct.unpack("<Q", whole[:8])[0]
    return json.loads(whole[8 : 8 + length]), whole[8 + length :]


def _long_header(length: int, whole: bytes, canary: Path) -> bytes:
    return struct.pack("<Q", length) + whole[8:]


def _repeated_key(whole: bytes, canary: Path) -> bytes:
    header, data = _parts(whole)
    text = json.dumps(header)
    name, entry = next((name, entry) for name, entry in header.items() if name != "__metadata__")
    evil = json.dumps({name: entry | {"shape": [1], "data_offsets": [0, 4], "dtype": "F32"}})
    return _file((text[:-1] + ", " + evil[1:]).encode(), data)


def _overlapping(whole: bytes, canary: Path) -> bytes:
    header, data = _parts(whole)
    for entry in header.values():
        if "data_offsets" in entry:
            start, end = entry["data_offsets"]
            entry["data_offsets"] = [0, end - start]
    return _file(json.dumps(header).encode(), data)


def _huge_shape(whole: bytes, canary: Path) -> bytes:
    header, data = _parts(whole)
    for entry in header.values():
        if "shape" in entry:
            entry["shape"] = [10**9, 10**9]
    return _file(json.dumps(header).encode(), data)


def _outside(whole: bytes, canary: Path) -> bytes:
    header, data = _parts(whole)
    for entry in header.values():
        if "data_offsets" in entry:
            start, end = entry["data_offsets"]
            entry["data_offsets"] = [start + 2**40, end + 2**40]
    return _file(json.dumps(header).encode(), data)


def _wrong_type(whole: bytes, canary: Path) -> bytes:
    header, data = _parts(whole)
    for entry in header.values():
        if entry.get("dtype") == "F32":
            entry["dtype"] = "I32"
    return _file(json.dumps(header).encode(), data)


def _huge_array(whole: bytes, canary: Path) -> bytes:
    file = io.BytesIO()
    header = {"descr": "<i8", "fortran_order": False, "shape": (2**45,)}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + whole[-64:]


def _object_array(whole: bytes, canary: Path) -> bytes:
    path = canary.with_name("objects.npy")
    np.save(path, np.array([Canary(canary)], dtype=object), allow_pickle=True)
    return path.read_bytes()


def _torch_file(whole: bytes, canary: Path) -> bytes:
    path = canary.with_name("saved.pt")
    torch.save({"model": Canary(canary)}, path)
    return path.read_bytes()


TENSOR_FILES: dict[str, Make] = {
    "a header of 2^63 bytes": partial(_long_header, 2**63),
    "a header of 2^64 - 1 bytes": partial(_long_header, 2**64 - 1),
    "a header of 10^8 bytes": partial(_long_header, 10**8),
    "an empty header": lambda whole, canary: _file(b"{}"),
    "a header that is no JSON": lambda whole, canary: _file(b"{" * 100),
    "a header 100,000 deep": lambda whole, canary: _file(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "a key that occurs twice": _repeated_key,
    "overlapping offsets": _overlapping,
    "offsets outside": _outside,
    "a shape of 10^18": _huge_shape,
    "integers for numbers": _wrong_type,
    "an array of objects": _object_array,
    "a file of torch.save": _torch_file,
    "nothing": lambda whole, canary: b"",
}
TRIALS = len(_cases())
