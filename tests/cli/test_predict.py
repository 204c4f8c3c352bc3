"""`sentiment predict`, called in this process: every output has the same label and probability."""

import json

from sentiment.inference.predictor import Prediction
from sentiment.inference.wording import confidence_percent


def test_every_output_names_the_label_and_how_sure_the_model_is(folder, command, tmp_path):
    page = tmp_path / "page.html"
    asked = ("predict", "--run", folder / "run", "a dull film", "a lovely film")
    found = [json.loads(line) for line in command(*asked, "--json").stdout.splitlines()]
    predictions = [Prediction(**record) for record in found]
    for prediction in predictions:
        positive = prediction.probability
        assert prediction.label == ("positive" if positive > 0.5 else "negative")
        assert prediction.confidence == max(positive, 1 - positive)
    plain = command(*asked).stdout.splitlines()
    explained = command(*asked, "--explain", "--html", page).stdout.splitlines()
    html = page.read_text(encoding="utf-8")
    for number, (prediction, line) in enumerate(zip(predictions, plain, strict=True), start=1):
        percent = confidence_percent(prediction)
        label, second, notes = line.split("\t")
        assert (label, second) == (prediction.label, percent) and notes.startswith("3 tokens")
        assert line in explained
        assert f"<h2>{number}. {label}, {percent} sure</h2>" in html
