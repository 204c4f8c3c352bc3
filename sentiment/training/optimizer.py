"""AdamW that does not import torch's compiler."""

from inspect import unwrap

import torch
from torch.optim import Optimizer


class PlainAdamW(torch.optim.AdamW):
    """AdamW whose methods are not wrapped for `torch.compile`, which a training does not use.

    The wrappers import torch's compiler when they are first called, which takes two seconds and 70 MiB.
    """

    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))
    add_param_group = unwrap(Optimizer.add_param_group)
    zero_grad = unwrap(Optimizer.zero_grad)
    state_dict = unwrap(Optimizer.state_dict)
    load_state_dict = unwrap(Optimizer.load_state_dict)
