"""Texts that are hard to cut: bits of them joined at random, always the same ones."""

import random

from sentiment.data.text import why_unreadable
from sentiment.data.tokenizer import load_language

# ruff: noqa: RUF001, SIM905
WORDS = """
    this film was great awful I do not like it The movie's best Bob's they're o'clock U.S. cannot gonna
""".split()
BITS = [
    *r"""
    . ... - -- ' " ( ) <br /> <3 <b> </i> &amp; &#39; &#x27; &lt;b&gt; &amp;amp;lt; &nope; &#xD800; & < >
    &#1234567; &#128; &#0; http://www.x.com/a?b=c a@b.co.uk 10.5km $5 5$ US$3 € 3,000 1/2 ½ ² C++ e.g. DON’T
    “hi” — – é İstanbul ſ ß ẞ ΣΑΣ ǅ Ⓐ 👍🏽 👨‍👩‍👧 ❤️ 😀 日本語 привет !!!! ?! *_* _it_ #tag @you a.b a..b km²
    word-word word--word 1999-2001 10% 100°C. __proto__ constructor toString ^ [ ] { } | \ / ~ ` = + %
    """.split(),
    *[" ", "  ", "\n", "e\u0301", "\u200b", "\u200d", "\u00ad", "\ufeff", "\x1c", "\x85", "\u3000", "\x00"],
    "x" * 230,
]
SIGNS = " .,:;()-'\"!?<>=/*_#&%$0123abcXYZ’…"


def hard_texts(count):
    """Return texts; every one has something to read."""
    chance = random.Random(5)
    bits = [*BITS, *filter(str.strip, load_language("en").tokenizer.rules)]
    makers = [
        lambda: (
            chance.choice(bits) if chance.random() < 0.5 else chance.choice(WORDS) + chance.choice([" ", ""])
        ),
        lambda: chance.choice(SIGNS),
        lambda: chr(chance.choice([chance.randint(33, 0x17F), chance.randint(0, 0xD7FF), 32])),
    ]
    texts = ["".join(makers[place % 3]() for _ in range(chance.randint(1, 14))) for place in range(count)]
    return [text for text in texts if why_unreadable(text) is None]
