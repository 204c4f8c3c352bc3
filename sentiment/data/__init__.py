"""From a source of reviews to padded batches of token ids. Read in this order:

sources -> text_rules, text, labels -> reviews -> splits -> tokens (tokenizer, workers, token_cache) ->
vocabulary, vectors -> batches -> parts -> readability -> prepare, audit. Nothing here imports `models`; only
`torchtext_adapter` imports torchtext.
"""
