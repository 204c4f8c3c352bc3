"""The list of all campaigns, in the order of their numbers."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from . import (
    companions,
    controls,
    crashes,
    damage,
    hostile,
    inputs,
    machine,
    numbers,
    stops,
    strangers,
    surroundings,
    tables,
    texts,
    together,
)
from .frame import Campaign


@dataclass(frozen=True)
class Entry:
    """A campaign, its name in the table and its number of trials."""

    name: str
    trials: int
    run: Campaign

    def trial_numbers(self, share: float) -> Sequence[int]:
        """Return a share of the trials, at least one and always the same ones."""
        count = max(1, ceil(self.trials * share))
        return sorted(random.Random(count).sample(range(self.trials), count))


CAMPAIGNS = {
    1: Entry("kill -9 at random moments", 100, crashes.kill_at_random),
    2: Entry("every call of a save fails", crashes.FAULT_TRIALS, crashes.fail_every_call),
    3: Entry("order of a save", 1, crashes.order_of_a_save),
    4: Entry("damaged files", 2_000, damage.damage_files),
    5: Entry("hostile runs and checkpoints", hostile.TRIALS, hostile.open_hostile),
    6: Entry("predict on any text", 2_041, texts.predict_any_text),
    7: Entry("bad data files", inputs.DATA_TRIALS, inputs.read_bad_files),
    8: Entry("full disks", len(machine.FULL), machine.fill_disks),
    9: Entry("processes that share a folder", together.TRIALS, together.share_folders),
    10: Entry("places that cannot be written", len(machine.PLACES), machine.refuse_places),
    11: Entry("limits of the address space", machine.LEVELS, machine.limit_memory),
    12: Entry("signals in every phase", stops.TRIALS, stops.stop_anywhere),
    13: Entry("numbers that are not finite", len(numbers.PLANTS), numbers.plant_numbers),
    14: Entry("bad configurations", len(inputs.REQUESTS), inputs.refuse_bad_requests),
    15: Entry("pipes that break", len(texts.PIPES), texts.break_pipes),
    16: Entry("one training, many processes", together.REPEATS, together.repeat_training),
    17: Entry("negative controls", len(controls.CONTROLS), controls.break_promises),
    18: Entry("links, names and damage of strangers", len(strangers.CASES), strangers.meet_strangers),
    19: Entry("surroundings that lack something", len(surroundings.CASES), surroundings.meet_surroundings),
    20: Entry("processes that assist or fork", len(companions.CASES), companions.keep_company),
    21: Entry("tables in and out", len(tables.CASES), tables.write_tables),
}
