"""The errors that a user can see, each with the exit code of the command that fails with it.

    SentimentError            1   a defect of this program
    ├── UsageError            2   the command line or the configuration is wrong
    ├── InputError            3   something that was read is wrong
    │   ├── DataError             reviews, vectors or text
    │   └── RunError              a run folder or one of its checkpoints
    ├── MachineError          4   the machine lacks something: GPU, disk, network, permission, memory
    ├── DivergedError         5   the loss or a gradient is no longer finite
    └── CheckError            6   a check that the user asked for failed; everything else is in order

`Interrupted` (130 or 143) is no error: the user or the system asked the program to stop.
"""

import signal


class SentimentError(Exception):
    """Base of every error with a message for the user: one line, what is wrong and what to do."""

    exit_code = 1


class UsageError(SentimentError):
    """The command line or the configuration is wrong."""

    exit_code = 2


class InputError(SentimentError):
    """Something that was read is wrong."""

    exit_code = 3


class DataError(InputError):
    """Reviews, word vectors or a text to predict are wrong."""


class RunError(InputError):
    """A run folder or a checkpoint is missing, damaged or of another program."""


class MachineError(SentimentError):
    """The machine lacks something: a GPU, disk space, a network, a permission, memory."""

    exit_code = 4


class DivergedError(SentimentError):
    """Training produced a loss or a gradient that is not finite."""

    exit_code = 5


class CheckError(SentimentError):
    """A check that the user asked for failed."""

    exit_code = 6


class Interrupted(BaseException):
    """The process was asked to stop by SIGINT or SIGTERM; `except Exception` does not catch it."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.exit_code = 128 + signal_number
