"""Say a prediction in words: its label, and how sure the model is of that label."""

from sentiment.inference.predictor import Prediction

ALMOST_CERTAIN = 0.999


def label_and_confidence(prediction: Prediction) -> str:
    """Return for example `negative, 99.6% sure`, or `unreadable, positive at 55.2%`."""
    if prediction.label not in prediction.probabilities:
        return f"{prediction.label}, {confidence_cell(prediction)}"
    return f"{prediction.label}, {confidence_percent(prediction)} sure"


def confidence_cell(prediction: Prediction) -> str:
    """Return the confidence as a column of plain text; without a class it names the likeliest one."""
    percent = confidence_percent(prediction)
    if prediction.label in prediction.probabilities:
        return percent
    return f"{prediction.likeliest} at {percent}"


def confidence_percent(prediction: Prediction) -> str:
    """Return the confidence as for example `99.6%`; only a confidence of exactly 1 gives `100.0%`."""
    confidence = prediction.confidence
    return f"{confidence if confidence == 1 else min(confidence, ALMOST_CERTAIN):.1%}"
