"""Trials of campaign 18: data folders of strangers that name files outside, or addresses."""

import json
import shutil
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow
import pyarrow.ipc

from .bench import Bench
from .names import Check

Build = Callable[[Path, Path, str], str]
"""Makes a data folder that leads to the file of somebody else, or to the address; returns what is named."""

ROWS = "text,label\n" + "".join(f"take {number},{number % 2}\n" for number in range(20))


def _refuse_folder(build: Build, bench: Bench, place: Path) -> None:
    """Check that the folder is refused with the name of its list, and that nobody asked the network."""
    folder, secret = place / "data", place / "secret.csv"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "1.csv").write_text(ROWS)
    secret.write_text(ROWS)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/secret.csv"
        named = build(folder, secret, address)
        ended = bench.fork("prepare", "--data", folder, output=place / "output").wait(patience=60)
        try:
            server.accept()
        except BlockingIOError:
            pass
        else:
            raise AssertionError("the network was asked")
    ended.assert_code(3)
    assert named in ended.error, f"{named} is not named in {ended.error}"


def _name_in_card(entry: str, folder: Path, secret: Path, address: str) -> str:
    named = entry.replace("SECRET", str(secret)).replace("ADDRESS", address)
    files = [{"split": "train", "path": "a/*"}, {"split": "test", "path": ["a/*", named]}]
    card = {"configs": [{"config_name": "default", "data_files": files}]}
    (folder / "README.md").write_text(f"---\n{json.dumps(card)}\n---\n")
    return f"{folder / 'README.md'} names {named[:20]}"


def _name_in_state(folder: Path, secret: Path, address: str) -> str:
    _save(folder)
    state = folder / "train" / "state.json"
    shutil.move(folder / "train" / "data.arrow", secret.with_name("secret.arrow"))
    state.write_text(json.dumps({"_data_files": [{"filename": "../../secret.arrow"}]}))
    return f"{state} names ../../secret.arrow"


def _name_in_splits(folder: Path, secret: Path, address: str) -> str:
    _save(folder)
    (folder / "train").rename(secret.with_name("theirs"))
    (folder / "dataset_dict.json").write_text('{"splits": ["../theirs"]}')
    return f"{folder / 'dataset_dict.json'} names ../theirs"


def _link_folder(name: str, folder: Path, secret: Path, address: str) -> str:
    (secret.parent / "theirs" / "pos").mkdir(parents=True)
    (secret.parent / "theirs" / "pos" / "1.csv").write_text(ROWS)
    (secret.parent / "theirs" / "pos" / "1.txt").write_text("mine")
    (folder / name).symlink_to(secret.parent / "theirs")
    return str(folder / name)


def _save(folder: Path) -> None:
    """Write what `save_to_disk` writes, without its threads: the campaign forks."""
    split = folder / "train"
    split.mkdir()
    rows = pyarrow.table({"text": [f"take {n}" for n in range(20)], "label": [n % 2 for n in range(20)]})
    with pyarrow.ipc.new_stream(split / "data.arrow", rows.schema) as stream:
        stream.write_table(rows)
    (split / "state.json").write_text('{"_data_files": [{"filename": "data.arrow"}]}')
    (folder / "dataset_dict.json").write_text('{"splits": ["train"]}')


ENTRIES = ("SECRET", "../secret.csv", "a/../../*.csv", "file://SECRET", "ADDRESS", "zip://*::ADDRESS")
BUILDS: list[tuple[int, str, Build]] = [
    *((18, f"README.md names {entry}", partial(_name_in_card, entry)) for entry in ENTRIES),
    (19, "state.json names a file outside", _name_in_state),
    (19, "dataset_dict.json names a folder outside", _name_in_splits),
    (20, "a link to a folder", partial(_link_folder, "b")),
    (20, "a split is a link", partial(_link_folder, "train")),
    (20, "a class is a link", partial(_link_folder, "pos")),
]
OUTSIDE: list[tuple[int, str, Check]] = [
    (row, name, partial(_refuse_folder, build)) for row, name, build in BUILDS
]
