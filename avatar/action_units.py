"""Facial action units (FACS) to the rig's expression weights and gaze.

A unit at intensity 1 is FACS level E. Names: "AU12" moves both sides; where a unit has sides,
"AU12_L" and "AU12_R" move the subject's left or right alone.
Source: Ekman, Friesen and Hager 2002, units by their appearance changes; the weights bear ARKit's
names, whose documentation describes the same movements.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from avatar.rig import INDEX, LOOK_FULL, Vector, rig

_GAZE_X, _GAZE_Y = (float(angle) for angle in LOOK_FULL)


@dataclass(frozen=True, slots=True)
class ActionUnit:
    """One unit: its number, its name in words, and what it moves at intensity 1.

    paired: weights that exist as _L and _R, by their name without the side; single: the others.
    """

    number: int
    title: str
    paired: Mapping[str, float]
    single: Mapping[str, float]

    @property
    def name(self) -> str:
        """As in "AU12"."""
        return f"AU{self.number}"

    @property
    def sided(self) -> bool:
        """Whether each side of the face can do it alone."""
        return bool(self.paired) and not self.single

    def weights(self, sides: str = "LR") -> dict[str, float]:
        """Rig values by name at intensity 1, of some sides."""
        moved = {f"{name}_{side}": share for name, share in self.paired.items() for side in sides}
        return moved | dict(self.single)


def _unit(number: int, title: str, **moves: float) -> ActionUnit:
    single = {name: share for name, share in moves.items() if name in INDEX}
    paired = {name: share for name, share in moves.items() if name not in INDEX}
    return ActionUnit(number, title, paired, single)


UNITS: tuple[ActionUnit, ...] = (
    _unit(1, "Inner brows up", browInnerUp=1.0),
    _unit(2, "Outer brows up", browOuterUp=1.0),
    _unit(4, "Brows down", browDown=1.0),
    _unit(5, "Upper lids up", eyeWide=1.0),
    _unit(6, "Cheeks up", cheekRaiser=1.0, cheekSquint=0.8, eyeSquint=0.3),
    _unit(7, "Lids tight", eyeSquint=1.0),
    _unit(9, "Nose wrinkled", noseSneer=1.0, cheekSquint=0.3, browDown=0.25),
    _unit(10, "Upper lip up", mouthUpperUp=1.0),
    _unit(12, "Lip corners up", mouthSmile=1.0),
    _unit(14, "Dimples", mouthDimple=1.0),
    _unit(15, "Lip corners down", mouthFrown=1.0),
    _unit(16, "Lower lip down", mouthLowerDown=1.0),
    _unit(17, "Chin up", mouthShrugLower=1.0, mouthShrugUpper=0.45),
    _unit(18, "Lips puckered", mouthPucker=1.0),
    _unit(20, "Lips stretched", mouthStretch=1.0),
    _unit(22, "Lips like a funnel", mouthFunnel=1.0),
    _unit(23, "Lips tight", mouthPress=0.5, mouthRollLower=0.35, mouthRollUpper=0.35),
    _unit(24, "Lips pressed", mouthPress=1.0),
    _unit(25, "Lips parted", mouthLowerDown=0.45, mouthUpperUp=0.2),
    _unit(26, "Jaw dropped", jawOpen=0.6),
    _unit(27, "Mouth wide open", jawOpen=1.0),
    _unit(28, "Lips sucked in", mouthRollLower=1.0, mouthRollUpper=1.0, jawOpen=0.12),
    _unit(34, "Cheeks puffed", cheekPuff=1.0),
    _unit(43, "Eyes closed", eyeBlink=1.0),
    _unit(45, "Blink", eyeBlink=1.0),
    # The subject's left is the picture's right.
    _unit(61, "Eyes to their left", gaze_x=_GAZE_X),
    _unit(62, "Eyes to their right", gaze_x=-_GAZE_X),
    _unit(63, "Eyes up", gaze_y=-_GAZE_Y),
    _unit(64, "Eyes down", gaze_y=_GAZE_Y),
)


def _named(unit: ActionUnit) -> Iterator[tuple[str, Vector]]:
    yield unit.name, rig(unit.weights())
    if unit.sided:
        yield from ((f"{unit.name}_{side}", rig(unit.weights(side))) for side in "LR")


# (63,) at intensity 1 by name, with and without side. Not to be written to.
RIGS: Mapping[str, Vector] = {name: moved for unit in UNITS for name, moved in _named(unit)}


def rig_from_units(units: Mapping[str, float]) -> Vector:
    """(63,) float32 that shows these units together, unclipped. Raises KeyError: unknown name."""
    total = rig()
    for name, intensity in units.items():
        total += RIGS[name] * intensity
    return total
