"""The package: its name and version, what is built, and an installation in an empty environment."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from sentiment import __version__
from sentiment.system.versions import DISTRIBUTION, install_command

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LIBRARIES = Path(torch.__file__).parents[1]  # torch is too large to be installed for a test
LARGEST_WHEEL = 12 * 2**20  # bytes
NOBODY = 10_001
INSTALLED = re.compile(r"""pip(?:x)? install[^`'\n]*?"?([\w.-]*)\[([\w,]+)\]""")


# --- names ---------------------------------------------------------------------------------------------


def test_the_version_and_the_name_have_one_place():
    assert "version" not in PROJECT and PROJECT["dynamic"] == ["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
    assert PROJECT["name"] == DISTRIBUTION


def test_the_command_and_the_import_keep_their_name():
    assert list(PROJECT["scripts"]) == ["sentiment"]


def test_each_line_that_installs_an_extra_names_one_of_ours():
    """`pip install "sentiment[...]"` would bring a stranger's package."""
    files = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("sentiment/**/*.py")]
    found = [
        (path.name, name, extra)
        for path in files
        for name, extras in INSTALLED.findall(path.read_text(encoding="utf-8"))
        for extra in extras.split(",")
    ]
    assert len(found) >= 3
    for path, name, extra in found:
        assert name in (DISTRIBUTION, "."), path
        assert extra in PROJECT["optional-dependencies"] or extra == "{extra}", path
    assert install_command("excel") == f'pip install "{DISTRIBUTION}[excel]"'


# --- what is built -------------------------------------------------------------------------------------


def run(*command, **options):
    """Run a command that must succeed; return what it prints."""
    told = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
        **options,
    )
    assert told.returncode == 0, f"{command}\n{told.stdout}\n{told.stderr}"
    return told.stdout


def clean_environment(**changes):
    """The environment without the paths of this project, and without a compiler."""
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return kept | {"CC": "/bin/false", "CXX": "/bin/false"} | changes


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The source distribution, and the wheel that is built from it."""
    if find_spec("build") is None:
        pytest.skip("skipped: needs the package build")
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, env=clean_environment())
    return next(folder.glob("*.tar.gz")), next(folder.glob("*.whl"))


def new_environment(folder, libraries=LIBRARIES):
    """Make an environment that has nothing of ours, but finds the libraries; return its programs."""
    venv.create(folder, with_pip=True)
    (place,) = folder.glob("lib/python*/site-packages")
    if libraries:
        # Not a .pth file that runs: the editable installation of this project must stay away.
        (place / "libraries.pth").write_text(f"{libraries}\n")
    return folder / "bin"


@pytest.mark.extras
@pytest.mark.timeout(900)
def test_what_is_built_is_small_whole_and_ready_for_the_index(built):
    source, wheel = built
    assert wheel.stat().st_size <= LARGEST_WHEEL
    assert wheel.name == f"{DISTRIBUTION.replace('-', '_')}-{__version__}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    assert len(names) == len(set(names))
    wanted = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "sentiment").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    recipes = {
        f"sentiment/config/recipes/{path.relative_to(ROOT / 'configs')}"
        for path in ROOT.glob("configs/**/*.toml")
    }
    assert {name for name in names if ".dist-info/" not in name} == wanted | recipes
    with tarfile.open(source) as archive:
        inside = archive.getnames()
    assert {
        f"{wheel.name.split('-py3')[0]}/{name}" for name in ("README.md", "LICENSE", "tests/test_install.py")
    } <= set(inside)
    run(sys.executable, "-m", "twine", "check", "--strict", source, wheel)


@pytest.mark.extras
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["sdist", "wheel"])
def test_both_install_into_an_empty_environment_without_a_compiler(built, kind, tmp_path):
    programs = new_environment(tmp_path / "environment")
    environment = clean_environment(HF_HUB_OFFLINE="1", XDG_CACHE_HOME=str(tmp_path))
    package = built[kind == "wheel"]
    options = ["--only-binary", ":all:"] if kind == "wheel" else []
    run(
        programs / "pip",
        "install",
        *options,
        "--constraint",
        ROOT / "constraints.txt",
        package,
        env=environment,
    )
    away = {"cwd": tmp_path, "env": environment}
    assert run(programs / "sentiment", "--version", **away).strip() == __version__
    assert run(programs / "sentiment", "predict", "What a film!", **away).startswith("positive")
    assert "parameters" in run(programs / "sentiment", "inspect", "imdb-fast", **away)  # recipes are inside
    # Whoever has the package gets its extras by name; no index is asked for the name.
    line = shlex.split(install_command("excel"))
    told = run(programs / line[0], *line[1:], "--dry-run", "--no-index", **away)
    assert "Would install lstm" not in told


@pytest.mark.extras
@pytest.mark.timeout(900)
def test_no_library_needs_a_compiler(tmp_path):
    """torch is left out: it would take gigabytes."""
    names = [
        re.split(r"[<>=,\[]", line)[0] for line in PROJECT["dependencies"] if not line.startswith("torch>")
    ]
    pins = {
        re.split("==", line)[0].lower().replace("_", "-"): line
        for line in (ROOT / "constraints.txt").read_text().split()
    }
    wanted = [pins[name.lower().replace("_", "-")] for name in names]
    programs = new_environment(tmp_path / "environment", libraries=None)
    run(programs / "pip", "install", "--dry-run", "--no-deps", "--only-binary", ":all:", *wanted)


@pytest.mark.extras
@pytest.mark.timeout(900)
def test_pipx_installs_the_command(built, tmp_path):
    if find_spec("pipx") is None:
        pytest.skip("skipped: needs the package pipx")
    places = {"PIPX_HOME": str(tmp_path / "pipx"), "PIPX_BIN_DIR": str(tmp_path / "bin")}
    # pipx looks at every library that it has installed, so none can be left out.
    environment = clean_environment(**places, PIP_CONSTRAINT=str(ROOT / "constraints.txt"))
    run(sys.executable, "-m", "pipx", "install", built[1], env=environment)
    assert (
        run(tmp_path / "bin" / "sentiment", "--version", env=environment, cwd=tmp_path).strip() == __version__
    )


# --- the image -----------------------------------------------------------------------------------------


def read_steps(text):
    """The instructions of a Dockerfile, in order: the word and the rest."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


STEPS = read_steps((ROOT / "Dockerfile").read_text())
KNOWN_STEPS = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "ENV", "ENTRYPOINT", "CMD"}


def test_the_image_has_the_versions_of_the_constraints():
    torch_line = re.search(r"^torch==\S+", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert f"pip install --no-cache-dir {torch_line[0]} " in (ROOT / "Dockerfile").read_text()


def test_the_image_runs_as_nobody_without_a_network():
    assert {word for word, _ in STEPS} <= KNOWN_STEPS
    assert ("USER", f"{NOBODY}:{NOBODY}") in STEPS
    assert any(word == "ENV" and "HF_HUB_OFFLINE=1" in rest for word, rest in STEPS)


class Image:
    """What the steps of a Dockerfile make, in folders of this machine and an environment of pip."""

    def __init__(self, folder, programs):
        self.folder, self.programs = folder, programs
        self.place, self.variables, self.line = folder, {}, []

    def at(self, path):
        """Return where a path of the image is here."""
        return self.folder / path.lstrip("/") if path.startswith("/") else self.place / path

    def follow(self, word, rest):
        """Carry out one step."""
        if word == "WORKDIR":
            self.place = self.at(rest)
            self.place.mkdir(parents=True, exist_ok=True)
        elif word == "ENV":
            pairs = dict(pair.split("=", 1) for pair in shlex.split(rest))
            self.variables |= {
                key: str(self.at(value)) if value.startswith("/") else value for key, value in pairs.items()
            }
        elif word == "COPY":
            *sources, target = [part for part in rest.split() if not part.startswith("--from=")]
            base = self.folder if "--from=" in rest else ROOT
            for source in sources:
                self._copy(base / source.lstrip("/"), self.at(target))
        elif word == "RUN":
            path = os.pathsep.join([str(self.programs), "/usr/bin", "/bin"])
            run("bash", "-euc", rest, cwd=self.place, env=clean_environment(PATH=path))
        elif word in ("ENTRYPOINT", "CMD"):
            self.line += [part.strip('"') for part in rest.strip("[]").split(", ")]

    def _copy(self, source, target):
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy(source, target)


@pytest.mark.extras
@pytest.mark.timeout(900)
@pytest.mark.skipif(os.geteuid() != 0, reason="skipped: only root may mount file systems")
def test_the_steps_of_the_image_make_a_command_that_works_read_only_offline_and_as_nobody(tmp_path):
    image = Image(tmp_path, new_environment(tmp_path / "environment"))
    for word, rest in STEPS:
        image.follow(word, rest)
    (tmp_path / "tmp").mkdir()
    (image.place / "reviews.csv").write_text("text\nWhat a lovely film.\n")
    capability = "-all,+dac_read_search"  # Python may be in a folder that only root can enter
    inside = (
        'mount --make-rprivate / && mount -t tmpfs tmpfs "$TMPDIR" && mount -o remount,ro,bind / && '
        f'chmod 1777 "$TMPDIR" && exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups '
        f'--inh-caps {capability} --ambient-caps {capability} "$@"'
    )
    wall = ["unshare", "--net", "--mount", "bash", "-c", inside, "bash"]
    environment = {
        "PATH": os.pathsep.join([str(image.programs), "/usr/bin", "/bin"]),
        "TMPDIR": str(tmp_path / "tmp"),
        "HOME": "/",  # what Docker sets for a user without an account
        **image.variables,
    }

    def in_image(*command):
        return run(*wall, *command, cwd=image.place, env=environment)

    assert "Usage: sentiment" in in_image(*image.line)
    assert in_image(image.line[0], "predict", "What a film!").startswith("positive")
    assert in_image(image.line[0], "predict", "--file", "reviews.csv").startswith("positive")
    told = in_image("bash", "-c", "touch here 2>&1; id -u")
    assert "Read-only file system" in told and told.split()[-1] == str(NOBODY)
