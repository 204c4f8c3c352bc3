"""Plan the stages of a run: for each member a language model, a classifier, and self-training.

Self-training trains another classifier, also with the labels that the first one gives to unlabelled reviews.
The language model and self-training are optional.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from sentiment.config import Config
from sentiment.data.batches import AnyReviews
from sentiment.data.prepare import Prepared
from sentiment.inference.scoring import Scored
from sentiment.models.classifier import LSTMClassifier
from sentiment.models.ensemble import Ensemble
from sentiment.models.evidence import NGramEvidence
from sentiment.models.language_model import LanguageModel
from sentiment.system.console import say
from sentiment.system.device import Machine
from sentiment.system.processes import Processes
from sentiment.training.class_loss import ClassLoss
from sentiment.training.objectives import Labels, Objective, PseudoLabels, Words

if TYPE_CHECKING:
    from sentiment.data.vectors import WordVectors
    from sentiment.training.parent import Parent

Weights = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A part of a run that trains one network with one objective."""

    name: str
    seed: int
    """Decides its first weights and the order of its batches."""
    epochs: int
    learning_rate: float
    average: float
    """Decay of the running average of the weights, which is judged and kept; 0 for no average."""
    is_judged: bool
    """Whether each epoch is validated. Then the best weights are kept, and the stage may end early."""
    objective: Objective
    build: Callable[[], nn.Module]
    """Makes its untrained network."""
    start: int | None = None
    """The earlier stage from which it takes the weights of the same names."""
    teacher: int | None = None
    """The earlier stage whose weights `ask` gets."""
    ask: Callable[[Weights, Machine], Iterator[Scored]] | None = None
    """Lets the teacher make the labels of its objective, when the stage begins or resumes."""
    is_member: bool = False
    """Whether its weights become part of the final network."""

    @property
    def half_learning_rate(self) -> str:
        """The setting that halves its learning rate, such as `training.learning_rate=0.001`."""
        section = "training" if self.objective.classifies else "pretraining"
        return f"{section}.learning_rate={self.learning_rate / 2:g}"


def plan_stages(
    config: Config,
    prepared: Prepared,
    evidence: Callable[[], NGramEvidence | None] = lambda: None,
    tell: Callable[[str], None] = say,
    parent: "Parent | None" = None,
) -> list[Stage]:
    """Every stage of a run, in order; `evidence` gives the n-gram evidence, if there is any.

    Raises what loading word vectors raises.
    """
    training, new_classifier = config.training, _choose_networks(config, prepared, tell, parent)
    unlabelled = prepared.unlabelled if config.self_training.epochs else None
    train = prepared.train if prepared.extra is None else prepared.train.joined(prepared.extra)
    # Only the last stage learns the lessons, so that they cost one stage's time and not two.
    last = train if prepared.lessons is None else train.joined(prepared.lessons)
    loss = _choose_loss(config, prepared)

    def ask_teacher(labels: PseudoLabels, weights: Weights, machine: Machine) -> Iterator[Scored]:
        model = new_classifier(0)
        model.load_state_dict(weights)
        shared = _share_evidence(evidence, config, prepared, machine.processes)
        return labels.ask(Ensemble([model], shared, config.evidence.weight).to(machine.device), machine)

    stages: list[Stage] = []
    for member in range(training.members):
        seed = config.seed + member
        which = f" {member + 1} of {training.members}" if training.members > 1 else ""
        build = partial(new_classifier, member)
        language_model = None
        if prepared.pretraining is not None:
            language_model = len(stages)
            name = f"pretraining{which}"
            stages.append(_plan_pretraining(config, prepared.pretraining, build, name=name, seed=seed))
        classifier = Stage(
            name=f"member{which}" if which else "training",
            seed=seed,
            epochs=training.epochs,
            learning_rate=training.learning_rate,
            average=training.average,
            is_judged=len(prepared.validation.reviews) > 0,
            objective=Labels(last if unlabelled is None else train, training.adversarial, loss),
            build=build,
            start=language_model,
            is_member=unlabelled is None,
        )
        stages.append(classifier)
        if unlabelled is not None:
            labels = PseudoLabels(last, unlabelled, loss, prepared.turned)
            self_training = replace(
                classifier,
                name=f"self-training{which}",
                epochs=config.self_training.epochs,
                objective=labels,
                teacher=len(stages) - 1,
                ask=partial(ask_teacher, labels),
                is_member=True,
            )
            stages.append(self_training)
    return stages


def _share_evidence(
    evidence: Callable[[], NGramEvidence | None], config: Config, prepared: Prepared, processes: Processes
) -> NGramEvidence | None:
    """Return the evidence, if any; the first process fits it for all, because a fit takes much memory."""
    if processes.count == 1 or not config.evidence.weight:
        return evidence()
    (words,) = prepared.vocabulary.sizes
    shared = NGramEvidence(config.evidence.size, words, len(prepared.classes))
    fitted = evidence() if processes.rank == 0 else None
    for name, values in shared.state_dict().items():
        if fitted is None:
            values.zero_()
        else:
            values.copy_(fitted.state_dict()[name])
        processes.sum(values)
    return shared


def _choose_loss(config: Config, prepared: Prepared) -> ClassLoss:
    """Return the loss of the classes, weighted as the configuration says."""
    classes = len(prepared.classes)
    if config.training.class_weight == "balanced":
        return ClassLoss.balanced(prepared.train.labels_N, classes)
    return ClassLoss(classes)


def _choose_networks(
    config: Config, prepared: Prepared, tell: Callable[[str], None], parent: "Parent | None"
) -> Callable[[int], LSTMClassifier]:
    """Return a function that makes the first network of a member, by its number.

    Words that have a vector start from it; a run with a parent starts from the parent's weights.
    """
    vectors = _load_start_vectors(config, prepared, tell)
    begin = parent.first_weights(prepared.vocabulary, prepared.classes.names) if parent else None
    sizes, classes = prepared.vocabulary.sizes, len(prepared.classes)

    def new_classifier(member: int) -> LSTMClassifier:
        model = LSTMClassifier(config.model, *sizes, classes=classes)
        if vectors is not None:
            weight_VE = next(model.embeddings[0].parameters())
            with torch.no_grad():
                weight_VE[vectors.found_V] = vectors.rows_VE[vectors.found_V]
        if begin is not None:
            begin(model, member)
        return model

    return new_classifier


def _plan_pretraining(
    config: Config,
    reviews: AnyReviews,
    new_classifier: Callable[[], LSTMClassifier],
    *,
    name: str,
    seed: int,
) -> Stage:
    settings = config.pretraining

    def new_language_model() -> nn.Module:
        model = new_classifier()
        words = len(next(model.embeddings[0].parameters()))
        counts_V = torch.zeros(words, dtype=torch.int64)
        for index in range(len(reviews)):
            counts_V += torch.bincount(torch.from_numpy(reviews[index]), minlength=words)
        return LanguageModel(model, counts_V, settings.samples)

    return Stage(
        name=name,
        seed=seed,
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        average=0.0,
        is_judged=False,
        objective=Words(reviews, directions=2 if config.model.bidirectional else 1),
        build=new_language_model,
    )


def _load_start_vectors(
    config: Config, prepared: Prepared, tell: Callable[[str], None]
) -> "WordVectors | None":
    """The word vectors that the configuration names, if any; `tell` is told how many words have none."""
    name = config.vocabulary.vectors
    if not name:
        return None
    from sentiment.data.vectors import load_word_vectors

    words = prepared.vocabulary.channels[0]
    vectors = load_word_vectors(name, words, config.model.embedding)
    missing = vectors.missing_words(words)
    tell(f"{name}: {len(missing):,} words have no vector, such as {' '.join(missing[:8])}")
    return vectors
