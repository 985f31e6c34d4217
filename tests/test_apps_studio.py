"""The studio's markup: every control once, labelled, bounded; ready-made faces that are valid."""

import json
from html.parser import HTMLParser
from typing import Any

import pytest

from apps.studio import studio_markup
from avatar.action_units import UNITS
from avatar.controls import RANGES, rig_of
from avatar.presets import EMOTIONS, VISEMES
from avatar.rig import RIG


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, Any]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def found() -> list[tuple[str, dict[str, Any]]]:
    return Elements(studio_markup()).found


def test_every_rig_parameter_has_exactly_one_slider(found: Any) -> None:
    names = [attrs["data-name"] for tag, attrs in found if tag == "input"]
    assert len(names) == len(set(names))
    assert set(RIG) <= set(names) <= set(RANGES)
    for unit in UNITS:
        sides = {f"{unit.name}_L", f"{unit.name}_R"} if unit.sided else {unit.name}
        assert sides <= set(names)


def test_sliders_are_labelled_and_bounded_and_begin_at_rest(found: Any) -> None:
    labels = []
    for _, attrs in (item for item in found if item[0] == "input"):
        low, high = RANGES[attrs["data-name"]]
        assert float(attrs["min"]) == pytest.approx(low, rel=1e-3)
        assert float(attrs["max"]) == pytest.approx(high, rel=1e-3)
        assert float(attrs["max"]) <= high + 1e-6 and float(attrs["min"]) >= low - 1e-6
        assert attrs["value"] == "0" and attrs["type"] == "range"
        labels.append(attrs["aria-label"])
    assert all(labels)
    assert len([label for label in labels if label.endswith(", left")]) > 20


def test_ready_made_faces_are_all_there_and_valid(found: Any) -> None:
    buttons = [attrs for tag, attrs in found if tag == "button" and "data-preset" in attrs]
    assert len(buttons) == len(EMOTIONS) + len(VISEMES)
    for attrs in buttons:
        assert rig_of(json.loads(attrs["data-values"])).any()


def test_the_markup_survives_gradios_template_engine() -> None:
    markup = studio_markup()
    assert not any(sign in markup for sign in ("${", "`", "{{", "<!--"))
