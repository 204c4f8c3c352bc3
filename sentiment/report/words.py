"""Write the sentences of a report from its facts."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sentiment.evaluation.judge import Comparison
from sentiment.report.facts import JudgedRun, RunComparison
from sentiment.system.versions import __version__, changed_versions


def run_summary(run: JudgedRun, compared: Comparison | None) -> str:
    """Say how accurate a run is, how the baseline compares, and whether its confidence fits."""
    judged = run.judged.evaluation
    right = f"It is right on {judged.accuracy:.1%} of {judged.reviews:,} reviews"
    if is_judged_on_training_reviews(run):
        which = "that" if run.judged.split == "train" else "most of which"
        sentences = [f"{right} {which} it was trained on."]
    else:
        likely = f"{judged.accuracy_low:.1%} to {judged.accuracy_high:.1%}"
        sentences = [f"{right}. On similar reviews, expect {likely}."]
    if compared:
        sentences.append(baseline_sentence(compared))
    confidence = sum(bin.reviews * bin.confidence for bin in run.reliability) / judged.reviews
    direction = "above" if confidence > judged.accuracy else "below"
    points = abs(confidence - judged.accuracy) * 100
    sentences.append(
        f"Its average confidence is {confidence:.1%}, {points:.1f} points {direction} its accuracy."
    )
    return " ".join(sentences)


def baseline_sentence(compared: Comparison) -> str:
    """Say whether the run is better than the baseline."""
    run, baseline = compared.run.evaluation, compared.baseline.evaluation
    if run.accuracy == baseline.accuracy:
        return f"A linear n-gram model is as accurate: {baseline.accuracy:.1%}."
    order = "less" if baseline.accuracy < run.accuracy else "more"
    test = compared.paired_test
    chance = "is unlikely to be chance" if test.is_significant() else "may be chance"
    return (
        f"A linear n-gram model, trained on the same reviews, reaches {baseline.accuracy:.1%}, {order} than "
        f"this run; the difference {chance} ({test.describe()})."
    )


def comparison_summary(compared: RunComparison) -> str:
    """Say which run is best, and whether its lead may be chance."""
    best = max(compared.runs, key=lambda run: run.judged.evaluation.accuracy)
    leads: dict[bool, list[str]] = {True: [], False: []}
    for first, second, test in compared.paired_tests:
        if best is first or best is second:
            leads[test.is_significant(len(compared.paired_tests))].append(
                second.name if first is best else first.name
            )
    accuracy = best.judged.evaluation.accuracy
    if all(run.judged.evaluation.accuracy == accuracy for run in compared.runs):
        return f"All runs have the same accuracy: {accuracy:.1%}."
    sentences = [f"{best.name} has the highest accuracy: {accuracy:.1%}."]
    if leads[True]:
        sentences.append(f"Its lead over {', '.join(leads[True])} is unlikely to be chance.")
    if leads[False]:
        sentences.append(f"Its lead over {', '.join(leads[False])} may be chance.")
    return " ".join(sentences)


def is_judged_on_training_reviews(run: JudgedRun) -> bool:
    """Whether the run was trained on all or most of the reviews it is judged on."""
    return run.scores.is_own_data and run.judged.split in ("train", "all")


def list_warnings(runs: Sequence[JudgedRun]) -> list[str]:
    """List the reasons why the figures are too good."""
    trained = [run.name for run in runs if is_judged_on_training_reviews(run)]
    chosen = [
        run.name
        for run in runs
        if run.scores.is_own_data and run.judged.split == "validation" and run.record["result"]["validation"]
    ]
    found = []
    if trained:
        found.append(
            f"{', '.join(trained)} learned from all or most of these reviews. The figures show how well they "
            "were learned, not how accurate the model is on new reviews."
        )
    if chosen:
        found.append(
            f"the best epoch of {', '.join(chosen)} was chosen on these reviews, so the figures are slightly "
            "too good."
        )
    calibrated = [run.name for run in runs if run.name in chosen and run.judged.temperature != 1]
    if calibrated:
        found.append(f"the temperature of {', '.join(calibrated)} was fitted on these reviews.")
    return found


def training_summary(run: JudgedRun) -> str:
    """Say on how many reviews, for how long and in which stages a run was trained."""
    data, result = run.record["data"], run.record["result"]
    stages = ", then ".join(
        f"{stage['name']}, {_count_epochs(stage['epochs'])}"
        + (f" (the best: {stage['best_epoch']})" if stage["best_epoch"] else "")
        for stage in result["stages"]
    )
    return f"On {data['train']:,} reviews in {result['seconds'] / 60:,.1f} minutes: {stages}."


def _count_epochs(count: int) -> str:
    return "1 epoch" if count == 1 else f"{count} epochs"


def data_summary(run: JudgedRun) -> str:
    """Say what a run was trained on, from its run.json."""
    data = run.record["data"]
    vocabularies = ", ".join(f"{count:,}" for count in data["words"])
    held_out = (
        f"{data['validation']:,} were held out for validation ({data['validation_rule']})"
        if data["validation"]
        else "none were held out for validation"
    )
    other_texts = {
        "unlabelled": "unlabelled ones",
        "extra": "further texts",
        "phrases": "bundled short texts",
    }
    further = "".join(f", {data[key]:,} {name}" for key, name in other_texts.items() if data[key])
    shared = data["shared_groups"]
    groups = "" if shared is None else f", {shared:,} groups are on both sides"
    return (
        f"Trained on {data['train']:,} reviews of {data['source']}{further}; {held_out}{groups}. "
        f"The vocabulary has {vocabularies} words of the training reviews."
    )


def versions_note(run: JudgedRun) -> str:
    """Say which versions have changed since the training."""
    changes = changed_versions(run.record["versions"])
    return f"Changed since: {changes}." if changes else "This page was written with the same versions."


def environment_rows(run: JudgedRun) -> dict[str, str]:
    """List machine, code and versions of the training."""
    record = run.record
    machine, result = record["machine"], record["result"]
    return {
        "machine": f"{machine['device']}, {machine['threads']} threads, processes: {machine['processes']}, "
        f"{machine['precision']}",
        "peak memory": f"{result['peak_memory_bytes'] / 2**20:,.0f} MiB",
        "seed": str(record["seed"]),
        "commit": record["git"] or "not run from a checkout",
        "data SHA-256": record["data"]["hash"],
        **record["versions"],
    }


def writing_note(run: JudgedRun) -> str:
    """Say when the page was written and how fast the run was. All other parts are the same each time."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"Written by sentiment {__version__} on {now}. "
        f"{run.name} scored {run.judged.reviews_per_second:,.0f} reviews a second."
    )
