"""The hard cases and how a reading is judged by them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from emotion.types import EMOTIONS, EmotionState

NEUTRAL_BELOW = 0.15
SHOWS_FROM = 0.1
HIDES_BELOW = 1 / 3
STRONGER_BY = 0.05

Read = Callable[[str], EmotionState]


@dataclass(frozen=True, slots=True)
class HardCase:
    """A sentence and what a person would accept as its reading (see hard_cases.yaml)."""

    text: str
    kind: str
    dominant: tuple[str, ...]
    shows: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    above: float = 0.0
    below: float = 1.01
    stronger: tuple[str, ...] = ()


def hard_cases() -> list[HardCase]:
    """All sixty, in the order of the file."""
    table = yaml.safe_load(Path(__file__).with_name("hard_cases.yaml").read_text("utf-8"))
    return [_case(kind, row) for kind, rows in table.items() for row in rows]


def faults(case: HardCase, read: Read) -> list[str]:
    """What is wrong with the reading of a case; nothing when it is accepted."""
    state = read(case.text)
    strengths = dict(zip(EMOTIONS, map(float, state.strengths()), strict=True))
    shares = dict(zip(EMOTIONS, map(float, state.weights), strict=True))
    name = "neutral" if state.intensity < NEUTRAL_BELOW else state.dominant()
    wrong = [] if name in case.dominant else [f"reads {name}"]
    wrong += [f"{e} does not show" for e in case.shows if strengths[e] < SHOWS_FROM]
    felt = state.intensity >= NEUTRAL_BELOW
    wrong += [f"{e} shows" for e in case.hides if felt and shares[e] > HIDES_BELOW]
    if not case.above <= state.intensity <= case.below:
        wrong.append(f"intensity {state.intensity:.2f}")
    weaker = [t for t in case.stronger if read(t).intensity > state.intensity - STRONGER_BY]
    return wrong + [f"no stronger than {text!r}" for text in weaker]


def _case(kind: str, row: Mapping[str, object]) -> HardCase:
    values = {key: tuple(v) if isinstance(v, list) else v for key, v in row.items()}
    return HardCase(kind=kind, dominant=values.pop("is"), **values)  # type: ignore[arg-type]
