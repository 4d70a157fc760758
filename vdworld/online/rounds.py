"""How an online run is divided into rounds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from vdworld.setting_types import check_types


@dataclass(frozen=True)
class Target:
    """The totals at the end of a round, counted from the start of the run.

    Args:
        real_steps: Steps in the real environment.
        world_steps: Optimiser steps of the world.
        dream_steps: Imagined steps from which the policy has learnt.
    """

    real_steps: int
    world_steps: int
    dream_steps: int


@dataclass(frozen=True)
class Rounds:
    """The number of steps in the first round and in every later one.

    Args:
        num_real_steps: Steps in the real environment in all rounds together.
        num_first_real_steps: Those of the first round, with random actions.
        num_round_real_steps: Those of every later round, with actions of the policy.
        num_first_world_steps: Optimiser steps of the world in the first round.
        num_round_world_steps: The same in every later round.
        num_first_dream_steps: Imagined steps from which the policy learns in the first round.
        num_round_dream_steps: The same in every later round.
        num_last_rounds: Number of rounds at the end that train and learn without acting.

    Raises:
        ValueError: A number is out of range.
    """

    num_real_steps: int = 10_000
    num_first_real_steps: int = 2_000
    num_round_real_steps: int = 1_000
    num_first_world_steps: int = 1_000
    num_round_world_steps: int = 200
    num_first_dream_steps: int = 10_000
    num_round_dream_steps: int = 10_000
    num_last_rounds: int = 0

    def __post_init__(self) -> None:
        check_types(self)
        for name, value in asdict(self).items():
            if value < (0 if name == "num_last_rounds" else 1):
                raise ValueError(f"`{name}` must be at least 1, got {value}.")
        if self.num_first_real_steps > self.num_real_steps:
            raise ValueError(
                f"`num_first_real_steps` must be at most {self.num_real_steps} (`num_real_steps`), "
                f"got {self.num_first_real_steps}."
            )

    def __len__(self) -> int:
        """Return the number of rounds."""
        later = self.num_real_steps - self.num_first_real_steps
        return 1 + math.ceil(later / self.num_round_real_steps) + self.num_last_rounds

    def __iter__(self) -> Iterator[Target]:
        """Yield the target of each round."""
        for index in range(len(self)):
            real = self.num_first_real_steps + index * self.num_round_real_steps
            yield Target(
                min(real, self.num_real_steps),
                self.num_first_world_steps + index * self.num_round_world_steps,
                self.num_first_dream_steps + index * self.num_round_dream_steps,
            )
