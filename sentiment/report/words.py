"""What a report says in words, from the facts alone."""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from sentiment.evaluation.judge import Comparison
from sentiment.report.facts import JudgedRun, RunComparison
from sentiment.system.versions import changed_versions


def verdict(run: JudgedRun, compared: Comparison | None) -> str:
    """The first sentences of a page."""
    judged = run.judged.evaluation
    right = f"It is right on {judged.accuracy:.1%} of {judged.reviews:,} reviews"
    if learned_from(run):
        which = "that" if run.judged.split == "train" else "most of which"
        sentences = [f"{right} {which} it was trained on."]
    else:
        likely = f"{judged.accuracy_low:.1%} to {judged.accuracy_high:.1%}"
        sentences = [f"{right}; on others of their kind expect {likely}."]
    if compared:
        sentences.append(baseline_verdict(compared))
    confidence = sum(bin.reviews * bin.confidence for bin in run.reliability) / judged.reviews
    direction = "over" if confidence > judged.accuracy else "under"
    sentences.append(
        f"Its confidence is {confidence:.1%} on average, {direction} its accuracy by "
        f"{abs(confidence - judged.accuracy) * 100:.1f} points."
    )
    return " ".join(sentences)


def baseline_verdict(compared: Comparison) -> str:
    """How the baseline does beside the run."""
    run, baseline = compared.run.evaluation, compared.baseline.evaluation
    if run.accuracy == baseline.accuracy:
        return f"A linear n-gram model does as well: {baseline.accuracy:.1%}."
    order = "less than" if baseline.accuracy < run.accuracy else "more than"
    test = compared.paired_test
    chance = "unlikely to be chance" if test.is_significant() else "one that chance may explain"
    return (
        f"A linear n-gram model of the same training reviews gets {baseline.accuracy:.1%}, {order} this run; "
        f"the difference is {chance} ({test.describe()})."
    )


def comparison_verdict(compared: RunComparison) -> str:
    """Which run is best, and whether that means anything."""
    best = max(compared.runs, key=lambda run: run.judged.evaluation.accuracy)
    leads: dict[bool, list[str]] = {True: [], False: []}
    for first, second, test in compared.paired_tests:
        if best is first or best is second:
            leads[test.is_significant(len(compared.paired_tests))].append(
                second.name if first is best else first.name
            )
    accuracy = best.judged.evaluation.accuracy
    if all(run.judged.evaluation.accuracy == accuracy for run in compared.runs):
        return f"All are right equally often: {accuracy:.1%}."
    sentences = [f"{best.name} is right most often: {accuracy:.1%}."]
    if leads[True]:
        sentences.append(f"Its lead over {', '.join(leads[True])} is unlikely to be chance.")
    if leads[False]:
        sentences.append(f"Chance may explain its lead over {', '.join(leads[False])}.")
    return " ".join(sentences)


def learned_from(run: JudgedRun) -> bool:
    """Whether the run was trained on the reviews it is judged on, or on most of them."""
    return run.scores.is_own_data and run.judged.split in ("train", "all")


def warnings(runs: Sequence[JudgedRun]) -> list[str]:
    """What makes the figures flatter the runs."""
    trained = [run.name for run in runs if learned_from(run)]
    chosen = [
        run.name
        for run in runs
        if run.scores.is_own_data and run.judged.split == "validation" and run.record["result"]["validation"]
    ]
    found = []
    if trained:
        found.append(
            f"{', '.join(trained)} learned from these very reviews, or most of them. The figures say how "
            "well they were learned, not what to expect of new ones."
        )
    if chosen:
        found.append(
            f"the epoch that {', '.join(chosen)} kept was chosen on these reviews, which flatters a little."
        )
    calibrated = [run.name for run in runs if run.name in chosen and run.judged.temperature != 1]
    if calibrated:
        found.append(f"the temperature of {', '.join(calibrated)} was fitted on them, too.")
    return found


def how_trained(run: JudgedRun) -> str:
    """Reviews, time and stages."""
    data, result = run.record["data"], run.record["result"]
    stages = ", then ".join(
        f"{stage['name']}, {_epochs(stage['epochs'])}"
        + (f" (the best: {stage['best_epoch']})" if stage["best_epoch"] else "")
        for stage in result["stages"]
    )
    return f"On {data['train']:,} reviews in {result['seconds'] / 60:,.1f} minutes: {stages}."


def _epochs(count: int) -> str:
    return "1 epoch" if count == 1 else f"{count} epochs"


def data_verdict(run: JudgedRun) -> str:
    """What the run was trained on, as its run.json says."""
    data = run.record["data"]
    words = ", ".join(f"{count:,}" for count in data["words"])
    held_out = (
        f"{data['validation']:,} were held out for validation ({data['validation_rule']})"
        if data["validation"]
        else "none were held out for validation"
    )
    beside = {"unlabelled": "unlabelled ones", "extra": "further texts", "phrases": "bundled short texts"}
    further = "".join(f", {data[key]:,} {name}" for key, name in beside.items() if data[key])
    shared = data["shared_groups"]
    groups = "" if shared is None else f", {shared:,} groups stand on both sides"
    return (
        f"Trained on {data['train']:,} reviews of {data['source']}{further}; {held_out}{groups}. "
        f"The vocabulary has {words} words of the training reviews."
    )


def versions_note(run: JudgedRun) -> str:
    """Which versions have changed since the training."""
    changes = changed_versions(run.record["versions"])
    return f"Changed since: {changes}." if changes else "This page was made with the same versions."


def environment(run: JudgedRun) -> dict[str, str]:
    """Machine, code and versions of the training."""
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


def written(run: JudgedRun) -> str:
    """What differs from one writing of the page to the next: time and speed."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"Written by sentiment {version('sentiment')} on {now}. "
        f"{run.name} scored {run.judged.reviews_per_second:,.0f} reviews a second."
    )
