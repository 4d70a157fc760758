"""Every value that the comments of a YAML file list, and every option of a group, is tried by running the command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from vdworld.cli import main
from vdworld.commands.config_search import blocks, config_file, config_names, groups, option_file, options
from vdworld.commands.help_text import LINE
from vdworld.commands.verbs import VERBS

WORD = r"[A-Za-z_]\w*"
LISTED = re.compile(rf"(?:^|: )((?:{WORD}, )*{WORD} or {WORD})(?:[:;.]|$)")
"""Such as "auto, float32 or bfloat16", at the beginning of a comment or after a colon."""

FRESH = "image_size=16 batch_sizes=[1] repeats=1"
PLAY = "world={home}/world data={home}/data num_episodes=1 max_steps=2"
TRIALS = {
    "train": "data={home}/data output={new} trainer.max_steps=1 trainer.batch_size=2 trainer.num_rollout_gifs=0",
    "evaluate": "world={home}/world data={home}/data num_clips=2 steps=[1]",
    "plan": PLAY,
    "learn": "world={home}/world output={new} num_steps=4 num_envs=2 horizon=2 hidden_dim=8 num_minibatches=1",
    "clone": "data={home}/data output={new} num_updates=1 batch_size=2 hidden_dim=8 horizon=2",
    "benchmark speed": f"{FRESH} num_sampling_steps=[1] seconds=0",
    "benchmark env_overhead": f"{FRESH} seconds=0",
    "benchmark planner_overhead": FRESH,
    "benchmark planning": f"{PLAY} planners=[random_shooting] horizon=2 num_candidates=2 num_iterations=1",
    "benchmark scaling": "batches=[1] image_sizes=[] context_lengths=[] dream_lengths=[] image_size=16",
    "benchmark uncertainty": "world={home}/world data={home}/data num_clips=2",
    "benchmark dream_vs_real": "world={home}/world data={home}/data num_steps=4 num_envs=2 num_episodes=1 max_steps=2",
}
"""The smallest run of every command that lists values."""

ELSEWHERE = {
    **dict.fromkeys(["resume", "record", "benchmark contest", "benchmark grid", "benchmark gpu", "demo"], "own tests"),
    **dict.fromkeys(["online", "protocol"], "a real environment and hours: tests/online"),
    "compile_peer": "the peer's own code: tests/benchmarks/peers",
    "learner_settings": "those of learn",
}
"""What is tried by other tests: keys, groups and commands."""

NEEDS = {
    "process=flow process.prediction=v": "network.copy=false",
    "process=vp process.prediction=eps": "network.copy=false",
    "process=vp process.prediction=v": "network.copy=false",
    "process=edm process.prediction=edm": "network.copy=false",
    "network=diamond": "process=edm process.prediction=edm network.width=32 network.num_levels=2",
    "network.copy=false": "process.prediction=v",
    "planner=beam_search": "planner.num_beams=2",
    "planner=gradient": "planner.num_restarts=2 planner.num_iterations=1",
    "objective=pmpo": "num_epochs=1",
    "video=true": "max_minutes=0.001 goal_offset=4 horizon=4",
    "train sampling.sampler=consistency": "trainer.shortcut.share=0.5",
    "train sampling.sampler=churn": "process=edm",
}
"""What a value needs beside it, as the docs say."""

REFUSED = {
    "sampling.sampler=churn": "EDM",
    "sampling.sampler=consistency": "trained without shortcuts",
    "objective=goal_image": "'planner' needs goal images, and vdworld-test/Counter-v0 has no goal task",
    "objective=goal_features": "'planner' needs goal images, and vdworld-test/Counter-v0 has no goal task",
    "planner=gradient": "discrete actions",
    "planner=policy_mppi": "needs `policy`",
    "objective=pmpo": "prior",
}
"""What this world or this environment has not, and says so in one line."""

SLOW = {
    "preset=small",
    "preset=base",
    "world=small",
    "world=base",
    "execution.compile=true",
    "execution.precision=float16",
}


def listed(text: str) -> dict[str, list[str]]:
    """Return the values that a YAML text lists, by dotted key: words joined by "or", and both of a true or false."""
    values: dict[str, list[str]] = {}
    path: list[str] = []
    for match in filter(None, map(LINE.fullmatch, text.splitlines())):
        path[len(match["indent"]) // 2 :] = [match["key"]]
        comment = re.sub(r" \([^)]*\)", "", (match["comment"] or "").removeprefix("#").strip())
        if found := LISTED.search(comment):
            values[".".join(path)] = re.split(r", | or ", found[1])
        elif match["value"] in ("true", "false"):
            values[".".join(path)] = ["true", "false"]
    return values


def documented(verb: str, name: str | None) -> Iterator[tuple[Path, str]]:
    """Yield the files of a command and the words that try a documented value of theirs."""
    for file in (config_file(verb, name), *blocks(verb, name)):
        for key, values in listed(file.read_text()).items():
            yield from ((file, f"{key}={value}") for value in values)
    for group in groups(verb, name):
        for option in options(verb, group):
            file = option_file(verb, group, option)
            yield file, f"{group}={option}"
            inner = {} if group == "protocol" else listed(file.read_text())
            for key, values in inner.items():
                yield from ((file, f"{group}={option} {group}.{key}={value}") for value in values)


def trials() -> Iterator[ParameterSet]:
    """Yield a command and words; those of a file that an earlier command has as well are slow."""
    tried: set[tuple[Path, str]] = set()
    for verb in VERBS:
        for name in config_names(verb) if VERBS[verb].named else [None]:
            command = verb if name is None else f"{verb} {name}"
            for file, words in documented(verb, name):
                if command in ELSEWHERE or words.split("=")[0] in ELSEWHERE:
                    continue
                slow = (file, words) in tried or words in SLOW
                tried.add((file, words))
                yield pytest.param(command, words, marks=[pytest.mark.slow] if slow else [], id=f"{command} {words}")


def test_the_lists_are_found() -> None:
    words = {words for verb in ("train", "evaluate") for _, words in documented(verb, None)}
    precisions = {f"execution.precision={name}" for name in ("auto", "float32", "bfloat16", "float16")}
    assert precisions < words
    assert {"process=vp process.schedule=sigmoid", "network=diamond", "sampling.sampler=heun"} < words
    assert listed(
        "a: 1  # one number or [height, width]\nb:\n  c: null  # x (the frame) or v (the noise); x is usual"
    ) == {"b.c": ["x", "v"]}


@pytest.mark.parametrize(("command", "words"), list(trials()))
def test_a_documented_value_is_taken(
    command: str, words: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    needs = f"{NEEDS.get(words, '')} {NEEDS.get(f'{command} {words}', '')}"
    line = f"{command} {TRIALS[command]} {needs} {words}".format(home=home, new=tmp_path / "new")
    code = main(line.split())
    error = capsys.readouterr().err
    if code and words in REFUSED:
        assert code == 2
        assert REFUSED[words] in error.splitlines()[-1]
    else:
        assert code == 0, error
