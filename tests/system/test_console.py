"""Nothing that is printed for people controls the terminal or forges a line."""

import os
import unicodedata
import warnings

import pytest

from sentiment.system import console

EVIL = "a\x1b[2J\x9b1mb\x07\x7f\u202ec\u2066\u2028d\r" + os.fsdecode(b"\xff")
TAMED = r"a\x1b[2J\x9b1mb\x07\x7f\u202ec\u2066\u2028d \xff"


def is_safe(text):
    """Return whether a terminal shows every character of a text as itself, line after line."""
    categories = {"Cc", "Zl", "Zp", "Cs"}
    directions = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return not any(
        unicodedata.category(one) in categories or unicodedata.bidirectional(one) in directions
        for one in text
        if one not in "\t\n"
    )


def test_every_character_that_controls_a_terminal_is_escaped():
    every = "".join(map(chr, [*range(0x3000), *range(0xD800, 0xE000)]))
    assert is_safe("".join(map(chr, [*range(0x3000, 0xD800), *range(0xE000, 0x10000)])))
    assert not is_safe(every) and is_safe(console.escape(every))
    printable = "".join(one for one in every if one.isprintable()) + "\t\n\u200d"
    assert console.escape(printable) == printable


def test_a_message_is_one_line_on_stderr(capsys):
    console.say(f"{EVIL}\nerror: forged")
    console.say_error(f" {EVIL} \n  two  spaces\n")
    console.say_warnings_of_libraries()
    warnings.showwarning(UserWarning(EVIL), UserWarning, "library.py", 1)
    assert capsys.readouterr().err.splitlines() == [
        rf"{TAMED} error: forged",
        rf"error: {TAMED} two  spaces",
        rf"warning: {TAMED}",
    ]


def test_a_result_keeps_its_lines_and_tabs(capsys):
    console.show(f"one\t{EVIL}\ntwo")
    tamed = TAMED.replace("d ", r"d\x0d")
    assert capsys.readouterr().out == f"one\t{tamed}\ntwo\n"


def test_json_stays_as_it_is(capsys):
    console.show_json({"text": "a\x1b\u202e"})
    assert capsys.readouterr().out == '{"text": "a\\u001b\\u202e"}\n'


def test_a_traceback_and_a_progress_bar_are_escaped(capsys, monkeypatch):
    try:
        raise ValueError(EVIL)
    except ValueError:
        console.say_traceback()
    assert "Traceback" in (printed := capsys.readouterr().err) and is_safe(printed)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with console.progress_bar(EVIL, 3, "reviews", initial=1):
        pass
    printed = capsys.readouterr().err
    assert "1/3" in printed and is_safe(printed.replace("\r", ""))


@pytest.mark.parametrize("name", ["plain.csv", "caf\u00e9 \u6f22\U0001f600", "a\\b"])
def test_ordinary_names_are_printed_as_they_are(name):
    assert console.escape_line(name) == name


def test_nothing_is_shown_inside_a_quiet_block_and_all_again_after_it(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with pytest.raises(ValueError, match="stop"), console.quiet():
        console.say("one")
        with console.progress_bar("two", 3, "reviews") as bar:
            bar.update(3)
        raise ValueError("stop")
    assert capsys.readouterr() == ("", "")
    console.say("three")
    with console.progress_bar("four", 3, "reviews"):
        pass
    printed = capsys.readouterr().err
    assert "three" in printed and "four" in printed
