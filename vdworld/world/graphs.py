"""Whole steps recorded as CUDA graphs, so that a step is one launch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import torch
from torch import Tensor

Tensors = dict[str, Tensor]
Step = Callable[[Tensors], Tensors]
Record = Callable[[Step, Tensors], tuple[Callable[[], None], Tensors]]
"""Takes a step and the tensors it reads; gives a function that computes it again, and the tensors this writes to."""

MOST = 8  # recordings that are kept


class StepGraphs:
    """Recordings of steps, one for each kind and shape; those that were not asked for the longest are forgotten.

    A step is computed plainly when it comes up for the first time, since many come up just once.

    Args:
        record: How to record.
    """

    def __init__(self, record: Record | None = None) -> None:
        self._record = record or record_cuda
        self._recorded: OrderedDict[Hashable, RecordedStep | None] = OrderedDict()

    def run(self, kind: Hashable, step: Step, inputs: Tensors) -> Tensors:
        """Return what ``step(inputs)`` returns, in memory of its own.

        Args:
            kind: Steps of one kind do the same to tensors of the same shapes; anything that they depend on beside
                these is part of it.
            step: A function of tensors alone, whose shapes decide all that it does on the host.
            inputs: By name.
        """
        key = (kind, tuple((name, value.shape, value.dtype) for name, value in inputs.items()))
        if key not in self._recorded:
            self._recorded[key] = None
            while len(self._recorded) > MOST:
                self._recorded.popitem(last=False)
            return step(inputs)
        self._recorded.move_to_end(key)
        recorded = self._recorded[key]
        if recorded is None:
            recorded = self._recorded[key] = RecordedStep(step, inputs, self._record)
        return recorded(inputs)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle as if nothing were recorded: recordings belong to one process and its weights."""
        return (StepGraphs, (self._record,))


class RecordedStep:
    """A step that reads from, and writes to, memory of its own.

    Args:
        step: What to record.
        inputs: Tensors of the right shapes.
        record: How to.
    """

    def __init__(self, step: Step, inputs: Tensors, record: Record) -> None:
        with torch.inference_mode(False), torch.no_grad():  # memory made in inference mode can't be written outside it
            self._inputs = {name: value.clone(memory_format=torch.contiguous_format) for name, value in inputs.items()}
            self._replay, self._outputs = record(step, self._inputs)

    def __call__(self, inputs: Tensors) -> Tensors:
        """Replay the step on other tensors."""
        for name, value in inputs.items():
            self._inputs[name].copy_(value)
        self._replay()
        return {name: value.clone() for name, value in self._outputs.items()}


def record_cuda(step: Step, inputs: Tensors) -> tuple[Callable[[], None], Tensors]:
    """Record a step as a CUDA graph.

    Raises:
        RuntimeError: The step can't be recorded, since it waits for the GPU or moves tensors from the host.
    """
    device = next(iter(inputs.values())).device
    with torch.cuda.device(device):
        aside, here = torch.cuda.Stream(), torch.cuda.current_stream()
        aside.wait_stream(here)
        with torch.cuda.stream(aside):
            step(inputs)  # allocate, tune and compile outside of the recording
        here.wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                outputs = step(inputs)
        except RuntimeError as error:
            advice = "Set world.execution = Execution(cuda_graphs=False) to compute it plainly."
            raise RuntimeError(f"This world's step can't be recorded as a CUDA graph: {error} {advice}") from error
    return graph.replay, outputs
