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


def test_lessons_are_written_to_a_file(command, tmp_path, write_rows):
    source = write_rows(tmp_path / "reviews.jsonl", reviews(40, ["dull", "superb"]))
    asked = (
        "prepare",
        "small",
        "--data",
        source,
        "--set",
        "lessons.everyday=2",
        "--lessons",
        "lessons.jsonl",
    )
    code, stdout, stderr = command(*asked, cwd=tmp_path)
    assert code == 0
    assert "lessons: 72 everyday" in stdout
    assert "72 lessons written to lessons.jsonl" in stderr
    lines = [json.loads(line) for line in (tmp_path / "lessons.jsonl").read_text().splitlines()]
    assert [*lines[0]] == ["kind", "text", "label", "original"]
    assert {line["label"] for line in lines} <= {0.0, 0.5, 1.0}
    assert_one_error(command(*asked, cwd=tmp_path), 2, "lessons.jsonl exists", "--force")
    assert json.loads(command(*asked, "--force", "--json", cwd=tmp_path)[1])["lessons"] == {"everyday": 72}


def test_without_lessons_none_are_written(command, tmp_path, write_rows):
    source = write_rows(tmp_path / "reviews.jsonl", reviews(40, ["dull", "superb"]))
    result = command("prepare", "small", "--data", source, "--lessons", "lessons.jsonl", cwd=tmp_path)
    assert_one_error(result, 2, "no lessons", "--set lessons.everyday=1")
    assert not (tmp_path / "lessons.jsonl").exists()


def test_a_misspelt_folder_ends_with_3_and_the_right_name(command, tmp_path, write_rows):
    write_rows(tmp_path / "data" / "imdb" / "train.jsonl", reviews(8, ["dull", "bright"]))
    result = command("prepare", "--data", "data/imbd", cwd=tmp_path)
    assert_one_error(result, 3, "no reviews at data/imbd", "did you mean data/imdb?")
