"""The networks: tensors in, logits out. No text, no files, no command line.

Shape legend, used in every name and comment of this package:

    B  reviews in a batch          E  features of one token (the embedding's width)
    T  tokens, padding included    H  hidden units of one direction
    D  directions: 1 or 2          M  width of a merged state (D * H where joined, else H)
    L  layers                      R  width of a readout, which the head turns into logits
    C  channels (variables)        V  words in the vocabulary
    S  segments of a review, or    K  tokens of one segment or stretch
       stretches between two       N  rows put together from several reviews' parts: segments that hold
       gradient cuts                  tokens, or channels
    X  any dimensions             O  logits of a review: 1 for two classes, else one for each class

Three modules without segments or directions use some letters differently. In evidence.py, G is the n-grams
that have a weight, N and D the n-grams of a review, P the places in it. In language_model.py, S is the words
drawn at random, N the words to predict. In attribution.py, S is the steps of a path, K some of them.

`lengths_B` counts the real tokens of each row; `mask_BT` is true at those. The values at padding may be any
finite numbers: they change nothing, and their gradient is exactly zero.
"""
