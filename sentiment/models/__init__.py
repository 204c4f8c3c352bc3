"""Tensors in, logits out: the networks, which know nothing of text, files or the command line.

Shape legend, used in every name and comment below this package:

    B  reviews in a batch          E  features of one token (the embedding's width)
    T  tokens, padding included    H  hidden units of one direction
    D  directions: 1 or 2          M  width of a merged state (D * H when joined)
    L  layers                      V  words in the vocabulary

`lengths_B` says how many tokens of each row are real; `mask_BT` is true at those.
"""
