"""The tables of a report, once for the terminal and the page alike."""

from __future__ import annotations

from vdworld.evaluation.atari_scores import game_of
from vdworld.evaluation.controllers import RANDOM
from vdworld.evaluation.drift import FAULTS, WINDOW, Drift
from vdworld.evaluation.goal_reaching import GoalReaching
from vdworld.evaluation.prediction import Prediction
from vdworld.evaluation.report.table import Table, cell, significant_digits
from vdworld.evaluation.returns import Returns

REWARD_ERRORS = ("reward_error", "mean_reward_error")
NORMALIZED = "Human-normalised: 0 is the published score of random play, 1 that of a human (Wang et al. 2016)."

DRIFT_ROWS = {
    "brightness": ("Brightness", ".1f"),
    "contrast": ("Contrast", ".1f"),
    "sharpness": ("Sharpness (1: real)", ".2f"),
    "motion": ("Motion", ".2f"),
    "saturation": ("Black or white", ".0%"),
    "distance": ("Distance (1: real)", ".2f"),
}
"""What the statistics of long dreams are called, and how they are written."""


def prediction_table(prediction: Prediction) -> Table:
    """Return the scores at the reported steps beside their baselines, steps as columns."""

    def row(label: str, name: str, baseline: str | None = None, digits: int = 1) -> tuple[str, ...]:
        intervals = (
            prediction.interval(name, step) if baseline is None else prediction.difference(name, baseline, step)
            for step in prediction.steps
        )
        return (label, *(cell(interval, digits, signed=baseline is not None) for interval in intervals))

    rows: list[tuple[str, ...]] = []
    for title, name in (("Moving pixels: PSNR in dB", "moving_psnr"), ("All pixels: PSNR in dB", "psnr")):
        rows += [(title,), row("  world", name), row("  copy last", f"copy_{name}")]
        rows += [row("  difference", name, f"copy_{name}")]
    rows += [row("Sharpness (1: real)", "sharpness", digits=2)]
    if "reward_error" in prediction.scores:
        digits = significant_digits(*(float(prediction.scores[name].mean()) for name in REWARD_ERRORS))
        rows += [("Reward: mean absolute error",), row("  world", REWARD_ERRORS[0], digits=digits)]
        rows += [row("  always the mean", REWARD_ERRORS[1], digits=digits)]
    note = (
        f"{prediction.num_clips} clips from {prediction.num_episodes} episodes, rolled out under the recorded actions. "
        "In brackets: 95% bootstrap intervals over episodes; differences are paired by clip. "
        "Moving pixels are those that differ from the last frame given."
    )
    steps = tuple("1 step" if step == 1 else f"{step} steps" for step in prediction.steps)
    return Table("Prediction", ("", *steps), tuple(rows), note)


def control_table(result: GoalReaching) -> Table:
    """Return what each agent achieved, one per row, beside its difference from random actions."""
    rows = []
    for name, attempt in result.attempts.items():
        difference = "" if name == RANDOM else cell(result.difference(name, RANDOM, "remaining"), 2, signed=True)
        rows.append(
            (
                name,
                cell(result.interval(name, "remaining"), 2),
                difference,
                cell(result.interval(name, "success"), 0, percent=True),
                cell(result.interval(name, "strict_success"), 0, percent=True),
                f"{attempt.seconds / result.budget:.2f} s",
            )
        )
    note = (
        f"{result.num_starts} starts, goals {result.goal_offset} steps ahead in held-out episodes, {result.budget} "
        f"steps each; {result.num_solved} starts that were solved already are left out. Distance: "
        f"{result.rules['distance']}, after the last step, as a share of the initial one. Success: "
        f"{result.rules['success']}. Strict: {result.rules['strict_success']}. Brackets: 95% bootstrap intervals; "
        "differences are paired by start. A decision is for all starts together."
    )
    columns = ("", "remaining distance", "minus random's", "success", "strict success", "decision")
    return Table("Goal-reaching in the real environment", columns, tuple(rows), note)


def returns_table(result: Returns) -> Table:
    """Return what each agent collected, one per row, beside its difference from random actions."""
    rows = []
    for name, play in result.plays.items():
        difference = "" if name == RANDOM else cell(result.difference(name, RANDOM), 2, signed=True)
        scaled = result.normalized(name)
        more = () if scaled is None else (cell(scaled, 2),)
        rows.append((name, cell(result.interval(name), 2), difference, f"{play.lengths.mean():.0f}", *more))
    unfinished = sum(play.unfinished for play in result.plays.values())
    cut = f" {unfinished} of them were cut off after {result.max_steps} steps." if unfinished else ""
    note = (
        f"{len(result.seeds)} episodes per agent, the same seeds for all.{cut} Brackets: 95% bootstrap intervals; "
        "differences are paired by seed."
    )
    columns = ("", "return", "minus random's", "steps")
    if game_of(result.environment) is not None:
        columns, note = (*columns, "human-normalised"), f"{note} {NORMALIZED}"
    return Table("Return in the real environment", columns, tuple(rows), note)


def drift_table(drift: Drift) -> Table:
    """Return the statistics of long dreams at the reported steps beside those of recorded film."""
    rows: list[tuple[str, ...]] = []
    for name, (label, form) in DRIFT_ROWS.items():
        low, high = drift.data.bounds(name)
        means = (f"{drift.at(step)[name].mean():{form}}" for step in drift.steps)
        rows.append((label, f"{low:{form}} to {high:{form}}", *means, cell(drift.slope(name), 2, signed=True)))
    for fault in FAULTS:
        shares = (f"{drift.share(fault, step):.0%}" for step in drift.steps)
        rows.append((f"Dreams {fault}", f"{drift.data.own(fault).mean():.0%}", *shares, ""))
    rows.append(("Verdict", "", *(drift.verdict(step) for step in drift.steps), ""))
    note = (
        f"{drift.num_lanes} dreams under recorded actions; means over dreams and over the {WINDOW} steps up to each "
        f"column's. Recorded: 1% to 99% of frames; of windows of {WINDOW} steps for motion. Per 100 steps: change from "
        "the first column to the last in standard deviations of these (in the least difference that shows, where that "
        "is more); 95% bootstrap intervals over episodes. Brightness, contrast and motion: grey levels. Distance: to "
        "the nearest frame of other episodes. Frozen: clearly stiller than 99% of windows. Dissolved: anything else "
        "visibly beyond the recorded range. The verdict names what befalls more dreams than windows, beyond chance."
    )
    columns = ("", "recorded", *(f"{step:,} steps" for step in drift.steps), "per 100 steps")
    return Table("Long dreams", columns, tuple(rows), note)
