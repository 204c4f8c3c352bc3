"""How accurate a run is: figures, slices, the linear baseline, behavioural probes."""
