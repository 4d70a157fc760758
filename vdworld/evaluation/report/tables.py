"""The tables of evaluations, for the terminal and the page."""

from __future__ import annotations

from vdworld.evaluation.atari_scores import game_of
from vdworld.evaluation.controllers import RANDOM
from vdworld.evaluation.drift import FAILURE_MODES, WINDOW, Drift
from vdworld.evaluation.goal_reaching import GoalReaching
from vdworld.evaluation.outcome_odds import BLEND_DISTANCE, Outcomes
from vdworld.evaluation.prediction import Prediction
from vdworld.evaluation.report.table import Table, cell, significant_digits
from vdworld.evaluation.returns import Returns
from vdworld.evaluation.uncertainty_calibration import LIMIT, UncertaintyCalibration
from vdworld.metrics import PATCH_SIZE

PATCH_DISTANCES = ("patch_distance", "real_patch_distance")
"""The scores whose ratio is the patch distance of a table."""

PATCH_NOTE = (
    f" Patch distance: of moving {PATCH_SIZE} x {PATCH_SIZE} patches to the nearest recorded ones, divided by the same "
    "for the real frames."
)
"""The note of tables with patch distances."""

REWARD_ERRORS = ("reward_error", "mean_reward_error")
"""The scores that show the error of rewards and its baseline."""

NORMALIZED = "Human-normalised: 0 is the published score of random play, 1 that of a human (Wang et al. 2016)."
"""The note of tables with human-normalised scores."""

DRIFT_ROWS = {
    "brightness": ("Brightness", ".1f"),
    "contrast": ("Contrast", ".1f"),
    "sharpness": ("Sharpness (1: real)", ".2f"),
    "motion": ("Motion", ".2f"),
    "saturation": ("Black or white", ".0%"),
    "distance": ("Distance (1: real)", ".2f"),
}
"""Name and format of every statistic of long dreams."""


def prediction_table(prediction: Prediction) -> Table:
    """Return the scores beside their baselines, with the reported steps as columns."""

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
    rows += [("Sharpness (1: real)",), row("  where the real frame moves", "sharpness", digits=2)]
    rows += [row("  where either moves", "union_sharpness", digits=2)]
    has_patches = PATCH_DISTANCES[0] in prediction.scores
    if has_patches:
        ratios = (prediction.ratio(*PATCH_DISTANCES, step) for step in prediction.steps)
        rows += [("Patch distance (1: real)", *(cell(ratio, 2) for ratio in ratios))]
    if "reward_error" in prediction.scores:
        digits = significant_digits(*(float(prediction.scores[name].mean()) for name in REWARD_ERRORS))
        rows += [("Reward: mean absolute error",), row("  world", REWARD_ERRORS[0], digits=digits)]
        rows += [row("  always the mean", REWARD_ERRORS[1], digits=digits)]
    episodes = "1 episode" if prediction.num_episodes == 1 else f"{prediction.num_episodes} episodes"
    note = (
        f"{prediction.num_clips} clips from {episodes}, rolled out under the recorded actions. "
        "Brackets: 95% bootstrap intervals over episodes; differences are paired by clip. "
        "Moving pixels: those that differ from the last context frame."
        f"{PATCH_NOTE if has_patches else ''}"
    )
    steps = tuple("1 step" if step == 1 else f"{step} steps" for step in prediction.steps)
    return Table("Prediction", ("", *steps), tuple(rows), note)


def control_table(result: GoalReaching | Returns) -> Table:
    """Return what agents achieved in the real environment, one agent per row."""
    return goals_table(result) if isinstance(result, GoalReaching) else returns_table(result)


def goals_table(result: GoalReaching) -> Table:
    """Return how close each agent came to the goals, beside its difference from random actions."""
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
        f"{result.num_starts} starts from held-out episodes, goals {result.goal_offset} recorded steps ahead, "
        f"{result.budget} steps per goal; starts already at their goal, left out: {result.num_solved}. Distance: "
        f"{result.rules['distance']}, after the last step, as a share of the initial distance. Success: "
        f"{result.rules['success']}. Strict: {result.rules['strict_success']}. Brackets: 95% bootstrap intervals; "
        "differences are paired by start. Decision: time per step, for all starts together."
    )
    columns = ("", "remaining distance", "minus random's", "success", "strict success", "decision")
    return Table("Goal-reaching in the real environment", columns, tuple(rows), note)


def returns_table(result: Returns) -> Table:
    """Return how much reward each agent collected, beside its difference from random actions."""
    rows = []
    for name, play in result.plays.items():
        difference = "" if name == RANDOM else cell(result.difference(name, RANDOM), 2, signed=True)
        row = (name, cell(result.interval(name), 2), difference, f"{play.lengths.mean():.0f}")
        normalized = result.normalized(name)
        rows.append(row if normalized is None else (*row, cell(normalized, 2)))
    unfinished = sum(play.unfinished for play in result.plays.values())
    cut = f" {unfinished} episodes were cut off after {result.max_steps} steps." if unfinished else ""
    note = (
        f"{len(result.seeds)} episodes per agent, with the same seeds.{cut} Brackets: 95% bootstrap intervals; "
        "differences are paired by seed."
    )
    columns = ("", "return", "minus random's", "steps")
    if game_of(result.environment) is not None:
        columns, note = (*columns, "human-normalised"), f"{note} {NORMALIZED}"
    return Table("Return in the real environment", columns, tuple(rows), note)


def drift_table(drift: Drift) -> Table:
    """Return the statistics of long dreams at the reported steps, beside those of recorded frames."""
    rows: list[tuple[str, ...]] = []
    for name, (label, form) in DRIFT_ROWS.items():
        low, high = drift.data.bounds(name)
        means = (f"{drift.at(step)[name].mean():{form}}" for step in drift.steps)
        rows.append((label, f"{low:{form}} to {high:{form}}", *means, cell(drift.slope(name), 2, signed=True)))
    for failure in FAILURE_MODES:
        shares = (f"{drift.share(failure, step):.0%}" for step in drift.steps)
        rows.append((f"Dreams {failure}", f"{drift.data.recorded(failure).mean():.0%}", *shares, ""))
    rows.append(("Verdict", "", *(drift.verdict(step) for step in drift.steps), ""))
    note = (
        f"{drift.num_lanes} dreams under recorded actions; means over dreams and over the {WINDOW} steps up to the "
        f"column's step. Recorded: 1% to 99% quantiles of frames, for motion of windows of {WINDOW} steps. Per 100 "
        "steps: change from the first column to the last, in standard deviations of the recorded values (or in the "
        "smallest visible difference, if that is larger), with 95% bootstrap intervals over episodes. Brightness, "
        "contrast and motion: grey levels. Distance: to the nearest frame of another episode. Frozen: moves clearly "
        "less than 99% of the recorded windows. Dissolved: another value is visibly outside the recorded range. "
        "Verdict: the failure that is significantly more frequent in dreams than in recorded windows."
    )
    columns = ("", "recorded", *(f"{step:,} steps" for step in drift.steps), "per 100 steps")
    return Table("Long dreams", columns, tuple(rows), note)


def odds_table(result: Outcomes) -> Table:
    """Return true odds beside imagined frequencies, one outcome per row, then blends, distance and sharpness."""
    rows = [
        (f"outcome {k}", f"{odds:.1%}", f"{frequency:.1%}", f"{100 * (frequency - odds):+.1f} points")
        for k, (odds, frequency) in enumerate(zip(result.odds, result.frequencies, strict=True), start=1)
    ]
    rows += [
        ("blends", "0.0%", f"{result.blends:.1%}", ""),
        ("distance", "0.000", f"{result.distance:.3f}", ""),
        ("sharpness", "1.00", f"{result.sharpness:.2f}", ""),
    ]
    note = (
        f"{result.num_draws:,} imagined frames, each assigned to the nearest outcome; chance alone accounts for up to "
        f"{result.margin:.1f} points of difference. Distance: mean distance from the nearest outcome, as a share of "
        f"that between two outcomes. Blends: frames with a distance above {BLEND_DISTANCE:.0%}."
    )
    return Table("Outcomes of a random environment", ("", "real", "imagined", "difference"), tuple(rows), note)


def uncertainty_table(result: UncertaintyCalibration) -> Table:
    """Return the correlations of uncertainty and of motion with the error, and means, one kind of clips per row."""
    rows = []
    for kind in result.kinds:
        clips = result.of(kind)
        correlations = [cell(result.correlation(kind, name), 2) for name in ("uncertainty", "motion")]
        means = [f"{clips[name].mean():.4f}" for name in ("error", "uncertainty")]
        rows.append((kind, str(len(clips["error"])), *correlations, *means, f"{clips['over_limit'].mean():.1%}"))
    limit = f"over the {LIMIT:.0%} limit"
    columns = ("", "clips", "uncertainty, error", "motion, error", "mean error", "mean uncertainty", limit)
    note = (
        "Spearman's rank correlation with the true error, one step ahead where no other number is given, with 95% "
        "bootstrap intervals over episodes. "
        "Motion, the difference between the imagined frame and the last real one, is the baseline: it needs no "
        "uncertainty. Errors and uncertainties are root mean squares over a frame with values in [-1, 1]. Over "
        "the limit: share of the dreams above the limit that held-out dreams exceed in 1% of the cases at this depth."
    )
    return Table("Uncertainty and error", columns, tuple(rows), note)
