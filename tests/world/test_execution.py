from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from vdworld.world import Execution, Sampling, StartClips, WorldModel, WorldState
from vdworld.world.graphs import MAX_RECORDINGS, StepGraphs, Tensors
from vdworld.world.step import StepRequest, imagine_plainly, imagine_recorded

every_network = pytest.mark.parametrize("network", ["StackedUNet", "VideoUNet", "Transformer"])


class Tape:
    """Records as a CUDA graph does: the step reads from, and writes to, the same memory whenever it is replayed."""

    def __init__(self) -> None:
        self.recorded = 0

    def __call__(self, step: Callable[[Tensors], Tensors], inputs: Tensors) -> tuple[Callable[[], None], Tensors]:
        self.recorded += 1
        outputs = step(inputs)

        def replay() -> None:
            for name, value in step(inputs).items():
                outputs[name].copy_(value)

        return replay, outputs


def plain_step(world: WorldModel, *arguments: Any) -> tuple[WorldState, Tensors]:
    return imagine_plainly(world.generator, world.heads, *arguments)


def recorded_step(world: WorldModel, *arguments: Any) -> tuple[WorldState, Tensors]:
    return imagine_recorded(world.generator, world.heads, *arguments)


@pytest.fixture
def tape() -> Tape:
    return Tape()


@every_network
def test_a_step_reads_nothing_back_to_the_host(make_world: Callable, make_past: Callable, network: str) -> None:
    """Tensors without data can't be read, and take the way of a GPU otherwise."""
    world, (frames, actions) = make_world(network=network).to("meta"), make_past()
    world.sampling = Sampling(num_steps=2, context_noise=0.1, quantize=True)
    state = world.start(frames, actions, seed=torch.arange(3))
    state, outcome = world.step(state, actions[:, 0], with_uncertainty=True)
    assert outcome.frame.device.type == outcome.terminated.device.type == "meta"
    world.starts = StartClips(torch.zeros(5, 4, 3, 16, 16).byte(), torch.zeros(5, 3, 2), torch.ones(5, 3).bool())
    fresh = world.sample_start(3, seed=torch.arange(3, device="meta"))
    assert state.replace(torch.ones(3, dtype=torch.bool, device="meta"), fresh).frames.device.type == "meta"


@every_network
def test_a_step_recorded_in_inference_mode_serves_outside_of_it(
    make_world: Callable, make_past: Callable, tape: Tape, network: str
) -> None:
    world, (frames, actions) = make_world(network=network), make_past(k=9)
    world.graphs = StepGraphs(tape)
    dreams = []
    for mode in (torch.inference_mode, torch.inference_mode, torch.no_grad, torch.inference_mode):
        with mode():
            state = world.start(frames[:, :4], actions[:, :3])
            action = world.action_codec.encode_batch(actions[:, 3], (3,), world.device)
            after, outputs = recorded_step(world, state, action, StepRequest(2))
            dreams.append((after.frames.clone(), outputs["reward"].clone()))
    assert tape.recorded == 1
    for frames_after, reward in dreams[1:]:
        assert torch.equal(frames_after, dreams[0][0])
        assert torch.equal(reward, dreams[0][1])


@every_network
def test_recorded_steps_dream_the_same(
    make_world: Callable, make_past: Callable, assert_same_state: Callable, tape: Tape, network: str
) -> None:
    world, (frames, actions) = make_world(network=network), make_past(k=9)
    world.graphs = StepGraphs(tape)
    fresh = world.start(frames[:, 4:8], actions[:, 4:7], seed=70)
    plain = state = world.start(frames[:, :4], actions[:, :3], seed=11)
    kept: list[tuple[Tensor, Tensor]] = []
    for t in range(3, 8):
        if t == 6:  # lanes that begin anew are no reason to record again
            plain, state = (dreams.replace(torch.tensor([False, True, False]), fresh) for dreams in (plain, state))
        action = world.action_codec.encode_batch(actions[:, t], (3,), world.device)
        plain, expected = plain_step(world, plain, action, StepRequest(2, uncertainty=True))
        state, outputs = recorded_step(world, state, action, StepRequest(2, uncertainty=True))
        assert outputs.keys() == expected.keys()
        kept += [(outputs[name], expected[name]) for name in outputs]
        assert_same_state(state, plain)
    assert tape.recorded == 1
    for value, expected_value in kept:  # later steps overwrite nothing that was handed out
        assert torch.equal(value, expected_value)


def test_a_step_is_recorded_the_second_time(tape: Tape) -> None:
    graphs, ones = StepGraphs(tape), torch.ones(2)

    def double(tensors: Tensors) -> Tensors:
        return {"b": 2 * tensors["a"]}

    for count, expected in ((1, 0), (2, 1), (3, 1)):
        assert torch.equal(graphs.run("double", double, {"a": count * ones})["b"], 2 * count * ones)
        assert tape.recorded == expected
    graphs.run("double", double, {"a": torch.ones(3)})  # another shape
    graphs.run("other", double, {"a": ones})  # another kind
    assert tape.recorded == 1
    graphs.run("double", double, {"a": ones.double()})
    graphs.run("double", double, {"a": ones.double()})
    assert tape.recorded == 2


def test_the_least_recently_used_recording_is_dropped(tape: Tape) -> None:
    graphs = StepGraphs(tape)

    def run(*sizes: int) -> int:
        for size in sizes:
            graphs.run("copy", lambda tensors: {"b": tensors["a"].clone()}, {"a": torch.ones(size)})
        return tape.recorded

    assert run(*range(1, MAX_RECORDINGS + 1), 1) == 1
    assert run(MAX_RECORDINGS + 1, 1, 1) == 1  # size 1 was used last, and is kept
    assert run(2) == 1  # size 2 made room, so that this is its first time again
    assert run(2) == 2


def test_copies_of_a_world_record_anew(make_world: Callable, make_past: Callable, tape: Tape) -> None:
    world, (frames, actions) = make_world(), make_past()
    world.graphs = StepGraphs(tape)
    state, action = world.start(frames, actions), torch.zeros(3, 2)
    for _ in range(2):
        recorded_step(world, state, action, StepRequest(1))
    assert tape.recorded == 1
    other = copy.deepcopy(world)
    with torch.no_grad():
        other.heads.output.bias.add_(1.0)
    expected = plain_step(other, state, action, StepRequest(1))[1]["reward"]
    for _ in range(2):
        assert torch.equal(recorded_step(other, state, action, StepRequest(1))[1]["reward"], expected)
    assert isinstance(pickle.loads(pickle.dumps(StepGraphs())), StepGraphs)


def test_other_settings_are_other_recordings(make_world: Callable, make_past: Callable, tape: Tape) -> None:
    world, (frames, actions) = make_world(), make_past()
    world.graphs = StepGraphs(tape)
    state, action = world.start(frames, actions), torch.zeros(3, 2)
    for sampling in (Sampling(), Sampling(context_noise=0.3), Sampling(sampler="ancestral")):
        world.sampling = sampling
        expected = plain_step(world, state, action, StepRequest(2))[1]["frame"]
        for _ in range(2):
            assert torch.equal(recorded_step(world, state, action, StepRequest(2))[1]["frame"], expected)
    assert tape.recorded == 3


@every_network
def test_low_precision_dreams_about_the_same(make_world: Callable, make_past: Callable, network: str) -> None:
    world, (frames, actions) = make_world(network=network), make_past()
    outcomes = []
    for precision in ("float32", "bfloat16"):
        world.execution = Execution(precision=precision)
        state, outcome = world.step(world.start(frames, actions), actions[:, 0])
        assert state.frames.dtype == state.features.dtype == outcome.reward.dtype == torch.float32
        outcomes.append(outcome)
    gap = (outcomes[0].frame - outcomes[1].frame).abs()
    assert gap.max() > 0
    assert gap.mean() < 0.1  # displaced noise is sensitive to rounding
    torch.testing.assert_close(outcomes[1].reward, outcomes[0].reward, rtol=0, atol=0.1)


def test_the_reference_is_float32_even_inside_autocast(make_world: Callable, make_past: Callable) -> None:
    world, (frames, actions) = make_world(), make_past()
    plain = world.step(world.start(frames, actions), actions[:, 0])[1]
    with torch.autocast("cpu", torch.bfloat16):
        inside = world.step(world.start(frames, actions), actions[:, 0])[1]
    assert torch.equal(plain.frame, inside.frame)


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="`precision` must be"):
        Execution(precision="half")


def test_a_copy_of_a_compiled_world_has_a_network_of_its_own(make_world: Callable) -> None:
    world = make_world()
    world.execution = Execution(compile=True)
    other = copy.deepcopy(world)
    assert other.denoiser.network._network is other.network is not world.network
    assert world.denoiser.network._network is world.network
    assert world.train().denoiser.network is world.network  # training compiles nothing


@pytest.mark.slow
@every_network
def test_compiled_worlds_dream_the_same(make_world: Callable, make_past: Callable, network: str) -> None:
    world, (frames, actions) = make_world(network=network), make_past()
    outcomes = []
    for compiled in (False, True):
        world.execution = Execution(compile=compiled)
        with torch.no_grad():
            state = world.start(frames, actions)
            outcomes.append(world.rollout(state, actions[:, :3], num_sampling_steps=2))
    torch.testing.assert_close(outcomes[0].frames, outcomes[1].frames, rtol=0, atol=1e-3)
    torch.testing.assert_close(outcomes[0].rewards, outcomes[1].rewards, rtol=0, atol=1e-3)


@pytest.mark.gpu
@every_network
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_cuda_graph_dreams_the_same(make_world: Callable, make_past: Callable, network: str, precision: str) -> None:
    world, (frames, actions) = make_world(network=network).to("cuda"), make_past(k=12)
    dreams: list[tuple[WorldState, Tensor]] = []
    for cuda_graphs in (False, True):
        world.execution = Execution(precision=precision, cuda_graphs=cuda_graphs)
        with torch.no_grad():
            rollout = world.rollout(world.start(frames[:, :4], actions[:, :3]), actions[:, 3:].cuda())
        dreams.append((rollout.state, rollout.frames))
    tolerance = 1e-4 if precision == "float32" else 0.05
    torch.testing.assert_close(dreams[1][1], dreams[0][1], rtol=0, atol=tolerance)
    assert torch.equal(dreams[1][0].counter, dreams[0][0].counter)


@pytest.mark.gpu
@every_network
def test_a_step_does_not_wait_for_the_gpu(make_world: Callable, make_past: Callable, network: str) -> None:
    world, (frames, actions) = make_world(network=network).to("cuda"), make_past()
    action = torch.zeros(3, 2, device="cuda")
    with torch.no_grad():
        state = world.start(frames, actions)
        for _ in range(3):
            state, _ = world.step(state, action, encoded=True)
        torch.cuda.set_sync_debug_mode("error")
        try:
            state, _ = world.step(state, action, encoded=True)
            state.replace(torch.ones(3, dtype=torch.bool, device="cuda"), state)
        finally:
            torch.cuda.set_sync_debug_mode("default")


def test_worlds_begin_plain(make_world: Callable[..., WorldModel]) -> None:
    assert make_world().execution == Execution(precision="auto", compile=False, cuda_graphs=True)
