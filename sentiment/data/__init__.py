"""From a source of reviews to padded batches of token ids. Read in this order:

reviews -> splits -> tokens -> vocabulary (vectors) -> batches; `prepare` walks the road once for a run.
"""
