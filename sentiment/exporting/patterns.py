"""Write a regular expression of Python as one of JavaScript (with the flag `u`) that matches the same."""

import re
from typing import Any

# What Python's str.isspace and `\s` take for white space; JavaScript's `\s` differs.
SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
SYNTAX = set("^$\\.*+?()[]{}|/")
# What a class of characters means; the first is used inside of brackets, the second outside.
CLASSES = {
    "d": ("\\p{Nd}", "\\p{Nd}"),
    "w": ("\\p{L}\\p{N}_", "[\\p{L}\\p{N}_]"),
    "s": (SPACE, f"[{SPACE}]"),
    "D": ("\\P{Nd}", "\\P{Nd}"),
    "W": ("", "[^\\p{L}\\p{N}_]"),
    "S": ("", f"[^{SPACE}]"),
}
KEPT_ESCAPES = set("nrtfv")
TOKEN = re.compile(
    r"""
    (?P<wide>  \\U(?P<digits>[0-9a-fA-F]{8}))
  | (?P<code>  \\u[0-9a-fA-F]{4} | \\x[0-9a-fA-F]{2})
  | (?P<escape>\\(?P<sign>.))
  | (?P<open>  \[\^?\]?)
  | (?P<group> \(\?(?:[:=!] | <[=!]))
  | (?P<named> \(\?P<(?P<name>\w+)>)
  | (?P<other> \(\?)
  | (?P<times> \{(?P<least>\d*),?(?P<most>\d*)\})
  | (?P<greedy>[*+?}]\+)
  | (?P<char>  .)
    """,
    re.VERBOSE | re.DOTALL,
)


class NoJavaScript(ValueError):
    """A regular expression has something that JavaScript lacks, or that is not known here."""


def describe_pattern(pattern: "re.Pattern[str]") -> dict[str, Any]:
    """Return the pattern in both languages; raises NoJavaScript."""
    ignores_case = bool(pattern.flags & re.IGNORECASE)
    return {
        "python": ("(?i)" if ignores_case else "") + pattern.pattern.removeprefix("(?u)"),
        "javascript": to_javascript(pattern.pattern),
        "flags": "iu" if ignores_case else "u",
    }


def to_javascript(pattern: str) -> str:
    """Return the pattern as JavaScript reads it; raises NoJavaScript."""
    written, inside = [], False
    rest, place = pattern.removeprefix("(?u)"), 0
    while place < len(rest):
        token = TOKEN.match(rest, place)
        assert token is not None
        place = token.end()
        if inside and token.lastgroup not in ("wide", "digits", "code", "escape", "sign"):
            place = token.start() + 1
            sign = rest[token.start()]
            inside = sign != "]"
            written.append(sign)
        elif token["open"]:
            inside = True
            written.append(token["open"].replace("]", "\\]"))
        else:
            written.append(_translate(token, inside))
    return "".join(written)


def _translate(token: "re.Match[str]", inside: bool) -> str:
    if token["wide"]:
        return f"\\u{{{int(token['digits'], 16):X}}}"
    if token["escape"]:
        return _translate_escape(token["sign"], inside)
    if token["named"]:
        return f"(?<{token['name']}>"
    if token["other"] or token["greedy"]:
        raise NoJavaScript(f"{token[0]} is not known to JavaScript")
    if token["times"]:
        is_count = token["least"] or token["most"]
        return token[0].replace("{,", "{0,") if is_count else re.sub(r"[{}]", r"\\\g<0>", token[0])
    return f"\\{token[0]}" if token[0] in "{}]" else token[0]


def _translate_escape(sign: str, inside: bool) -> str:
    if sign in CLASSES:
        translated = CLASSES[sign][0 if inside else 1]
        if not translated:
            raise NoJavaScript(f"\\{sign} in brackets is not known here")
        return translated
    if sign in SYNTAX or sign in KEPT_ESCAPES or (inside and sign == "-"):
        return f"\\{sign}"
    if sign.isalnum():
        raise NoJavaScript(f"\\{sign} is not known here")
    return sign
