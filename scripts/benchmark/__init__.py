"""Measure the speed of training and predicting on a CPU, next to other ways on the same reviews.

A. Whole training steps (batch, forward, loss, backward, clip, AdamW) at the article's sizes.
   `article` is the article's own step: batches of 64 whole reviews in random order, `nn.LSTM` over the
   padding, read at `outputs[:, -1]`, Adam and no clipping. It runs in its own process, because the article's
   script does not flush denormal numbers, and threads inherit that. A second row has the speed with flushing.
   `packed` is the same network on our batches, packed, and read at the end of each direction.
   `ours` is the project's training loop. `ours, default` is the same with the default recipe.
B. The arithmetic of `ours` as a share of the machine's speed in a product of two float32 matrices. A layer of
   H units that reads I features takes 2 * 4H * (I + H) operations forward for each real token and direction,
   and twice as many backward. A multiply-add is two operations. Padding and all other parts are not counted.
C. The exact layer, the plain padded `nn.LSTM` and the packed one: forward, maximum over states, backward.
D. Every encoder at the same sizes, with steps as in A. An encoder of C channels does the work C times, so its
   tokens count C times. The project promises at least half the speed of `stacked`.
E. Prediction with the shipped model. `modules` runs the network as it is trained, `in bulk` as `predict` does
   with many reviews: words looked up in a table, each core with reviews of its own.

Speeds count real tokens, never padding. The ways take turns: in each round, all but `article` get the same
next batch of an epoch. The first step of each way is not counted. If all reviews of a batch have the same
length, torch uses the padded kernel for the packed way. Therefore `packed` and `ours` are compared over many
more batches, with the same share of such batches as in an epoch.
"""
