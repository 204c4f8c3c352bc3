"""From a trained run and a text to a probability: the predictor, scoring, the lines of a file."""
