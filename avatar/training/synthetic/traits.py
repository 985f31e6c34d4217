"""Drawing a person: everything that tells one synthetic identity from another."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from avatar.training.synthetic.buffers import Floats
from avatar.training.synthetic.wardrobe import Wardrobe

Rng = np.random.Generator
Colour = tuple[float, float, float]

SPREAD, BOUND = 0.85, 2.2  # of the identity codes, standard deviations
# Linear albedo of cheeks from very light to very dark (Fitzpatrick's six types).
TONES = np.array(
    [
        (0.66, 0.45, 0.37),
        (0.56, 0.36, 0.27),
        (0.44, 0.265, 0.18),
        (0.31, 0.175, 0.11),
        (0.19, 0.10, 0.062),
        (0.10, 0.055, 0.035),
    ]
)
# Linear albedo of hair: black, dark browns, browns, blonds, red, greys, white.
HAIR_COLOURS = np.array(
    [
        (0.016, 0.012, 0.010),
        (0.030, 0.019, 0.012),
        (0.065, 0.035, 0.018),
        (0.115, 0.060, 0.029),
        (0.190, 0.110, 0.050),
        (0.380, 0.250, 0.130),
        (0.500, 0.380, 0.240),
        (0.230, 0.070, 0.025),
        (0.190, 0.185, 0.180),
        (0.360, 0.350, 0.330),
        (0.560, 0.550, 0.530),
    ]
)
_CHANCES = {  # of the hair colours
    "dark": (4.0, 3.0, 2.0, 1.0, 0.2, 0.1, 0.05, 0.1, 0.4, 0.25, 0.1),
    "old": (0.4, 0.4, 0.8, 0.8, 0.6, 0.5, 0.4, 0.2, 3.0, 3.0, 1.5),
    "other": (2.0, 2.0, 3.0, 3.0, 2.0, 1.5, 1.0, 1.0, 0.2, 0.05, 0.0),
}
_CROPPED = ("short01", "short02", "short03", "short04")


@dataclass(frozen=True, slots=True)
class Beard:
    """region: 0 full, 1 moustache and chin, 2 chin (channels of the pack's mask); density 0..1;
    length: 0 stubble that only tints the skin, 1 a dense beard."""

    region: int
    density: float
    length: float


@dataclass(frozen=True, slots=True)
class Glasses:
    """Half width and height of a lens and tube radius in cm; square: exponent of the rim's
    superellipse; drop: cm below the eyes; colour: linear; tint: alpha of the lenses."""

    width: float
    height: float
    square: float
    tube: float
    distance: float
    drop: float
    colour: Colour
    tint: float


@dataclass(frozen=True, slots=True)
class SkinFolds:
    """age: 0 young to 1 old; depth: of all folds, 1 is usual; lines of the forehead and their
    spacing on the face's map; irregular: 0 ruled, 1 usual; dimple: depth of the cheeks' dimples."""

    age: float
    depth: float
    lines: int
    spacing: float
    irregular: float
    dimple: float


@dataclass(frozen=True, slots=True, eq=False)
class Traits:
    """codes (80,), semantics (7,) multiply the pack's modes; colours are linear; empty names: none.

    seed feeds what is painted at random (stubble, freckles, lashes).
    """

    seed: int
    codes: Floats
    semantics: Floats
    skin: str
    female: bool
    tone: Colour
    roughness: float
    freckles: float
    lip_tint: float
    brow: str
    brow_strength: float
    hair: str
    hair_colour: Colour
    scalp: float
    beard: Beard | None
    iris: str
    iris_gain: float
    pupil: float
    lash_length: float
    lash_density: float
    teeth: float
    top: str
    cloth_tint: Colour
    cloth_grey: float
    glasses: Glasses | None
    folds: SkinFolds


def draw_traits(wardrobe: Wardrobe, seed: int) -> Traits:
    """The person that belongs to a seed."""
    rng = np.random.default_rng([seed, 1])
    skin = str(rng.choice(wardrobe.skins))
    female, dark = "female" in skin, "dark" in skin
    colour = _hair_colour(rng, "dark" if dark else "old" if "old" in skin else "other")
    style = _hair_style(rng, wardrobe, female, dark)
    iris = "eye_brown" if dark or rng.random() < 0.4 else str(rng.choice(wardrobe.irises))
    grey_cloth = rng.random() < 0.7
    beard = _beard(rng) if not female and rng.random() < 0.6 else None
    return Traits(
        seed=seed,
        codes=_codes(rng, female),
        semantics=_semantics(rng, wardrobe.head.semantic_names, skin),
        skin=skin,
        female=female,
        tone=_tone(rng, dark, wardrobe.skin_means[skin]),
        roughness=float(rng.uniform(0.42, 0.62)),
        freckles=float(max(rng.normal(-0.3, 0.4), 0.0)) if not dark else 0.0,
        lip_tint=float(rng.uniform(0, 0.4) if female else rng.uniform(-0.1, 0.12)),
        brow=str(rng.choice(wardrobe.brows)),
        brow_strength=float(rng.uniform(0.45, 0.8) if female else rng.uniform(0.65, 0.95)),
        hair=style,
        hair_colour=colour,
        scalp=_scalp(rng, style),
        beard=beard,
        iris=iris,
        iris_gain=float(rng.uniform(0.7, 1.25)),
        pupil=float(rng.uniform(0.028, 0.046)),
        lash_length=float(rng.uniform(0.4, 0.65) if female else rng.uniform(0.3, 0.45)),
        lash_density=float(rng.uniform(0.7, 1.0) if female else rng.uniform(0.4, 0.7)),
        teeth=float(rng.uniform(0.62, 1.0)),
        top=str(rng.choice(sorted(wardrobe.tops))),
        cloth_tint=_cloth_tint(rng) if grey_cloth else (1.0, 1.0, 1.0),
        cloth_grey=0.9 if grey_cloth else 0.0,
        glasses=_glasses(rng) if rng.random() < 0.22 else None,
        folds=_folds(np.random.default_rng([seed, 7]), skin),
    )


def _folds(rng: Rng, skin: str) -> SkinFolds:
    """A generator of its own: other traits are older than folds and stay as they were."""
    ages = (0.65, 1.0) if "old" in skin else (0.25, 0.7) if "middle" in skin else (0.0, 0.3)
    return SkinFolds(
        age=float(rng.uniform(*ages)),
        depth=float(np.clip(np.exp(rng.normal(0, 0.3)), 0.5, 1.7)),
        lines=int(rng.integers(3, 7)),
        spacing=float(rng.uniform(0.014, 0.026)),
        irregular=float(rng.uniform(0.6, 1.6)),
        dimple=float(rng.uniform(0.5, 1.0) if rng.random() < 0.3 else rng.uniform(0, 0.3)),
    )


def _triple(values: object) -> Colour:
    r, g, b = (float(v) for v in np.asarray(values))
    return r, g, b


def _codes(rng: Rng, female: bool) -> Floats:
    codes = np.clip(rng.normal(0, SPREAD, 80), -BOUND, BOUND) * (0.75 if female else 1.0)
    return codes.astype(np.float32)


def _semantics(rng: Rng, names: tuple[str, ...], skin: str) -> Floats:
    female, old = "female" in skin, "old" in skin
    origin = rng.dirichlet([0.7, 0.7, 0.7])
    if "dark" in skin:
        origin = origin * 0.4 + np.array([0, 0, 0.6])
    age = (0.5, 1.0) if old else (0.1, 0.5) if "middle" in skin else (0.0, 0.1)
    values: Mapping[str, float] = {
        "female": rng.uniform(1.0, 2.1) if female else rng.uniform(-1.1, -0.1),
        "old": rng.uniform(*age),
        "caucasian": origin[0],
        "asian": origin[1],
        "african": origin[2],
        **({str(rng.choice(["heavy", "thin"])): rng.uniform(0.2, 0.9)}
           if rng.random() < 0.4 else {}),
    }  # fmt: skip
    return np.array([values.get(name, 0.0) for name in names], np.float32)


def _tone(rng: Rng, dark: bool, mean: tuple[float, float, float]) -> Colour:
    """What the skin texture is multiplied by to reach a random tone."""
    at = rng.uniform(2.2, 5) if dark else rng.uniform(0, 2.9)
    low = min(int(at), len(TONES) - 2)
    wanted = TONES[low] + (TONES[low + 1] - TONES[low]) * (at - low)
    wanted = wanted * np.exp(rng.normal(0, 0.04, 3))
    return _triple(np.clip(wanted / np.array(mean), 0.35, 3.4))


def _hair_colour(rng: Rng, group: str) -> Colour:
    chances = np.array(_CHANCES[group])
    colour = HAIR_COLOURS[rng.choice(len(HAIR_COLOURS), p=chances / chances.sum())]
    return _triple(colour * np.exp(rng.normal(0, 0.12)))


def _hair_style(rng: Rng, wardrobe: Wardrobe, female: bool, dark: bool) -> str:
    """A style's name, or none for a bald or shaven head."""
    if rng.random() < (0.03 if female else 0.22):
        return ""
    names = sorted(wardrobe.hair)
    weights = np.array([_style_weight(name, female, dark) for name in names])
    return str(names[rng.choice(len(names), p=weights / weights.sum())])


def _style_weight(name: str, female: bool, dark: bool) -> float:
    if name == "afro01":
        return (2.0 if female else 0.8) if dark else 0.05
    if not female:
        return {"short03": 0.2}.get(name, 1.0) if name in _CROPPED else 0.0
    return {"bob02": 0.8, "braid01": 0.4, "long01": 1.6, "ponytail01": 1.6}.get(name, 0.18)


def _scalp(rng: Rng, style: str) -> float:
    """How much the scalp is tinted by hair: under a style much, else shaven or bald."""
    if style:
        return 0.9
    return float(rng.uniform(0.5, 0.95) if rng.random() < 0.7 else rng.uniform(0, 0.2))


def _beard(rng: Rng) -> Beard:
    region = int(rng.choice(3, p=[0.65, 0.15, 0.2]))
    return Beard(region, float(rng.uniform(0.15, 0.9)), float(rng.uniform(0, 1)))


def _cloth_tint(rng: Rng) -> Colour:
    tint = np.exp(rng.normal(0, 0.5)) * rng.dirichlet([3, 3, 3]) * 3
    return _triple(np.minimum(tint, 2.0))


def _glasses(rng: Rng) -> Glasses:
    colour = float(rng.choice([0.01, 0.02, 0.05, 0.3])) * np.exp(rng.normal(0, 0.4, 3))
    dark = rng.random() < 0.08
    return Glasses(
        width=float(rng.uniform(2.2, 2.75)),
        height=float(rng.uniform(1.6, 2.3)),
        square=float(rng.uniform(2, 4.5)),
        tube=float(rng.uniform(0.06, 0.17)),
        distance=float(rng.uniform(0.7, 1.1)),
        drop=float(rng.uniform(0.2, 0.5)),
        colour=_triple(np.minimum(colour, 0.8)),
        tint=float(rng.uniform(0.5, 0.85) if dark else rng.uniform(0, 0.06)),
    )
