"""The settings of the n-gram evidence."""

from pydantic import Field

from sentiment.config.section import Section


class EvidenceSettings(Section):
    """A linear n-gram model whose logit is mixed with the network's."""

    weight: float = Field(0.0, ge=0, le=1)
    """Its share of the final logit; the network has the rest. 0 for no n-gram model."""
    size: int = Field(100_000, ge=1)
    """How many 1- to 3-grams of known words are kept: those with the largest weights."""
    reviews: int = Field(25_000, ge=2)
    """The most training reviews it is fitted on, because its memory grows with them. They are drawn from each
    class by its share. The texts of `data.extra` are always used and do not count."""
    unlabelled: float = Field(0.0, ge=0)
    """If not 0, it is fitted again at the end with unlabelled reviews too, at most as many as training
    reviews. The whole model labels them. A review that the model is sure of has this weight; a labelled one
    has 1."""
    phrases: float = Field(0.0, ge=0)
    """If not 0, it is fitted again at the end with the bundled short texts of negation and contrast too. This
    helps with reviews of a sentence or two. Each text has this weight; a labelled review has 1."""
    lessons: float = Field(0.0, ge=0)
    """If not 0, it is fitted again at the end with the lessons too. Each lesson has this weight; a labelled
    review has 1."""
