"""What an exported file says about its model: classes, vocabulary and the rules that cut a text."""

import json
from typing import Any

from sentiment.data.text_rules import TextRules
from sentiment.data.words import COMMON_WORDS, FUNCTION_WORDS
from sentiment.exporting.text_rules import NoRules, describe_normalising, describe_tokenizer, digits
from sentiment.inference.predictor import UNREADABLE, Predictor
from sentiment.system.console import say
from sentiment.system.versions import library_versions

FORMAT = 2
KEY = "sentiment"  # of the file's metadata


def metadata_of(predictor: Predictor) -> dict[str, str]:
    """Return the metadata of an exported file: one text of JSON."""
    return {KEY: json.dumps(describe(predictor), ensure_ascii=False)}


def describe(predictor: Predictor) -> dict[str, Any]:
    """Return what another program needs to predict as this model does; docs/export.md names every key."""
    settings = predictor.config.text
    rules = TextRules.of(settings)
    return {
        "format": FORMAT,
        "version": library_versions()["sentiment"],
        "classes": list(predictor.class_names),
        "threshold": predictor.decision.threshold,
        "temperature": predictor.temperature,
        "text": describe_normalising(rules),
        "tokenizer": _describe_tokenizer(rules.language),
        "head": settings.head,
        "tail": settings.tail,
        "channels": [
            {"view": channel.view, "words": channel.words, "misspelt": channel.mends_slips}
            for channel in predictor.vocabulary.channels
        ],
        "digits": digits(),
        "unreadable": {
            "label": UNREADABLE,
            "channel": predictor.vocabulary.word_channel,
            "common_words": COMMON_WORDS,
            "function_words": sorted(FUNCTION_WORDS),
        },
    }


def _describe_tokenizer(language: str) -> dict[str, Any] | None:
    """Return the rules of a language, or None, which is then said: the network is exported all the same."""
    try:
        return describe_tokenizer(language)
    except NoRules as reason:
        say(f"the file has no rules of the tokenizer: {reason}; give it the ids of spaCy's tokens")
        return None
