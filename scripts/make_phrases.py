"""Write the bundled phrases: short texts of negation and contrast with labels, the same bytes every time.

Long reviews teach little about "not" and "but", because two hundred other words show the label. With
`evidence.phrases` the n-gram evidence learns these texts. With `data.extra = "phrases"` the whole model does.
The wordings and most adjectives differ from those of the templates in sentiment/probes/. No text
is in both, or `sentiment probe` would measure memory.
"""

import itertools
import json
import random
import string
from collections.abc import Iterator
from pathlib import Path

from sentiment.probes.cases import FILES, probe_set

PHRASES = Path(__file__).resolve().parent.parent / "sentiment" / "data" / "phrases.jsonl"
SEED = 20_261

SHARED = {
    "it": ["it", "this film", "the movie", "the plot", "the acting", "the script", "the ending", "the show"],
    "really": ["really", "truly", "honestly"],
    "very": ["very", "really", "truly", "so", "quite", "incredibly"],
}
GOOD = {
    "a": [
        "good", "great", "funny", "moving", "gripping", "charming", "fresh", "smart", "memorable", "touching",
        "satisfying", "impressive", "compelling", "scary", "stylish", "heartfelt",
    ],
    "best": ["excellent", "wonderful", "brilliant", "amazing", "perfect", "terrific", "magnificent", "great"],
    "noun": ["joy", "masterpiece", "gem", "delight", "treat", "success"],
    "love": ["liked", "loved", "enjoyed", "adored", "admired"],
    "fair": [
        "the sets are lovely", "the score is impressive", "the lead looks the part", "the premise is smart",
        "the opening is funny", "the stunts are amazing", "the poster is pretty", "the director has talent",
        "it starts with a great joke", "the actors do what they can",
    ],
    "verdict": [
        "I was moved", "it is a joy to watch", "I would see it again", "it grew on me", "I adored it",
        "I laughed all the way home", "I was glued to the screen", "it works", "the rest is great",
        "I can only praise it",
    ],
    "fixed": [
        "It does not disappoint.", "It did not let me down.", "I could not look away.", "Do not miss it!",
        "I couldn't stop laughing.", "There is not a thing I would change.", "It never wears thin.",
        "No complaints from me.", "It has no weak spots.", "You can't go wrong with it.",
        "Couldn't be better.", "I never once looked at my watch.", "Nothing feels forced.",
        "I had no idea it would be this good.", "Never a false note.", "It left me wanting more.",
        "I have nothing but praise for it.", "Not to be missed.", "No other film has moved me so much.",
        "I would not have missed it for the world.",
    ],
}  # fmt: skip
BAD = {
    "a": [
        "bad", "boring", "silly", "tedious", "shallow", "lifeless", "forgettable", "messy", "stupid",
        "pointless", "lame", "flat", "tiresome", "annoying", "unconvincing",
    ],
    "best": ["terrible", "awful", "horrible", "pathetic", "worthless", "dire", "unbearable", "bad"],
    "noun": ["chore", "disaster", "mess", "bore", "letdown", "failure"],
    "love": ["disliked", "hated", "loathed", "regretted", "couldn't stand"],
    "fair": [
        "the beginning drags", "the sets look cheap", "the hero is badly cast", "the poster is ugly",
        "it is too long by ten minutes", "the accents are silly", "the opening is boring",
        "the budget shows in every frame", "the jokes in the first act are lame", "the title is awful",
    ],
    "verdict": [
        "I was bored to tears", "it is a chore to watch", "I would never see it again", "I fell asleep",
        "I left before the end", "I regret the ticket", "it does not work", "the rest is terrible",
        "I want those two hours back", "I cannot recommend it",
    ],
    "fixed": [
        "It does not work.", "It did not make me laugh once.", "I could not care less.", "Do not bother.",
        "I couldn't wait for it to be over.", "There is not a thing I would keep.", "It never gets going.",
        "No praise from me.", "It has no redeeming features.", "You can't take it seriously.",
        "Couldn't be worse.", "I never stopped looking at my watch.", "Nothing feels real.",
        "I had no idea it would be this bad.", "Never a true note.", "It left me cold.",
        "I have nothing but contempt for it.", "Not worth the ticket.", "No other film has bored me so much.",
        "I would not wish it on anyone.",
    ],
}  # fmt: skip

# Without negation. There are so many that a word occurs as often plain as negated. Otherwise the model would
# learn that "boring" is praise.
STRAIGHT = [
    "{it} is {a}.", "{it} was {very} {a}.", "{it} is {best}!", "{very} {a}.", "{a}.", "{best}!",
    "I {love} {it}.", "I {love} {it}!", "I {really} {love} it.", "what a {noun}!", "a {noun}.", "{verdict}.",
    "{it} is {a} and {best}.", "{fixed}", "I found {it} {very} {a}.", "{it} felt {a}.", "a {very} {a} film.",
    "{it} is {very} {a} and {best}.",
]  # fmt: skip
# `{name-}` is filled with a word of the opposite verdict.
TURNED = [
    "{it} is not {a-}.", "{it} wasn't {a-}.", "{it} is never {a-}.", "not {a-}.", "not at all {a-}.",
    "{it} is not {very} {a-}.", "{it} isn't {a-}, whatever they say.", "{it} is by no means {a-}.",
    "{it} is hardly {a-}.", "I would not call {it} {a-}.", "I did not find {it} {a-}.",
    "you cannot say that {it} is {a-}.", "who says that {it} is {a-}? it isn't.",
    "they said {it} was {a-}. nonsense.", "{it} is not {a-}, it is {a}.", "it's not {a-}, it's {best}!",
    # the last word counts
    "{fair-}, but {verdict}.", "{fair-}. but {verdict}.", "{fair-}. nevertheless, {verdict}.",
    "while {fair-}, {verdict}.", "{fair-}; all the same, {verdict}.", "{verdict}, although {fair-}.",
    "{verdict}, despite the fact that {fair-}.", "{it} may look {a-}, but it is {a}.",
    "I thought {it} would be {a-}. it was {best}.", "{it} begins {a-} and becomes {best}.",
    "I wanted to say I {love-} it. I {love} it.", "people say {it} is {a-}; I {love} it.",
]  # fmt: skip
MOST_OF_A_TEMPLATE = dict.fromkeys(STRAIGHT, 240) | dict.fromkeys(TURNED, 60)


def write_texts(template: str, words: dict[str, list[str]], generator: random.Random) -> Iterator[str]:
    """Fill a template with words, at most MOST_OF_A_TEMPLATE times."""
    names = [name for _, name, _, _ in string.Formatter().parse(template) if name]
    choices = list(itertools.product(*(words[name] for name in names)))
    for chosen in generator.sample(choices, min(len(choices), MOST_OF_A_TEMPLATE[template])):
        text = template.format_map(dict(zip(names, chosen, strict=True)))
        yield text[:1].upper() + text[1:]


def make_phrases() -> bytes:
    """Return the content of the file: JSON lines with text and label, both labels equally often."""
    generator = random.Random(SEED)
    rows: dict[str, int] = {}
    for template in MOST_OF_A_TEMPLATE:
        for label, own, other in ((1, GOOD, BAD), (0, BAD, GOOD)):
            words = SHARED | own | {f"{name}-": values for name, values in other.items()}
            rows |= dict.fromkeys(write_texts(template, words, generator), label)
    for version in FILES:
        for text in itertools.chain.from_iterable(case.texts for case in probe_set(version).cases):
            rows.pop(text, None)
    return "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows.items()).encode()


if __name__ == "__main__":
    content = make_phrases()
    PHRASES.write_bytes(content)
    print(f"{PHRASES}: {len(content.splitlines()):,} phrases, {len(content):,} bytes")
