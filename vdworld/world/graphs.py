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
"""Takes a step and its input tensors; returns a function that computes the step again, and the tensors it writes to."""

MAX_RECORDINGS = 8


class StepGraphs:
    """Recordings of steps, one for each kind and shape; the least recently used one makes room for a new one.

    A step is computed plainly the first time, since many kinds occur just once.

    Args:
        record: How to record a step; None records CUDA graphs.
    """

    def __init__(self, record: Record | None = None) -> None:
        self._record = record or record_cuda
        self._recorded: OrderedDict[Hashable, RecordedStep | None] = OrderedDict()

    def run(self, kind: Hashable, step: Step, inputs: Tensors) -> Tensors:
        """Return what ``step(inputs)`` returns, in memory that no later call overwrites.

        Args:
            kind: Identifies what the step computes; it must include everything the step depends on beside its inputs.
            step: A function of tensors alone; everything it does on the host depends only on their shapes.
            inputs: The step's tensors by name.
        """
        key = (kind, tuple((name, value.shape, value.dtype) for name, value in inputs.items()))
        if key not in self._recorded:
            self._recorded[key] = None
            while len(self._recorded) > MAX_RECORDINGS:
                self._recorded.popitem(last=False)
            return step(inputs)
        self._recorded.move_to_end(key)
        recorded = self._recorded[key]
        if recorded is None:
            recorded = self._recorded[key] = RecordedStep(step, inputs, self._record)
        return recorded(inputs)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle without recordings, which belong to one process and its weights."""
        return (StepGraphs, (self._record,))


class RecordedStep:
    """A step that reads from and writes to its own memory.

    Args:
        step: What to record.
        inputs: Tensors of the right shapes.
        record: How to record it.
    """

    def __init__(self, step: Step, inputs: Tensors, record: Record) -> None:
        with torch.inference_mode(False), torch.no_grad():  # memory made in inference mode can't be written outside it
            self._inputs = {name: value.clone(memory_format=torch.contiguous_format) for name, value in inputs.items()}
            self._replay, self._outputs = record(step, self._inputs)

    def __call__(self, inputs: Tensors) -> Tensors:
        """Replay the step on these tensors, and return its outputs in fresh memory."""
        for name, value in inputs.items():
            self._inputs[name].copy_(value)
        self._replay()
        return {name: value.clone() for name, value in self._outputs.items()}


def record_cuda(step: Step, inputs: Tensors) -> tuple[Callable[[], None], Tensors]:
    """Record a step as a CUDA graph.

    Raises:
        RuntimeError: The step can't be recorded, for example because it waits for the GPU or copies from the host.
    """
    device = next(iter(inputs.values())).device
    with torch.cuda.device(device):
        warm_up, current = torch.cuda.Stream(), torch.cuda.current_stream()
        warm_up.wait_stream(current)
        with torch.cuda.stream(warm_up):
            step(inputs)  # allocate, tune and compile outside of the recording
        current.wait_stream(warm_up)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                outputs = step(inputs)
        except RuntimeError as error:
            advice = "Set world.execution = Execution(cuda_graphs=False) to run without recordings."
            raise RuntimeError(f"This world's step can't be recorded as a CUDA graph: {error} {advice}") from error
    return graph.replay, outputs
