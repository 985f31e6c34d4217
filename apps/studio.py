"""The studio tab: the portrait moved by hand, with sliders, pads and ready-made faces.

All of it is markup that `ui/studio.js` brings to life: what the sliders say goes over the live
connection (`controls` in docs/protocol.md), not through Gradio events, which would be too slow.
"""

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING

from apps.theme import UI
from avatar.action_units import UNITS
from avatar.controls import RANGES
from avatar.presets import EMOTIONS, VISEMES

if TYPE_CHECKING:
    import gradio as gr

# Weights by what they move; the names of pairs stand without their side.
GROUPS: Mapping[str, Mapping[str, str]] = {
    "Brows": {
        "browInnerUp": "Inner ends up",
        "browOuterUp": "Outer ends up",
        "browDown": "Down",
    },
    "Eyes": {
        "eyeWide": "Wide open",
        "eyeSquint": "Squint",
        "eyeLookUp": "Lids follow up",
        "eyeLookDown": "Lids follow down",
        "eyeLookIn": "Lids follow inwards",
        "eyeLookOut": "Lids follow outwards",
    },
    "Cheeks and nose": {
        "cheekRaiser": "Cheeks up",
        "cheekSquint": "Cheeks squint",
        "cheekPuff": "Cheeks puffed",
        "noseSneer": "Nose wrinkled",
    },
    "Jaw": {
        "jawOpen": "Open",
        "jawForward": "Forward",
        "jawLeft": "To their left",
        "jawRight": "To their right",
    },
    "Lips": {
        "mouthSmile": "Smile",
        "mouthFrown": "Corners down",
        "mouthDimple": "Dimples",
        "mouthStretch": "Stretched",
        "mouthPress": "Pressed",
        "mouthPucker": "Puckered",
        "mouthFunnel": "Funnel",
        "mouthClose": "Closed over an open jaw",
        "mouthUpperUp": "Upper lip up",
        "mouthLowerDown": "Lower lip down",
        "mouthRollUpper": "Upper lip rolled in",
        "mouthRollLower": "Lower lip rolled in",
        "mouthShrugUpper": "Upper lip pushed up",
        "mouthShrugLower": "Lower lip pushed up",
        "mouthLeft": "To their left",
        "mouthRight": "To their right",
    },
}
# At the top, whole-head moves and the blink; everything else is folded.
HEAD: Mapping[str, str] = {
    "eyeBlink": "Lids closed",
    "roll": "Head tilted",
    "x": "Head to the right",
    "y": "Head lower",
    "z": "Head closer",
}
_SIDES = {"L": "left", "R": "right"}
# Gradio builds a tab when it is first opened; the page's script waits for that.
_ON_LOAD = 'document.dispatchEvent(new Event("limner-studio"));'


def studio_panel() -> "gr.HTML":
    """The studio's element; goes into its tab."""
    import gradio as gr

    return gr.HTML(
        html_template=studio_markup(), js_on_load=_ON_LOAD, apply_default_css=False,
        elem_id="studio",
    )  # fmt: skip


def studio_markup() -> str:
    """All controls as HTML; each input names what it sets in `data-name`."""
    groups = "".join(
        _group(title, (_row(name, label) for name, label in rows.items()))
        for title, rows in GROUPS.items()
    )
    units = _group("Action units", (_unit_row(unit.name, unit.title) for unit in UNITS))
    filled = {
        "emotions": _presets("emotion", EMOTIONS),
        "visemes": _presets("viseme", VISEMES),
        "gaze": _pad("gaze", ("gaze_x", "Gaze, left to right"), ("gaze_y", "Gaze, up to down")),
        "head": _pad("head", ("yaw", "Head, left to right"), ("pitch", "Head, up to down")),
        "sliders": "".join(_row(name, label) for name, label in HEAD.items()),
        "groups": groups + units,
    }
    markup = (UI / "studio.html").read_text("utf-8")
    for place, content in filled.items():
        markup = markup.replace(f"<!-- {place} -->", content)
    return markup


def _group(title: str, rows: Iterable[str]) -> str:
    return (
        f'<details class="group"><summary>{escape(title)}<i data-count></i></summary>'
        f'<div class="rows">{"".join(rows)}</div></details>'
    )


def _row(name: str, label: str) -> str:
    """One line: a slider, or two that may be linked, with the value."""
    sides = "" if name in RANGES else "LR"
    return _line(name, label, sides)


def _unit_row(name: str, title: str) -> str:
    sides = "LR" if f"{name}_L" in RANGES else ""
    return _line(name, f"{name[2:]} {title}", sides)


def _line(name: str, label: str, sides: str) -> str:
    inputs = "".join(
        _slider(f"{name}_{side}", f"{label}, {_SIDES[side]}", side) for side in sides
    ) or _slider(name, label)
    paired = " data-pair" if sides else ""
    return (
        f'<div class="line"{paired}><span>{escape(label)}</span>'
        f'<div class="tracks">{inputs}</div><output>0</output></div>'
    )


def _slider(name: str, label: str, side: str = "") -> str:
    low, high = RANGES[name]
    kind = f' data-side="{side}"' if side else ""
    return (
        f'<input type="range" min="{low:.4g}" max="{high:.4g}" step="{(high - low) / 100:.4g}" '
        f'value="0" data-name="{name}"{kind} aria-label="{escape(label)}">'
    )


def _pad(kind: str, across: tuple[str, str], down: tuple[str, str]) -> str:
    inputs = "".join(_slider(name, label) for name, label in (across, down))
    return f'<div class="pad" data-pad="{kind}"><i></i>{inputs}</div>'


def _presets(kind: str, presets: Mapping[str, Mapping[str, float]]) -> str:
    return "".join(
        f'<button type="button" data-preset="{kind}" aria-pressed="false" '
        f'data-values="{escape(json.dumps(values))}">{escape(name)}</button>'
        for name, values in presets.items()
    )
