"""The examples in Python and JavaScript cut texts as spaCy does, and give the labels of `predict`."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sentiment
from sentiment.data.text_rules import PARTS, TextRules, normalise
from sentiment.data.tokenizer import shared_tokenizer
from sentiment.data.vocabulary import VIEWS
from sentiment.data.words import token_kinds
from tests.exporting.conftest import EXAMPLES
from tests.exporting.texts import hard_texts

RULES = [TextRules(), TextRules(version=1, **dict.fromkeys(PARTS, False))]
FOREIGN = ["Der Film war sehr langweilig und viel zu lang.", "😀😀😀", "...", "Это очень плохой фильм."]
SLIPS = [
    "a brihgt film",
    "this fillm was awfull",
    "lovelly",
    "liivelyyy",
    "aawwwful and dulll",
    "fllm",
    "dalll",
]
MODULES = Path(os.environ.get("NODE_MODULES", "node_modules")).resolve()


def tokens_of(texts, rules):
    tokens = shared_tokenizer(rules).tokenize_and_forget(texts)
    return [[tokens.forms[id] for id in tokens[row]] for row in range(len(texts))]


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: f"version {rules.version}")
def test_the_example_in_python_cuts_texts_as_we_do(example, rules):
    from sentiment.exporting.text_rules import describe_normalising, describe_tokenizer

    shorten = example.Normaliser(json.loads(json.dumps(describe_normalising(rules))))
    cut = example.Tokenizer(json.loads(json.dumps(describe_tokenizer("en"))))
    texts = hard_texts(250)
    assert [shorten(text) for text in texts] == [normalise(text, rules) for text in texts]
    expected = tokens_of(texts, rules)
    assert [cut(shorten(text)) for text in texts] == expected
    forms = sorted({form for tokens in expected for form in tokens})
    for name, view in VIEWS.items():
        assert [example.VIEWS[name](form) for form in forms] == [view(form) for form in forms]
    assert [example.kind(form) for form in forms] == [min(2, kind) for kind in token_kinds(forms).tolist()]


def test_the_example_in_python_gives_the_labels_of_a_run(example, run, tmp_path):
    sentiment.export_onnx(run, tmp_path / "model.onnx")
    texts = ["take 3 of this film was dull and awful", "bright, lovely", *hard_texts(30), *FOREIGN, *SLIPS]
    found = example.Model(str(tmp_path / "model.onnx")).predict(texts)
    expected = sentiment.load(run).predict(texts)
    assert [answer["label"] for answer in found] == [prediction.label for prediction in expected]
    for answer, prediction in zip(found, expected, strict=True):
        assert answer["probabilities"] == pytest.approx(prediction.probabilities, abs=1e-5)


@pytest.mark.parametrize("name", ["predict_onnx.py", "predict_onnx.mjs"])
def test_an_example_is_short_and_needs_nothing_of_ours(name):
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    assert text.count("\n") <= 240
    assert not any(
        line.lstrip().startswith(("import sentiment", "from sentiment", "import spacy"))
        for line in text.splitlines()
    )


def require_node(folder):
    """Copy the example into a folder with onnxruntime-web, which npm installs unless NODE_MODULES has it."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("needs node and npm")
    shutil.copy(EXAMPLES / "predict_onnx.mjs", folder)
    if (MODULES / "onnxruntime-web").is_dir():
        (folder / "node_modules").symlink_to(MODULES)
        return
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "onnxruntime-web"]
    if subprocess.run(command, cwd=folder, capture_output=True).returncode:
        pytest.skip("needs onnxruntime-web, which npm cannot install here")


def lines_of(command, texts, folder):
    """Run an example on texts; return its answers."""
    done = subprocess.run(
        command, cwd=folder, input="\n".join(texts), capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.extras
@pytest.mark.timeout(900)
def test_both_examples_give_the_labels_of_the_shipped_model(tmp_path):
    require_node(tmp_path)
    sentiment.export_onnx("shipped", tmp_path / "model.onnx")
    reviews = (Path(sentiment.__file__).parent / "data" / "sample" / "test.jsonl").read_text(encoding="utf-8")
    texts = [json.loads(line)["text"] for line in reviews.splitlines()[:40]] + FOREIGN
    texts += SLIPS
    texts += [" ".join(text.split()) for text in hard_texts(90) if "\x00" not in text and text.isprintable()]
    expected = sentiment.load().predict(texts)
    assert len(texts) >= 90
    for command in (["node", "predict_onnx.mjs"], [sys.executable, str(EXAMPLES / "predict_onnx.py")]):
        found = lines_of([*command, "model.onnx"], texts, tmp_path)
        assert [answer["label"] for answer in found] == [prediction.label for prediction in expected]
        for answer, prediction in zip(found, expected, strict=True):
            assert answer["probabilities"] == pytest.approx(prediction.probabilities, abs=1e-5)


COMPARE = """
import { readFileSync } from "node:fs";
import { Normaliser, Tokenizer, views } from "./predict_onnx.mjs";
const given = JSON.parse(readFileSync("given.json", "utf8"));
const [normaliser, tokenizer] = [new Normaliser(given.text), new Tokenizer(given.tokenizer)];
const seen = views(new RegExp(given.digits, "u"));
const answer = given.texts.map((text) => tokenizer.tokenize(normaliser.normalise(text)));
const forms = given.forms.map((form) => Object.values(seen).map((view) => view(form)));
console.log(JSON.stringify([answer, forms]));
"""


@pytest.mark.extras
@pytest.mark.timeout(900)
@pytest.mark.parametrize("rules", RULES, ids=lambda rules: f"version {rules.version}")
def test_the_example_in_javascript_cuts_texts_as_we_do(rules, tmp_path):
    from sentiment.exporting.text_rules import describe_normalising, describe_tokenizer, digits

    require_node(tmp_path)
    texts = hard_texts(3000)
    expected = tokens_of(texts, rules)
    forms = sorted({form for tokens in expected for form in tokens})
    given = {
        "text": describe_normalising(rules),
        "tokenizer": describe_tokenizer("en"),
        "digits": digits(),
        "texts": texts,
        "forms": forms,
    }
    (tmp_path / "given.json").write_text(json.dumps(given), encoding="utf-8")
    (tmp_path / "compare.mjs").write_text(COMPARE, encoding="utf-8")
    (answer,) = lines_of(["node", "compare.mjs"], [], tmp_path)
    assert answer[0] == expected
    views = [VIEWS[name] for name in ("form", "lower", "prefix", "suffix", "shape")]
    assert answer[1] == [[view(form) for view in views] for form in forms]
