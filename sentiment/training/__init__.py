"""Find the weights: `loop` steps and yields, `train` is its caller that saves, logs and stops."""
