"""The precision of an LSTM on a GPU, tried on a CPU; scripts/check_gpu.sh tries it on a GPU."""

import warnings

import torch

from sentiment.models import lstm
from sentiment.models.gpu_arithmetic import lstm_arithmetic


def test_an_lstm_reads_what_autocast_asks_for_and_autocast_is_off():
    given = [torch.ones(2, 3), torch.zeros(4)]
    rnn = torch.backends.cudnn.rnn
    before = rnn.fp32_precision
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with lstm_arithmetic(given) as read:
            assert [tensor.dtype for tensor in read] == [torch.bfloat16] * 2
            assert not torch.is_autocast_enabled("cpu") and rnn.fp32_precision == "ieee"
        assert torch.is_autocast_enabled("cpu")
    with lstm_arithmetic(given) as read:
        assert read is given
    assert rnn.fp32_precision == before


def test_cudnn_does_not_warn_that_it_copies_the_weights():
    """It warns in the line that calls it."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        lstm.ignore_copied_weights()
        for module in (lstm.__name__, "another"):
            warnings.warn_explicit(
                "RNN module weights are not part of single contiguous chunk", UserWarning, "file", 1, module
            )
    assert len(told) == 1
