"""`sentiment prepare`: figures on stdout, warnings on stderr."""

import json

from tests.helpers import assert_one_error, reviews


def test_far_fewer_reviews_held_out_than_asked_for_give_a_warning(command, tmp_path, write_rows):
    rows = reviews(2_400, ["dull", "bright"])
    for number, row in enumerate(rows):
        row.pop("film")
        if number % 48 == 0 and number < 1_560:
            row["text"] = "one text that ties most blocks together"
    source = write_rows(tmp_path / "reviews.jsonl", rows)
    asked = ("prepare", "imdb", "--data", source, "--threads", 1, "--set", "data.validation_share=0.5")
    code, stdout, stderr = command(*asked, "--json")
    found = json.loads(stdout)
    assert code == 0 and f"warning: {found['holdout_warning']}\n" == stderr
    assert "not the 1,200 that data.validation_share asks for" in stderr
    assert command(*asked, "--set", "data.validation=random")[2] == ""


def test_a_misspelt_folder_ends_with_3_and_the_right_name(command, tmp_path, write_rows):
    write_rows(tmp_path / "data" / "imdb" / "train.jsonl", reviews(8, ["dull", "bright"]))
    result = command("prepare", "--data", "data/imbd", cwd=tmp_path)
    assert_one_error(result, 3, "no reviews at data/imbd", "did you mean data/imdb?")
