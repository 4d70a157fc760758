"""The belt and the worlds that evaluations are tested on serve benchmarks too."""

from tests.evaluation.conftest import (  # noqa: F401
    _one_thread,
    belt,
    belt_data,
    copying_world,
    make_world,
    perfect_world,
    pusht_data,
    pusht_world,
)
