"""Predict with a file of `sentiment export`, without torch and without spaCy.

pip install numpy onnxruntime
python predict_onnx.py model.onnx "What a film!"
python predict_onnx.py model.onnx < texts.txt        # one text a line, one answer a line
"""

import json
import re
import sys
import unicodedata

import numpy as np
import onnxruntime

UNKNOWN = 1  # the id of a word that the model does not know; 0 is padding


class Normaliser:
    """Plain signs, no markup, single spaces."""

    def __init__(self, rules):
        self.rules = rules
        self.signs = str.maketrans(rules["signs"])

    def __call__(self, text):
        for _ in range(self.rules["passes"]):
            before, text = text, self.once(text)
            if text == before:
                return text
        return self.once(re.sub(self.rules["unfinished"]["python"], " ", text))

    def once(self, text):
        for rule in self.rules["invisible"]:
            text = re.sub(rule["pattern"]["python"], rule["by"], text)
        text = unicodedata.normalize("NFC", text) if self.rules["nfc"] else text
        text = re.sub(self.rules["markup"]["python"], " ", text.translate(self.signs))
        text = re.sub(self.rules["entities"]["pattern"]["python"], self.decode, text)
        text = re.sub(self.rules["space"]["python"], " ", text).strip(" ")
        return re.sub(self.rules["long_run"]["python"], r"\g<0> ", text)

    def decode(self, match):
        entities, name = self.rules["entities"], match[1]
        if name[0] != "#":
            return entities["names"].get(name, match[0])
        number = int(name[2:-1], 16) if name[1] in "xX" else int(name[1:-1])
        if 0xD800 <= number < 0xE000 or number > 0x10FFFF:
            return entities["no_character"]
        return entities["numbers"].get(str(number), chr(number))


class Tokenizer:
    """spaCy's algorithm, with the rules of the file."""

    def __init__(self, rules):
        names = ("token", "prefix", "suffix", "infix", "url")
        self.patterns = {name: re.compile(rules[name]["python"]) for name in names}
        self.words, self.phrases = rules["words"], {" ".join(phrase) for phrase in rules["phrases"]}
        self.longest = max(map(len, rules["phrases"]), default=0)

    def __call__(self, text):
        tokens, spaces = [], []  # spaces: whether there is a space behind each token
        for span in filter(None, text.split(" ")):
            found = self.split(span)
            tokens += found
            spaces += [False] * (len(found) - 1) + [True]
        return self.join_phrases(tokens, spaces)

    def split(self, span):
        before, after, last = [], [], 0
        while (
            span and len(span) != last and span not in self.words and not self.patterns["token"].match(span)
        ):
            last = len(span)
            prefix = len(self.search("prefix", span))
            suffix = 0 if span[prefix:] in self.words else len(self.search("suffix", span[prefix:]))
            prefix = 0 if suffix and span[: last - suffix] in self.words else prefix
            suffix = 0 if prefix + suffix > last else suffix
            before += [span[:prefix]] if prefix else []
            after += [span[last - suffix :]] if suffix else []
            span = span[prefix : last - suffix]
        return before + (self.split_middle(span) if span else []) + after[::-1]

    def split_middle(self, span):
        if span in self.words:
            return self.words[span]
        if self.patterns["token"].match(span) or self.patterns["url"].match(span):
            return [span]
        parts, start = [], 0
        for match in self.patterns["infix"].finditer(span):
            if match.start():
                parts += [span[start : match.start()], match[0]]
                start = match.end()
        return [part for part in [*parts, span[start:]] if part]

    def search(self, name, span):
        match = self.patterns[name].search(span)
        return match[0] if match else ""

    def join_phrases(self, tokens, spaces):
        """Put words such as `:)` together again that the patterns have cut, the longest first."""
        spans = [
            (size, -start)
            for start in range(len(tokens))
            for size in range(1, min(self.longest, len(tokens) - start) + 1)
            if " ".join(tokens[start : start + size]) in self.phrases
        ]
        ends, seen = {}, set()
        for size, start in sorted(spans, reverse=True):
            span = range(-start, size - start)
            if span[0] not in seen and span[-1] not in seen:
                ends[span[0]] = span[-1] + 1
            seen.update(span)
        joined, place = [], 0
        while place < len(tokens):
            end = ends.get(place, place + 1)
            word = "".join(tokens[at] + " " * spaces[at] for at in range(place, end)).rstrip(" ")
            joined += self.words.get(word, tokens[place:end]) if place in ends else tokens[place:end]
            place = end
        return joined


def shape(token):
    """`Tests` is `Xxxxx`, `1999` is `dddd`: a sign is repeated four times at most."""
    if len(token) >= 100:
        return "LONG"
    signs = ["xX"[sign.isupper()] if sign.isalpha() else "d" if sign.isdigit() else sign for sign in token]
    return re.sub(r"(?s)(.)\1{3,}", lambda match: match[1] * 4, "".join(signs))


VIEWS = {
    "form": str,
    "lower": str.lower,
    "prefix": lambda token: token[0],
    "suffix": lambda token: token[-3:],
    "shape": shape,
}


def meant(word, known):
    """The id of the most frequent known word that an unknown one may be a slip of."""
    if not re.fullmatch("[a-z]+", word):
        return UNKNOWN
    if re.search(r"(.)\1\1", word):
        for kept in (r"\1\1", r"\1"):
            if (shorter := re.sub(r"(.)\1{2,}", kept, word)) in known:
                return known[shorter]
        word = re.sub(r"(.)\1{2,}", r"\1\1", word)
    meant, size = set(), len(word)
    for at in range(1, size):
        before, letter, after = word[:at], word[at], word[at + 1 :]
        meant |= {before + after} if letter == word[at - 1] or size > 7 else set()
        meant |= {before + vowel + after for vowel in "aeiouy" if letter in "aeiouy" and size >= 7}
        meant |= {before + after[0] + letter + after[1:]} if after else set()
    for at in range(1, size + 1):
        added = "abcdefghijklmnopqrstuvwxyz" if size >= 7 else word[at - 1]
        meant |= {word[:at] + letter + word[at:] for letter in added}
    return min((known[one] for one in meant if len(one) >= 4 and one in known), default=UNKNOWN)


class Model:
    """A file of `sentiment export`."""

    def __init__(self, path):
        self.session = onnxruntime.InferenceSession(path)
        self.about = json.loads(self.session.get_modelmeta().custom_metadata_map["sentiment"])
        self.limits = self.about["head"], self.about["tail"]
        self.normalise, self.tokenize = Normaliser(self.about["text"]), Tokenizer(self.about["tokenizer"])
        self.channels = [
            {word: id for id, word in enumerate(channel["words"]) if id > UNKNOWN}
            for channel in self.about["channels"]
        ]

    def id(self, number, token, as_written=False):
        """The id of a token in a channel."""
        rules, known = self.about["channels"][number], self.channels[number]
        word = VIEWS[rules["view"]](token)
        found = known.get(word, UNKNOWN)
        return meant(word, known) if found == UNKNOWN and rules["misspelt"] and not as_written else found

    def predict(self, texts):
        """Return a label and the probability of each class, text by text; no text may be empty."""
        reviews, head, tail = [self.tokenize(self.normalise(text)) for text in texts], *self.limits
        if head + tail:
            reviews = [tokens[:head] + tokens[max(head, len(tokens) - tail) :] for tokens in reviews]
        lengths = np.array([len(tokens) for tokens in reviews])
        ids = np.zeros((len(texts), max(lengths), len(self.channels)), dtype=np.int64)
        for row, tokens in enumerate(reviews):
            ids[row, : len(tokens)] = [
                [self.id(number, token) for number in range(len(self.channels))] for token in tokens
            ]
        given = {"tokens": ids if len(self.channels) > 1 else ids[:, :, 0], "lengths": lengths}
        (found,) = self.session.run(["probabilities"], given)
        return [self.answer(*each) for each in zip(reviews, ids, found.tolist(), strict=True)]

    def answer(self, tokens, ids, probabilities):
        classes, rules = self.about["classes"], self.about["unreadable"]
        is_second = probabilities[1] > self.about["threshold"]
        label = classes[is_second if len(classes) == 2 else int(np.argmax(probabilities))]
        if self.is_unreadable(tokens, ids[: len(tokens), rules["channel"]].tolist()):
            label = rules["label"]
        return {"label": label, "probabilities": dict(zip(classes, probabilities, strict=True))}

    def is_unreadable(self, tokens, ids):
        """Whether the model knows next to none of the words, as in a text in another language."""
        rules, kinds, words = self.about["unreadable"], list(map(kind, tokens)), {}
        for token, id, found in zip(tokens, ids, kinds, strict=True):
            if found == (2 if 2 in kinds else 1):
                written = self.id(rules["channel"], token, as_written=True)
                words.setdefault(written if written > UNKNOWN else token, (token.lower(), id, written))
        known = sum(id > UNKNOWN for _, id, _ in words.values())
        common = {id for *_, id in words.values() if UNKNOWN < id <= UNKNOWN + rules["common_words"]}
        foreign = sum(word in rules["function_words"] and id not in common for word, _, id in words.values())
        return known == 0 or len(words) - known + foreign > len(common) + 1


def kind(token):
    """0 is punctuation, 1 a number, an emoji or an emoticon, 2 a word."""
    if any(map(str.isalpha, token)):
        return 2
    is_emoji = any(sign > "\x7f" and unicodedata.category(sign)[0] == "S" for sign in token)
    return int(is_emoji or len(set(token)) > 1 or any(map(str.isdigit, token)))


if __name__ == "__main__":
    model = Model(sys.argv[1])
    for text in sys.argv[2:] or map(str.strip, sys.stdin):
        print(json.dumps(model.predict([text])[0]))
