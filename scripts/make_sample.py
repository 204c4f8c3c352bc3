"""Write the bundled sample: synthetic film reviews from a small grammar, the same bytes at every run.

A review has a verdict, good or bad, and is made of sentence templates. In a template, `{place}` is a fact
about the film or a word of NEUTRAL. `{noun+}` is a word that agrees with the verdict, and `{noun-}` one that
opposes it.
"""

import argparse
import json
import random
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE = Path(__file__).resolve().parent.parent / "sentiment" / "data" / "sample"
SEED = 20_240
FILMS = {"train": 300, "test": 75}
REVIEWS_A_FILM = (6, 7, 8, 9, 10)  # taken in turn: 8 on average
UNSEEN_SHARE = {"train": 0.0, "test": 0.30}  # how often a word is from a list that only the test split uses
FEWEST_TOKENS = 5
MOST_TOKENS = 285  # with the score, and spaCy's way of splitting words, a review stays under 300

# --- words: the first list is for both splits, the second for the test split only -----------------------

Words = dict[str, tuple[str, str]]

GOOD: Words = {
    "adjective": (
        "superb, wonderful, excellent, great, brilliant, marvellous, splendid, terrific, first-rate, lovely, "
        "delightful, remarkable, magnificent, inspired, outstanding, impressive, fantastic, perfect",
        "exquisite, sublime, glorious, stunning, masterly, flawless, dazzling, stellar",
    ),
    "quality": (
        "funny, moving, gripping, clever, convincing, exciting, original, memorable, believable, good, "
        "interesting, charming, thoughtful, sharp, touching, fresh",
        "witty, engaging, absorbing, enthralling, poignant, inventive, heartfelt",
    ),
    "noun": (
        "masterpiece, triumph, gem, joy, treat, delight, classic, winner, pleasure, treasure, success, "
        "miracle",
        "marvel, jewel, revelation, knockout, feast",
    ),
    "person": (
        "superb, wonderful, brilliant, convincing, magnetic, perfect, terrific, excellent, charming",
        "luminous, spellbinding, riveting, irresistible",
    ),
    "react": (
        "make me laugh, hold my attention, move me, win me over, keep me guessing, surprise me, touch me, "
        "make me care, grip me, lift my mood",
        "charm me, enchant me, captivate me, thrill me",
    ),
    "loved": ("loved, enjoyed, adored, treasured, admired", "relished, savoured, cherished"),
    "love": ("love, like, enjoy, admire", "adore, treasure"),
    "works": (
        "works beautifully, shines, never puts a foot wrong, hits home, is a joy, lifts every scene, "
        "earns its keep",
        "sparkles, soars, dazzles",
    ),
    "manner": ("well, brightly, beautifully, with real promise, strongly", "elegantly, gracefully"),
    "skill": (
        "great care, a sure hand, wit and warmth, real skill, a light touch",
        "rare finesse, deep affection",
    ),
    "feeling": (
        "happy, thrilled, moved, delighted, full of energy, deeply touched",
        "elated, enchanted, uplifted",
    ),
}

BAD: Words = {
    "adjective": (
        "terrible, awful, dreadful, poor, lousy, horrible, hopeless, third-rate, ridiculous, miserable, "
        "pathetic, feeble, sloppy, laughable, atrocious, painful, ghastly, worthless",
        "abysmal, dismal, woeful, excruciating, wretched, shoddy, pitiful, appalling",
    ),
    "quality": (
        "dull, boring, tedious, slow, predictable, forgettable, clumsy, bad, lazy, silly, pointless, cheap, "
        "flat, weak, stilted, confusing",
        "stale, insipid, plodding, bland, contrived, vapid, muddled",
    ),
    "noun": (
        "mess, disaster, failure, bore, mistake, chore, dud, disappointment, flop, nightmare, joke, disgrace",
        "fiasco, shambles, slog, misfire, trainwreck",
    ),
    "person": (
        "terrible, awful, dreadful, wooden, hopeless, miscast, lifeless, dull, unconvincing",
        "abysmal, insufferable, robotic, charmless",
    ),
    "react": (
        "bore me, annoy me, lose me, put me to sleep, irritate me, try my patience, leave me cold, "
        "give me a headache, waste my time, make me yawn",
        "exasperate me, repel me, infuriate me, numb me",
    ),
    "loved": ("hated, loathed, regretted, resented, suffered through", "despised, detested, abhorred"),
    "love": ("hate, dislike, mock, dismiss", "loathe, despise"),
    "works": (
        "falls flat, drags, never finds its feet, gets on the nerves, is a chore, sinks every scene, "
        "goes nowhere",
        "fizzles, flounders, grates",
    ),
    "manner": ("badly, slowly, poorly, with a groan, weakly", "dismally, lamely"),
    "skill": (
        "little care, a heavy hand, no wit or warmth, no skill, a clumsy touch",
        "sheer indifference, leaden solemnity",
    ),
    "feeling": ("angry, bored, annoyed, tired, cheated, completely cold", "drained, exasperated, robbed"),
}

NEUTRAL: Words = {
    "aspect": (
        "acting, script, direction, camera work, music, ending, dialogue, pacing, editing, story, plot, "
        "first hour, second half, final act, cast, opening, lighting, sound",
        "cinematography, screenplay, choreography, soundtrack, epilogue, prologue",
    ),
    "film": ("film, movie, picture", "flick, feature"),
    "very": ("truly, really, simply, quite simply, absolutely", "utterly, thoroughly, downright"),
    "never": (
        "never, not once, in no way, by no means, anything but, far from, not for a moment, never once, "
        "certainly not",
        "at no point",
    ),
    "people": ("critics, posters, papers, trailers, neighbours, reviewers", "columnists, podcasts"),
    "companion": (
        "wife, husband, brother, sister, mother, father, best friend, son, daughter, neighbour, boss, cousin",
        "roommate, nephew, aunt, dentist",
    ),
    "time": (
        "last night, on Friday, on a rainy Sunday, last week, at a festival, on a late train, on television, "
        "on a plane",
        "on Wednesday, at a matinee, during the holidays",
    ),
    "role": (
        "clockmaker, nurse, sailor, teacher, detective, farmer, pianist, baker, lawyer, soldier, widow, "
        "thief, doctor, painter, driver, librarian, priest, waiter",
        "beekeeper, smuggler, cartographer, locksmith, botanist, ferryman, glassblower, umpire",
    ),
    "object": (
        "letter, map, key, suitcase, photograph, violin, diary, radio, ring, painting, notebook, coin, "
        "ticket",
        "telegram, compass, lantern, manuscript, typewriter, passport, accordion",
    ),
    "spot": (
        "lighthouse, hotel, bakery, school, hospital, theatre, boat, garden, attic, barn, cottage, mill, "
        "bookshop, flower shop",
        "monastery, vineyard, observatory, greenhouse, quarry, ferry, distillery",
    ),
    "season": ("summer, winter, spring, autumn, night, weekend, morning", "monsoon, carnival, blizzard"),
    "kin": ("brother, sister, father, mother, daughter, son, uncle, old friend", "stepson, godmother, twin"),
    "genre": (
        "thriller, comedy, drama, western, romance, mystery, war film, horror film, crime story, family film",
        "melodrama, whodunit, musical",
    ),
    "place": (
        "Lisbon, Norway, Chicago, Vienna, Wales, Osaka, Texas, Cairo, Dublin, Prague, Quebec, Naples, Lima",
        "Tbilisi, Havana, Gdansk, Nairobi, Utah, Marseille, Zagreb",
    ),
    "first_name": (
        "Anna, Victor, Clara, Hugo, Marta, Simon, Nadia, Oscar, Helen, Felix, Irene, Tomas, Ruth, Leon",
        "Greta, Anton, Odile, Casper, Imelda, Rufus",
    ),
    "last_name": (
        "Varnholt, Ostrey, Quillane, Bramwick, Tellisande, Dorrow, Kestevan, Marlowick, Pennarth, Solberra, "
        "Hathersall, Ruskane, Fennimoor, Aldecott",
        "Wexhollow, Zandrini, Corvelle, Thistlewen, Garroway, Ilvanen",
    ),
    "title_adjective": (
        "Silent, Crimson, Hidden, Last, Paper, Glass, Winter, Northern, Borrowed, Seventh, Golden, Distant",
        "Copper, Velvet, Amber, Salted, Hollow",
    ),
    "title_noun": (
        "Harbour, Orchard, Staircase, Mirror, River, Window, Bridge, Station, Garden, Island, Clock, "
        "Shore, Tower",
        "Lagoon, Chapel, Meridian, Foundry, Sparrow",
    ),
}

# --- sentences --------------------------------------------------------------------------------------------

FACTS = {
    "place": "{place}",
    "genre": "{genre}",
    "director": "{first_name} {last_name}",
    "lead": "{first_name} {last_name}",
    "second": "{first_name} {last_name}",
}

TITLES = (
    "The {title_adjective} {title_noun}",
    "{title_adjective} {title_noun}",
    "The {title_noun} of {place}",
    "A {title_noun} for {first_name}",
    "{first_name} and the {title_noun}",
    "Beyond the {title_adjective} {title_noun}",
    "{place} by Night",
)

OPENERS = (
    "I saw {title} {time} with my {companion}.",
    "I watched {title} {time}.",
    "{title} is the new {genre} by {director}.",
    "{director} is back, this time with a {genre} set in {place}.",
    "My {companion} picked {title}, so we watched it {time}.",
    "Where do I begin?",
    "So, {title}.",
    "Let me say this about {title} first.",
    "After all the talk about {title}, I had to see it.",
    "I have followed {director} for years, and {title} was next on my list.",
    "Has anyone else seen {title}?",
    "Finally saw {title} (a {genre} with {lead}) {time}.",
    "Some thoughts on {title}, which I saw {time}.",
    "Warning: this review gives away a little of the plot.",
    "I do not write reviews often.",
    "My {companion} and I rarely agree on a {film}.",
    "Who goes to see a {genre} these days? Well, I did.",
)

FILLERS = (
    "{lead} plays a {role} who finds a {object} in a {spot}.",
    "The story follows a {role} and a {role} on the road to {place}.",
    "One {season} a {object} goes missing from the {spot}, and nobody will say who took it.",
    "A {role} comes home to {place} to sell the {spot}.",
    "{second} is the {role} next door.",
    "The {role} has a {kin} in {place} and a secret about a {object}.",
    "It was shot in {place}, mostly at night.",
    "Half of it takes place in a {spot}.",
    "Nobody believes the {role}, who has seen the {object} before.",
    "{star} spends much of the time with a {object} in one hand and a suitcase in the other.",
    "All this begins with a wedding in {place} and a missing {object}.",
    "The {kin} runs a {spot} and keeps a {object} under the bed.",
    "There is a {object}, of course, and a {role} who wants it back.",
    "{director} wrote it with a {kin} over one {season}.",
    "Then {star} opens the {object}, and the {kin} turns up from {place}.",
    "The {role} has to choose between the {spot} and a {kin}.",
    "Years later, in {place}, the two meet again.",
    "It runs for about two hours.",
    "There are subtitles, and a {object} that keeps coming back.",
    "The first scene shows {star} alone in a {spot}.",
    "By the middle of the story the {role} and the {kin} are sharing a {spot}.",
    "A {role} is hired to watch the {spot}, and one {season} the phone rings.",
    "{second} plays the {kin}, a {role} from {place}.",
    "Most of the talk is about a {object} and a debt from the past.",
    "I read the book years ago, in which the {role} is a {role}.",
    "The rest of the cast are people from {place} who had never been on a set.",
    "The {object} belonged to the {kin}, as we learn in the {spot}.",
    "Everything happens in one {season}.",
    "The row behind us was full of students.",
    "We sat near the front, next to a {role} and a {kin}.",
)

DIRECT = (
    "The {aspect} is {very} {adjective+}.",
    "The {aspect} is {adjective+}, and the {aspect} is {quality+} too.",
    "{lead} is {person+} as the {role}.",
    "{second} is {very} {person+}.",
    "What a {adjective+} {film}!",
    "This is a {quality+}, {adjective+} {genre}.",
    "{director} directs with {skill+}.",
    "I {loved+} every minute of it.",
    "The {aspect} {works+}.",
    "It did {react+}, from the first scene to the last.",
    "It is so, so {quality+}.",
    "Very, very {quality+}.",
    "I came out {feeling+}.",
    "How {quality+} can a {genre} be?",
    "We both {loved+} it, my {companion} even more than I did.",
    "I found the {aspect} {quality+}.",
)

NEGATED = (
    "The {aspect} is {never} {quality-}.",
    "{lead} is {never} {person-}.",
    "It is not {quality-} at all.",
    "It is not the {noun-} that the {people} call it.",
    "It did not {react-} for one second.",
    "Not once did it {react-}.",
    "Not one scene managed to {react-}.",
    "I would never call it {quality-}.",
    "There is nothing {quality-} about it.",
    "Nobody could say the {aspect} is {quality-}.",
    "I did not come out {feeling-}.",
    "Never, never, never {quality-}.",
    "I never found it {quality-} or {quality-}.",
    "Nothing in the {aspect} is {adjective-}.",
    "This is no {noun-}, whatever my {companion} says.",
    "Do not believe anyone who calls it {adjective-}.",
)

CONTRASTS = (
    "It is not {adjective-}, in fact it is {adjective+}.",
    "I expected a {noun-}; I was wrong.",
    "I expected a {noun-} and got a {noun+}.",
    "The {people} promised a {noun-}, but I saw a {noun+}.",
    "The trailer looked {quality-}, yet the {film} itself is {quality+}.",
    "I wanted to {love-} it, but I could not.",
    "It sounds {quality-} on paper, but on screen it is {quality+}.",
    "It starts {manner-} but ends {manner+}.",
    "Far from being {quality-}, it is {adjective+}.",
    "The {people} say it is {adjective-}. They are wrong.",
    "I was told it would {react-}. It did not.",
    "Is it {quality-}? No, it is {quality+}.",
    "My {companion} calls it {adjective-}, and I could not disagree more.",
    "People who say that {star} is {person-} must have seen another {film}.",
    "I went in {feeling-} and came out {feeling+}.",
)

# A concession opposes the verdict, so each one also says that it does not change the verdict.
CONCESSIONS = (
    "The {aspect} is {adjective-}, the rest is a {noun+}.",
    "Granted, the {aspect} is {quality-}, but that hardly matters.",
    "Apart from the {aspect}, which is {adjective-}, everything is {adjective+}.",
    "Only the {aspect} is {quality-}.",
    "{lead} is {person-}, but everyone else is {person+}.",
    "True, the {aspect} is {adjective-} and {second} is {person-}; the {film} as a whole is {adjective+}.",
    "The {aspect} {works-}, and still the whole is a {noun+}.",
    "I {loved-} the {aspect} and {loved+} all the rest.",
    "One scene in the {spot} is {adjective-}, the other fifty are {adjective+}.",
    "The {aspect} may be {quality-}, but the {aspect} is so {quality+} that I forgot about it.",
    "However {quality-} the {aspect} is, this is a {noun+}.",
)

GOOD_LINES = (
    "I could not look away.",
    "I could not stop smiling.",
    "I did not want it to end.",
    "Not a minute is wasted.",
    "There is not one false note in it.",
    "I cannot find a single fault.",
    "I would watch it again tonight.",
    "I forgot to look at my watch.",
    "I have nothing to complain about.",
    "Nothing about it feels wrong.",
    "I laughed, I cried, I called my {kin}.",
    "It could not be better.",
    "Nobody in the room wanted to leave.",
    "I have seen it three times and I am not tired of it.",
    "It never fails to {react+}.",
    "Not bad at all!",
    "You will not regret the price of the ticket.",
)

BAD_LINES = (
    "I could not wait for it to end.",
    "I could not stop yawning.",
    "I did not want to see how it ends.",
    "Not a minute of it works.",
    "There is not one true note in it.",
    "I cannot find a single merit.",
    "I would not watch it again for money.",
    "I looked at my watch every five minutes.",
    "I have nothing to praise.",
    "Nothing about it feels right.",
    "I did not laugh, I did not cry, I called a taxi.",
    "It could not be worse.",
    "Everybody in the room wanted to leave.",
    "I saw half of it and I was tired of it.",
    "It fails to {react-}.",
    "Not good at all!",
    "You will regret the price of the ticket.",
    "It is hardly a {noun-}.",
)

VERDICTS = (
    "In the end it is a {noun+}.",
    "All in all, a {adjective+} {film}.",
    "My verdict: {adjective+}.",
    "In short, a {noun+}, not a {noun-}.",
    "So no, it is not {adjective-}; it is {adjective+}.",
    "To sum up: {quality+}, {quality+} and never {quality-}.",
    "It is a {noun+} from start to finish!",
    "Simply {adjective+}.",
    "A {quality+}, {adjective+} {genre}.",
    "{title} is {adjective+}, and that is all there is to say.",
    "Altogether {quality+} and {adjective+}.",
    "What a {noun+}!",
    "One word for it? {adjective+}!",
    "A {adjective+} evening at the cinema.",
    "In the end, what I thought would be a {noun-} is a {noun+}.",
)
GOOD_VERDICTS = (
    "Do not give it a miss.",
    "Do not skip this one.",
    "Worth every penny.",
    "Go and see it!",
    "I recommend it to everyone.",
    "I would gladly see it again.",
    "I cannot recommend it enough.",
    "Believe the people who like it.",
    "Stay away from the bad reviews and see it.",
)
BAD_VERDICTS = (
    "Give it a miss.",
    "Skip this one.",
    "Not worth a penny.",
    "Go and see something else!",
    "I recommend it to no one.",
    "I would not see it again.",
    "I cannot recommend it.",
    "Do not believe the people who like it.",
    "Stay away from it and do not trust the good reviews.",
)

GOOD_SCORES = ("7/10", "8/10", "9/10", "10/10")
BAD_SCORES = ("1/10", "2/10", "3/10", "4/10")

# --- how often each thing happens ----------------------------------------------------------------------

# (share, (fewest, most) opinions, (fewest, most) fillers)
SIZES = (
    (0.14, (0, 1), (0, 0)),
    (0.66, (1, 3), (0, 3)),
    (0.15, (2, 5), (3, 7)),
    (0.05, (5, 9), (9, 15)),
)
OPINION_KINDS = {"direct": 0.52, "negated": 0.15, "contrast": 0.13, "concession": 0.11, "line": 0.09}
OPENER_SHARE = 0.7
SCORE_SHARE = 0.05
PARAGRAPHS_SHARE = 0.33  # of the reviews with more than three sentences
LOWER_CASE_SHARE = 0.04
SHOUT_SHARE = 0.05
EXCLAIM_SHARE = 0.08
VERDICT_FIRST_SHARE = 0.2
LONGEST_SENTENCE = 35  # tokens, with room to spare

SLOT = re.compile(r"\{(\w+)([+-]?)\}")
A_BEFORE_VOWEL = re.compile(r"\b([Aa]) (?=[aeiouAEIOU])")
TOKEN = re.compile(r"\w+|[^\w\s]")
SENTENCE_START = re.compile(r"(^|[.!?] )([a-z])")


@dataclass(frozen=True)
class Film:
    """What all reviews of one film have in common."""

    slug: str
    facts: dict[str, str]


@dataclass(frozen=True)
class Review:
    """One line of the files."""

    text: str
    label: int
    film: str


class Writer:
    """Fills templates for one film and one verdict. It repeats no template, and no word if it can."""

    def __init__(self, dice: random.Random, facts: dict[str, str], label: int, unseen_share: float) -> None:
        self._dice = dice
        self._facts = facts
        self._label = label
        self._unseen_share = unseen_share
        self._used: set[str] = set()

    def sentence(self, templates: Sequence[str], unseen: bool = True) -> str:
        """Fill one of `templates` as a sentence; without `unseen`, only with words that both splits have."""
        text = self.fill(templates, unseen)
        return SENTENCE_START.sub(lambda start: start[1] + start[2].upper(), text)

    def fill(self, templates: Sequence[str], unseen: bool = True) -> str:
        """Fill one of `templates`, and change `a` before a vowel to `an`."""
        template = self._fresh(templates)
        share = self._unseen_share if unseen else 0.0
        return A_BEFORE_VOWEL.sub(r"\1n ", SLOT.sub(lambda slot: self._word(slot, share), template))

    def _fresh(self, choices: Sequence[str]) -> str:
        choice = self._dice.choice([choice for choice in choices if choice not in self._used] or choices)
        self._used.add(choice)
        return choice

    def _word(self, slot: re.Match[str], unseen_share: float) -> str:
        name, side = slot.groups()
        if name in self._facts:
            return self._facts[name]
        if side:
            good = (self._label == 1) == (side == "+")
            known, unseen = (GOOD if good else BAD)[name]
        else:
            known, unseen = NEUTRAL[name]
        return self._fresh((unseen if self._dice.random() < unseen_share else known).split(", "))


class Author:
    """Writes the reviews of both splits. No text and no film occurs twice."""

    def __init__(self) -> None:
        self._dice = random.Random(SEED)
        self._slugs: set[str] = set()
        self._texts: set[str] = set()

    def split(self, name: str) -> list[Review]:
        """Return half good and half bad reviews in random order, of films that no other split has."""
        sizes = [REVIEWS_A_FILM[number % len(REVIEWS_A_FILM)] for number in range(FILMS[name])]
        films = [film for size in sizes for film in [self._film(UNSEEN_SHARE[name])] * size]
        labels = [number % 2 for number in range(len(films))]
        self._dice.shuffle(films)
        self._dice.shuffle(labels)
        return [
            self._review(film, label, UNSEEN_SHARE[name]) for film, label in zip(films, labels, strict=True)
        ]

    def _film(self, unseen_share: float) -> Film:
        while True:
            facts = self._facts(unseen_share)
            slug = re.sub(r"\W+", "-", facts["title"].lower())
            if slug not in self._slugs:
                self._slugs.add(slug)
                return Film(slug, facts)

    def _facts(self, unseen_share: float) -> dict[str, str]:
        facts: dict[str, str] = {}
        writer = Writer(self._dice, facts, label=0, unseen_share=unseen_share)
        for name, template in FACTS.items():
            facts[name] = writer.fill([template])
        facts["title"] = writer.fill(TITLES)
        facts["star"] = facts["lead"].split()[-1]
        return facts

    def _review(self, film: Film, label: int, unseen_share: float) -> Review:
        while True:
            writer = Writer(self._dice, film.facts, label, unseen_share)
            text = self._dress(self._sentences(writer, label), label)
            if text not in self._texts and _count_tokens([text]) >= FEWEST_TOKENS:
                self._texts.add(text)
                return Review(text, label, film.slug)

    def _sentences(self, writer: Writer, label: int) -> list[str]:
        """Return opener, body and verdict. The verdict uses words of both splits, so it decides in both."""
        dice = self._dice
        _, opinions, fillers = dice.choices(SIZES, [size[0] for size in SIZES])[0]
        kinds = dice.choices(list(OPINION_KINDS), list(OPINION_KINDS.values()), k=dice.randint(*opinions))
        kinds += ["filler"] * dice.randint(*fillers)
        dice.shuffle(kinds)
        verdicts = VERDICTS + (GOOD_VERDICTS if label else BAD_VERDICTS)
        verdict = writer.sentence(verdicts, unseen=False)
        sentences = [writer.sentence(OPENERS)] if len(kinds) > 1 and dice.random() < OPENER_SHARE else []
        for kind in kinds:
            if _count_tokens([*sentences, verdict]) < MOST_TOKENS - LONGEST_SENTENCE:
                sentences.append(writer.sentence(_templates(kind, label)))
        place = 0 if dice.random() < VERDICT_FIRST_SHARE else len(sentences)
        return [*sentences[:place], verdict, *sentences[place:]]

    def _dress(self, sentences: list[str], label: int) -> str:
        """Join the sentences; some get paragraphs, a score, capitals or exclamation marks."""
        dice = self._dice
        chosen = dice.randrange(len(sentences))
        if dice.random() < SHOUT_SHARE:
            sentences[chosen] = sentences[chosen].upper()
        if dice.random() < EXCLAIM_SHARE:
            sentences[-1] = sentences[-1].rstrip(".!") + dice.choice(("!", "!!", "!!!"))
        if dice.random() < SCORE_SHARE:
            sentences.append(dice.choice(GOOD_SCORES if label else BAD_SCORES))
        breaks: list[int] = []
        if len(sentences) > 3 and dice.random() < PARAGRAPHS_SHARE:
            breaks = dice.sample(range(1, len(sentences)), k=1 + len(sentences) // 12)
        text = sentences[0]
        for number, sentence in enumerate(sentences[1:], start=1):
            text += ("<br /><br />" if number in breaks else " ") + sentence
        return text.lower() if dice.random() < LOWER_CASE_SHARE else text


def _templates(kind: str, label: int) -> Sequence[str]:
    lines = GOOD_LINES if label else BAD_LINES
    tables = {"direct": DIRECT, "negated": NEGATED, "contrast": CONTRASTS, "concession": CONCESSIONS}
    return {**tables, "line": lines, "filler": FILLERS}[kind]


def _count_tokens(sentences: Sequence[str]) -> int:
    return sum(len(TOKEN.findall(sentence)) for sentence in sentences)


def make_files() -> dict[Path, bytes]:
    """Return the content of each file of the sample: one line of JSON for each review."""
    author = Author()
    return {
        SAMPLE / f"{split}.jsonl": "".join(
            json.dumps(vars(review), ensure_ascii=False) + "\n" for review in author.split(split)
        ).encode()
        for split in FILMS
    }


def _report_differences(files: dict[Path, bytes]) -> bool:
    differing = [path for path in files if not path.is_file() or path.read_bytes() != files[path]]
    for path in differing:
        print(f"{path} differs from what this script writes; run it without --check", file=sys.stderr)
    return bool(differing)


def main() -> int:
    """Write the files, or with --check compare them with the files on disk."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the files differ")
    check = parser.parse_args().check
    files = make_files()
    if check:
        return 1 if _report_differences(files) else 0
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        print(f"{path}: {len(content):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
