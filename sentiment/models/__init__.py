"""Tensors in, logits out: the networks, which know nothing of text, files or the command line.

Shape legend, used in every name and comment below this package:

    B  reviews in a batch          E  features of one token (the embedding's width)
    T  tokens, padding included    H  hidden units of one direction
    D  directions: 1 or 2          M  width of a merged state (D * H where joined, else H)
    L  layers                      R  width of a readout, which the head turns into a logit
    C  channels (variables)        V  words in the vocabulary
    S  segments of a review, or    K  tokens of one segment or stretch
       stretches between two       N  rows put together from several reviews' parts: segments that hold
       gradient cuts                  tokens, or channels
    X  any dimensions

Three modules that have no segments or directions give letters a meaning of their own: in evidence.py G is
n-grams that have a weight, N and D those of a review, P places in it; in language_model.py S is words drawn
at random, N words to predict; in attribution.py S is the steps of a path, K some of them.

`lengths_B` says how many tokens of each row are real; `mask_BT` is true at those. What stands at padding may
be any finite number: it changes nothing and its gradient is exactly zero.
"""
