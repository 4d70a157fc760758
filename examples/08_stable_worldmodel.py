"""Plan in dreams with a solver of stable-worldmodel, here iCEM, and compare it with random actions.

    pip install stable-worldmodel    # with torchvision; for its solvers alone: --no-deps stable-worldmodel loguru

In code newer than release 0.1.1 the solvers are in ``stable_worldmodel.planning``. Run it with

    python examples/08_stable_worldmodel.py [FOLDER OF A WORLD] [NUMBER OF STEPS]

Without a folder, a small world is trained first, on 300 steps of Pendulum, in half a minute.
It is too inaccurate for plans to gain much: pass a world that was trained for longer to see the difference.
"""

# pyright: reportMissingImports=false
import sys
import tempfile
from types import SimpleNamespace

import torch

try:
    from stable_worldmodel.planning.solver import ICEMSolver  # its newest code
except ModuleNotFoundError:
    from stable_worldmodel.solver import ICEMSolver  # releases up to 0.1.1

import vdworld
from vdworld.agents.stable_worldmodel import CostModel

HORIZON, REPLAN_EVERY, NUM_DREAMS = 6, 3, 2


def train_small_world(folder: str) -> str:
    """Record and train just enough for a demonstration."""
    dataset = vdworld.record("Pendulum-v1", f"{folder}/data", num_steps=300, image_size=32)
    vdworld.train(dataset, max_minutes=0.5, output=f"{folder}/world")
    return f"{folder}/world"


def act_at_random(world: vdworld.WorldModel, num_steps: int) -> float:
    """Return the mean return of random actions."""
    state, rng = world.sample_start(NUM_DREAMS, seed=0), torch.Generator().manual_seed(0)
    actions = torch.rand(NUM_DREAMS, num_steps, world.action_codec.dim, generator=rng) * 2 - 1
    with torch.no_grad():
        rollout = world.rollout(state, world.action_codec.project(actions).to(world.device), encoded=True)
    return float(rollout.rewards.sum(dim=1).mean())


def act_by_plan(world: vdworld.WorldModel, num_steps: int) -> float:
    """Return the mean return of plans, of which the first steps are executed before planning again."""
    model = CostModel(world)
    solver = ICEMSolver(model, batch_size=NUM_DREAMS, num_samples=16, n_steps=3, topk=4)
    config = SimpleNamespace(horizon=HORIZON, action_block=1)  # or stable_worldmodel.PlanConfig
    solver.configure(action_space=model.action_space(NUM_DREAMS), n_envs=NUM_DREAMS, config=config)
    state, total = world.sample_start(NUM_DREAMS, seed=0), torch.zeros(NUM_DREAMS)
    for start in range(0, num_steps, REPLAN_EVERY):
        plans = solver.solve({"state": state})["actions"][:, : min(REPLAN_EVERY, num_steps - start)]
        with torch.no_grad():
            rollout = world.rollout(state, model.inverse_transform(plans))
        state, total = rollout.state, total + rollout.rewards.sum(dim=1).cpu()
    return float(total.mean())


if __name__ == "__main__":
    num_steps = int(sys.argv[2]) if len(sys.argv) > 2 else 24
    with tempfile.TemporaryDirectory() as scratch:
        world = vdworld.WorldModel.from_pretrained(sys.argv[1] if len(sys.argv) > 1 else train_small_world(scratch))
        print(f"The dreamt return of {num_steps} random actions:  {act_at_random(world, num_steps):.2f}")
        print(f"The dreamt return of {num_steps} planned actions: {act_by_plan(world, num_steps):.2f}")
