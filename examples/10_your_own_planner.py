"""Write your own planning method, and compare it in dreams with CrossEntropy and with doing nothing.

    python examples/10_your_own_planner.py [FOLDER OF A WORLD] [NUMBER OF STEPS]

Without a folder, a small world is trained first, on 300 steps of Pendulum, in half a minute.
"""

import sys
import tempfile

import torch

import vdworld
from vdworld.agents import CrossEntropy, Planner, PlanningMethod, PlanningProblem, RandomShooting

NUM_DREAMS = 2


class HillClimbing:
    """Perturb the best plan so far, by less and less.

    A method has a `horizon`, and a `plan` that takes a PlanningProblem. The problem holds a plan to start from
    (`problem.guess`), samples random numbers (`problem.normal`) and scores n plans in each of b lanes
    (`problem.score`). Plans are encoded actions ``[b, n, t, a]``, in which [-1, 1] are the bounds and a choice has one
    number per option. The problem projects plans to the nearest legal ones, dreams them in batches, counts the cost
    and keeps the best (`problem.best_plan`).
    """

    def __init__(self, horizon: int = 8, num_candidates: int = 32, num_iterations: int = 4, std: float = 0.6) -> None:
        self.horizon, self.num_candidates, self.num_iterations = horizon, num_candidates, num_iterations
        self.std = std

    def plan(self, problem: PlanningProblem) -> torch.Tensor:
        """Return the best plan found, one per lane ``[b, t, a]``."""
        problem.score(problem.guess[:, None])
        for i in range(self.num_iterations):
            changes = self.std / 2**i * problem.normal(self.num_candidates, *problem.guess.shape[1:])
            problem.score(problem.best_plan[:, None] + changes)
        return problem.best_plan


def train_small_world(folder: str) -> str:
    """Record and train just enough for a demonstration."""
    dataset = vdworld.record("Pendulum-v1", f"{folder}/data", num_steps=300, image_size=32)
    vdworld.train(dataset, max_minutes=0.5, output=f"{folder}/world")
    return f"{folder}/world"


def dream(world: vdworld.WorldModel, method: PlanningMethod, num_steps: int) -> None:
    """Execute half of every plan before the next one, and print the return and the cost."""
    planner, state, total = Planner(world, method), world.sample_start(NUM_DREAMS, seed=0), 0.0
    guess = elapsed = None
    for start in range(0, num_steps, planner.replan_every):
        plan = planner.plan(state, guess=guess, elapsed=elapsed)
        elapsed = min(planner.replan_every, num_steps - start)
        with torch.no_grad():
            rollout = world.rollout(state, plan.actions[:, :elapsed], encoded=True)
        state, total = rollout.state, total + float(rollout.rewards.sum(dim=1).mean())
        guess = torch.cat([plan.actions[:, elapsed:], plan.actions[:, -1:].expand(-1, elapsed, -1)], dim=1)
    cost = f"{planner.num_evaluations / planner.num_plans:,.0f} evaluations per plan"
    print(f"{type(method).__name__:<15} return {total:8.2f} in {num_steps} steps, {cost}")


if __name__ == "__main__":
    num_steps = int(sys.argv[2]) if len(sys.argv) > 2 else 24
    with tempfile.TemporaryDirectory() as scratch:
        world = vdworld.WorldModel.from_pretrained(sys.argv[1] if len(sys.argv) > 1 else train_small_world(scratch))
        for method in (HillClimbing(), CrossEntropy(), RandomShooting(num_candidates=1)):
            dream(world, method, num_steps)
