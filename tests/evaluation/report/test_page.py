"""The page shows every table and image, and text from outside cannot become HTML."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from vdworld.evaluation.prediction import ExampleClip, Prediction
from vdworld.evaluation.report.headlines import Headline, headlines
from vdworld.evaluation.report.page import page
from vdworld.evaluation.returns import Play, Returns

HOSTILE = "<script>alert('&')</script>"


class Reader(HTMLParser):
    """Collects tags with their attributes, and the text of every table cell."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.open_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.open_cell = True

    def handle_endtag(self, tag: str) -> None:
        self.open_cell = self.open_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.open_cell:
            self.rows[-1][-1] += data


@pytest.fixture
def prediction() -> Prediction:
    names = {
        "psnr": 38.0,
        "copy_psnr": 32.5,
        "moving_psnr": 19.5,
        "copy_moving_psnr": 12.9,
        "sharpness": 0.9,
        "union_sharpness": 0.95,
    }
    scores = {name: np.full((3, 2), value) for name, value in names.items()}
    pixels = np.zeros((2, 4, 4, 3), np.uint8)
    example = ExampleClip("well predicted", 4, 7, pixels, pixels, pixels)
    return Prediction(scores, np.array([[0, 3], [1, 3], [2, 3]]), (1, 2), 0, 390.0, examples=(example,))


@pytest.fixture
def returns() -> Returns:
    plays = {name: Play(np.array([2.0, 4.0]), np.array([3, 3]), 0, 0.1) for name in (HOSTILE, "random", "no-op")}
    return Returns(plays, (0, 1), max_steps=9, seed=0)


def render(prediction: Prediction, control: Returns | None = None, **changes: Any) -> str:
    names = ("prediction.png", "clip_well_predicted.png", "clip_well_predicted.gif")
    settings = {"warning": "", "about": {}, "training": {}, "assets": dict.fromkeys(names, b"image")}
    return page(prediction, control, None, **(settings | changes))


def test_text_from_outside_is_escaped(prediction: Prediction, returns: Returns) -> None:
    text = render(
        prediction,
        returns,
        about={"environment": HOSTILE, "dataset": HOSTILE, HOSTILE: HOSTILE},
        training={"name": HOSTILE, HOSTILE: {HOSTILE: [HOSTILE]}},
    )
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 9
    assert [row[0] for row in Reader(text).rows if "alert" in row[0]] == [HOSTILE]


def test_the_page_is_self_contained(prediction: Prediction) -> None:
    tags = Reader(render(prediction)).tags
    sources = [attributes["src"] for _, attributes in tags if "src" in attributes]
    assert len(sources) == 3
    assert {str(source).partition(",")[0] for source in sources} == {"data:image/png;base64", "data:image/gif;base64"}
    assert not {tag for tag, _ in tags} & {"script", "link", "iframe", "object"}
    assert "system-ui" in render(prediction), "the style sheet is inside"


def test_a_table_has_groups_indented_rows_and_small_intervals(prediction: Prediction) -> None:
    reader = Reader(render(prediction))
    assert reader.rows[0] == ["", "1 step", "2 steps"]
    assert reader.rows[1] == ["Moving pixels: PSNR in dB"]
    assert reader.rows[2] == ["world", "19.5 [19.5, 19.5]", "19.5 [19.5, 19.5]"]
    assert ("th", {"colspan": "3"}) in reader.tags
    assert ("th", {"class": "inner"}) in reader.tags


def test_long_lists_and_missing_values_of_the_training_information_are_left_out(prediction: Prediction) -> None:
    training = {"steps": 1200, "rate": 3e-4, "losses": list(range(9)), "sizes": [1, 2], "none": None, "set": {"a_b": 1}}
    text = render(prediction, training=training)
    pairs = dict(_facts(text))
    assert pairs == {"steps": "1,200", "rate": "0.0003", "sizes": "[1, 2]", "set: a b": "1"}


def test_sections_appear_only_if_something_was_measured(prediction: Prediction, returns: Returns) -> None:
    assert "Return in the real environment" in render(prediction, returns)
    text = render(prediction)
    for words in ("real environment", "Long dreams", "How the world was trained", "Reproduce these figures"):
        assert words not in text
    assert "Reproduce these figures" in render(prediction, about={"seed": "3"})


def test_headlines_show_the_first_agent_beside_random_and_the_world_beside_copying(
    prediction: Prediction, returns: Returns
) -> None:
    assert headlines(prediction, returns) == [
        Headline("3", f"mean return of {HOSTILE}", "random: 3"),
        Headline("19.5 dB", "PSNR on moving pixels, one step ahead", "copying the last frame: 12.9 dB"),
        Headline("19.5 dB", "PSNR on moving pixels, 2 steps ahead", "copying the last frame: 12.9 dB"),
        Headline("390", "imagined frames per second", "all lanes together"),
    ]
    baselines = Returns({name: returns.plays[name] for name in ("random", "no-op")}, (0, 1), max_steps=9, seed=0)
    assert len(headlines(prediction, baselines)) == 3


def _facts(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split("<dt>")[1:]:
        key, _, rest = part.partition("</dt><dd>")
        yield key, rest.partition("</dd>")[0]
