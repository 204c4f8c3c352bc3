"""Put negations into sentences, and take them out."""

import random
import re

from sentiment.data.lessons.sentences import Sentence
from sentiment.data.lessons.wordlist import Hit

INTENSIFIERS = (
    "very|really|so|quite|truly|absolutely|just|simply|incredibly|extremely|also|all|definitely|actually"
)
MOST_WORDS_OF_WHOLE = 14  # a longer sentence as a clause of another one is hard to read

# "was (really) (a)" at the end of what comes before the opinion word
COPULA = re.compile(rf"\b(is|was|are|were)(?:\s+(?:{INTENSIFIERS}))*\s+(an?\s+|the\s+)?$", re.IGNORECASE)
BEFORE_ADJECTIVE = (
    "{be} not", "{be}n't", "{be} not at all", "{be} never", "{be} hardly", "{be} far from",
    "{be} anything but", "{be} by no means", "{be} in no way", "{be}n't remotely", "{be} not even",
    "{be}n't really", "{be} not particularly", "{be} definitely not", "{be} certainly not",
    "{be} nowhere near", "{be} no longer",
)  # fmt: skip
BEFORE_NOUN = (
    "{be} not", "{be}n't", "{be} hardly", "{be} by no means", "{be} certainly not", "{be} anything but",
    "{be} far from", "{be} never",
)  # fmt: skip

# "I (really)" at the end of what comes before the opinion word
LIKING = re.compile(
    rf"\b(I|we|you|they|people|critics|my wife|my kids|my family)(?:\s+(?:{INTENSIFIERS}))*\s+$",
    re.IGNORECASE,
)
BASE = {
    "loved": "love", "enjoyed": "enjoy", "adored": "adore", "admired": "admire", "appreciated": "appreciate",
    "liked": "like", "hated": "hate", "disliked": "dislike", "loathed": "loathe", "despised": "despise",
    "detested": "detest", "regretted": "regret",
}  # fmt: skip
BEFORE_PAST = (
    "{who} did not {verb}", "{who} didn't {verb}", "{who} never {past}", "{who} can't say {who2} {past}",
    "{who} didn't really {verb}", "{who} hardly {past}", "{who} cannot say that {who2} {past}",
)  # fmt: skip
BEFORE_PRESENT = (
    "{who} do not {verb}", "{who} don't {verb}", "{who} can't say {who2} {verb}", "{who} never {verb}",
    "{who} don't really {verb}", "{who} wouldn't say {who2} {verb}", "{who} cannot {verb}",
)  # fmt: skip

SUBJECT = re.compile(r"(?:The|This|It|That|He|She|His|Her|Their|Its|All|Everything|These|Those|There)\b")
AROUND = (
    "I can't say that {s}.", "I don't think {s}.", "I do not think that {s}.", "It is not true that {s}.",
    "Nobody would say that {s}.", "I doubt that {s}.", "I wouldn't say {s}.", "I would not say that {s}.",
    "No one can tell me that {s}.", "It isn't as if {s}.", "They say {s}. I disagree.",
    "I don't agree that {s}.", "Don't tell me that {s}.", "{S}? Not really.", "{S}? Hardly.", "{S}? No.",
    "You can't say that {s}.", "I don't believe {s}.",
)  # fmt: skip

NEGATED = re.compile(
    r"(?:\bnot|n't|\bnever)"
    r"(?:\s+(?:a|an|the|very|really|so|that|at all|all that|even|particularly|been|be|quite|too))*\s+$",
    re.IGNORECASE,
)
REMOVABLE = re.compile(
    r"\b(is|was|are|were)(?:\s+not|n't)((?:\s+(?:a|an|the|very|really|so|that|quite))*\s+)$", re.IGNORECASE
)


def negate(sentence: Sentence, generator: random.Random) -> str | None:
    """Return a sure sentence with one opinion word, negated in a random way; None if there is no way."""
    (hit,) = sentence.hits
    before, after = sentence.text[: hit.start], sentence.text[hit.end :]
    opinion = sentence.text[hit.start : hit.end]
    ways = []
    if found := COPULA.search(before):
        be, article = found[1], found[2] or ""
        wording = generator.choice(BEFORE_NOUN if article else BEFORE_ADJECTIVE).format(be=be)
        ways.append(f"{before[: found.start()]}{wording} {article}{opinion}{after}")
    found = LIKING.search(before)
    if found and (wordings := _wordings_of_liking(hit)):
        who = found[1]
        verb = BASE.get(hit.word, hit.word)
        who2 = who if who == "I" else who.lower()
        wording = generator.choice(wordings).format(who=who, who2=who2, verb=verb, past=hit.word)
        ways.append(before[: found.start()] + wording + after)
    if len(sentence.words) <= MOST_WORDS_OF_WHOLE and SUBJECT.match(sentence.text):
        whole = sentence.text.rstrip(".! ")
        ways.append(generator.choice(AROUND).format(s=whole[0].lower() + whole[1:], S=whole))
    return generator.choice(ways) if ways else None


def find_negated(sentence: Sentence) -> Hit | None:
    """Return the only opinion word of a sentence if a negation is right before it."""
    if len(sentence.hits) != 1:
        return None
    (hit,) = sentence.hits
    return hit if NEGATED.search(sentence.text[: hit.start]) else None


def without_negation(sentence: Sentence) -> str | None:
    """Return a sentence that `find_negated` found without its "not", or None if it is no "is not"."""
    (hit,) = sentence.hits
    before = sentence.text[: hit.start]
    plain = REMOVABLE.sub(r"\1\2", before)
    return None if plain == before else plain + sentence.text[hit.start :]


def _wordings_of_liking(hit: Hit) -> tuple[str, ...]:
    if hit.word in BASE:
        return BEFORE_PAST
    return BEFORE_PRESENT if hit.word in BASE.values() else ()
