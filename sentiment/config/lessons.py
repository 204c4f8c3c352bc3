"""The settings of the lessons."""

from pydantic import Field

from sentiment.config.section import Section


class LessonSettings(Section):
    """Short texts with known labels that are made from the reviews before training. They teach negation,
    contrast and the like, which long reviews hide.

    Each key but `typos` is the number of lessons of a kind for each training review. There are lessons only
    if the classes are negative and positive and `text.language` is `en`."""

    sentences: float = Field(0.0, ge=0, le=100)
    """Sentences of the reviews, also of those without labels, whose words are all praise or all complaint."""
    opposites: float = Field(0.0, ge=0, le=100)
    """Such sentences with their opinion words replaced by opposites."""
    reviews: float = Field(0.0, ge=0, le=100)
    """Whole training reviews turned round: their opinion words get opposites or negations."""
    unlabelled: float = Field(0.0, ge=0, le=100)
    """Reviews without labels turned round. Self-training gives them the opposite of the label that it gives
    the original, and leaves out those whose words say something else."""
    negations: float = Field(0.0, ge=0, le=100)
    """Sentences in pairs: with a negation and without it."""
    contrasts: float = Field(0.0, ge=0, le=100)
    """Praise and complaint in one sentence, of which one decides."""
    everyday: float = Field(0.0, ge=0, le=100)
    """Opinions about films, food, phones and other things, written from lists that ship."""
    facts: float = Field(0.0, ge=0, le=100)
    """Sentences that tell a story, half positive and half negative."""
    excerpts: float = Field(0.0, ge=0, le=100)
    """One to three sentences of a training review, with its label."""
    typos: float = Field(0.0, ge=0, le=1)
    """The share of these lessons that is added again with typing errors; whole reviews are not."""

    @property
    def are_on(self) -> bool:
        """Whether any lessons are asked for."""
        return any(getattr(self, kind) for kind in type(self).model_fields)
