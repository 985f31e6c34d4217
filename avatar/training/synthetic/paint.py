"""Painting a person's textures: skin with brows, beard and lips, eyes, lashes, hair.

Images are sRGB; those that are worked on are float32 0..255.
"""

import cv2
import numpy as np

from avatar.training.synthetic.buffers import Bytes, Floats
from avatar.training.synthetic.traits import Traits
from avatar.training.synthetic.wardrobe import Wardrobe

FACE_SIDE, HEAD_SIDE = 1024, 512
BROWS = (slice(180, 420), slice(180, 844))  # where the pack's brow pictures lie on the face
IRIS = 0.108  # radius of the iris, shares of the eye picture
LASH_ROWS, LASH_COLUMNS = 6, 2  # strips of the lash texture; rows 3 to 5 are lower lids
HAIR_LEVEL = 0.28  # linear grey that hair textures are brought to, so that any colour works


def bytes_of(linear: tuple[float, ...] | Floats) -> Floats:
    """Linear colour to sRGB 0..255."""
    share = np.clip(np.asarray(linear, np.float32), 0, 1)
    low, high = share * 12.92, 1.055 * share ** (1 / 2.4) - 0.055
    return np.asarray(np.where(share <= 0.0031308, low, high) * 255, np.float32)


def skin_textures(wardrobe: Wardrobe, traits: Traits) -> tuple[Bytes, Bytes]:
    """(1024,1024,3) of the face and (512,512,3) of the back of the head."""
    rng = np.random.default_rng([traits.seed, 2])
    face = _rgb(wardrobe.image(f"skin_{traits.skin}_face"), FACE_SIDE)
    head = _rgb(wardrobe.image(f"skin_{traits.skin}_head"), HEAD_SIDE)
    grain = _grain(rng)
    hair = bytes_of(np.clip(np.array(traits.hair_colour) / np.array(traits.tone), 0, 1))
    _paint_scalp(wardrobe, traits, (face, head), grain, hair)
    if traits.freckles:
        _paint_freckles(face, rng, traits.freckles)
    if traits.beard:
        _paint_beard(wardrobe, traits, face, grain, hair)
    _paint_lips(wardrobe, traits, face)
    _paint_brows(wardrobe, traits, face)
    return _to_bytes(face), _to_bytes(head)


def _to_bytes(image: Floats) -> Bytes:
    return (image + 0.5).clip(0, 255).astype(np.uint8)


def _rgb(image: Bytes, side: int) -> Floats:
    out = image[..., :3].astype(np.float32)
    return out if len(out) == side else _scaled(out, side)


def _scaled(image: Floats, side: int) -> Floats:
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)


def _mask(wardrobe: Wardrobe, name: str, side: int, channel: int = 0) -> Floats:
    image = wardrobe.image(name)
    plane = image if image.ndim == 2 else image[..., channel]
    return _scaled(np.asarray(plane / 255, np.float32), side)


def _grain(rng: np.random.Generator) -> Floats:
    """(1024,1024) noise 0..1 of about hair's width."""
    fine = rng.random((512, 512), np.float32)
    return _scaled(np.asarray(cv2.GaussianBlur(fine, (0, 0), 0.6), np.float32), FACE_SIDE)


def _paint_scalp(
    wardrobe: Wardrobe,
    traits: Traits,
    pictures: tuple[Floats, Floats],
    grain: Floats,
    hair: Floats,
) -> None:
    for name, picture in zip(("face", "head"), pictures, strict=True):
        side = len(picture)
        dense = _mask(wardrobe, f"mask_scalp_{name}", side) * traits.scalp
        dense = np.clip(dense * (0.7 + 0.6 * grain[:side, :side]), 0, 1)[..., None]
        picture += (hair - picture) * dense


def _paint_freckles(face: Floats, rng: np.random.Generator, strength: float) -> None:
    """Brown spots, some clustered."""
    spots = np.zeros((FACE_SIDE, FACE_SIDE), np.float32)
    for x, y in rng.normal((512, 470), (170, 90), (int(900 * strength), 2)):
        radius = int(rng.integers(1, 4))
        cv2.circle(spots, (int(x), int(y)), radius, float(rng.uniform(0.2, 0.8)), -1, cv2.LINE_AA)
    soft = cv2.GaussianBlur(spots, (0, 0), 1.2)[..., None]
    face *= 1 - soft * np.array([0.25, 0.38, 0.5], np.float32) * min(strength + 0.3, 1)


def _paint_beard(
    wardrobe: Wardrobe, traits: Traits, face: Floats, grain: Floats, hair: Floats
) -> None:
    beard = traits.beard
    assert beard is not None
    where = _mask(wardrobe, "mask_beard", FACE_SIDE, beard.region) * beard.density
    # Stubble is an even shade under the skin, a beard shows its hairs.
    shade = where * (0.45 + 0.5 * beard.length * (2 * grain - 0.6))
    cover = np.clip(shade * (0.6 + 0.8 * beard.length), 0, 0.93)[..., None]
    face += (hair * 0.85 - face) * cover


def _paint_lips(wardrobe: Wardrobe, traits: Traits, face: Floats) -> None:
    where = _mask(wardrobe, "mask_lips", FACE_SIDE)[..., None]
    t = traits.lip_tint
    gain = np.clip(np.array([1.0, 1 - 0.75 * t, 1 - 0.6 * t]) * (1 - 0.25 * max(t, 0)), 0.3, 1.1)
    face *= 1 + (gain.astype(np.float32) - 1) * where


def _paint_brows(wardrobe: Wardrobe, traits: Traits, face: Floats) -> None:
    brow = cv2.GaussianBlur(wardrobe.image(traits.brow).astype(np.float32), (0, 0), 1.2)
    cover = np.clip(brow[..., 3:] / 255 * 1.2, 0, 1) * traits.brow_strength
    light = brow[..., :3].mean(2, keepdims=True) / 255
    colour = np.array(traits.hair_colour) * 0.7 / np.array(traits.tone)
    strands = bytes_of(np.minimum(colour, 0.12)) * (0.6 + 0.8 * light)
    face[BROWS] += (strands - face[BROWS]) * cover


def eye_texture(wardrobe: Wardrobe, traits: Traits) -> Bytes:
    """(512,512,3): the iris recoloured, with a limbal ring and this person's pupil."""
    rng = np.random.default_rng([traits.seed, 3])
    eye = _rgb(wardrobe.image(traits.iris), 512)
    y, x = np.mgrid[0:512, 0:512].astype(np.float32)
    radius = (np.hypot(x - 255.5, y - 255.5) / 512)[..., None]
    grey = eye.mean(2, keepdims=True)
    iris = np.clip((IRIS - radius) / 0.006, 0, 1)
    white = grey + (eye - grey) * 0.6
    white = white * np.array([1.0, 0.965, 0.94], np.float32) * rng.uniform(0.86, 0.98)
    white *= 1 - 0.25 * np.clip((radius - 0.16) / 0.12, 0, 1)
    ring = (radius > traits.pupil) & (radius < IRIS)
    lift = (24 + 0.75 * float(grey[ring].mean())) / float(grey[ring].mean())
    coloured = (grey + (eye - grey) * 0.6) * (traits.iris_gain * lift)
    coloured[..., 1] += 0.35 * np.maximum(coloured[..., 0] - coloured[..., 1], 0)  # brown, not red
    eye = white + (coloured - white) * iris
    eye *= 1 - 0.55 * np.exp(-(((radius - IRIS + 0.003) / 0.009) ** 2))
    eye *= 0.04 + 0.96 * np.clip((radius - traits.pupil) / 0.006, 0, 1)
    return _to_bytes(eye)


def lid_shadow_texture() -> Bytes:
    """(64,64,4) of the strips along the lids: dark at both edges of the opening."""
    row = np.linspace(0, 1, 64, dtype=np.float32)
    shade = np.exp(-np.minimum(row, 1 - row) / 0.15) * 0.8
    out = np.full((64, 64, 4), 255, np.uint8)
    out[..., 3] = (shade[:, None] * 255).astype(np.uint8)
    return out


def lash_texture(traits: Traits) -> Bytes:
    """(512,512,4): curved hairs in strips, rooted at the strips' upper edge."""
    rng = np.random.default_rng([traits.seed, 4])
    alpha = np.zeros((512, 512), np.float32)
    for row in range(LASH_ROWS):
        for column in range(LASH_COLUMNS):
            _draw_lashes(alpha, rng, row, column, lower=row >= LASH_ROWS // 2)
    out = np.full((512, 512, 4), 255, np.uint8)
    out[..., 3] = (alpha * 255 * traits.lash_density).clip(0, 255).astype(np.uint8)
    return out


def _draw_lashes(
    alpha: Floats, rng: np.random.Generator, row: int, column: int, *, lower: bool
) -> None:
    top, high = 512 * (row + 0.07) / LASH_ROWS, 512 * 0.86 / LASH_ROWS
    left, wide = 512 * column / LASH_COLUMNS, 512 / LASH_COLUMNS
    count = 16 if lower else 34
    for k in range(count):
        root = left + (k + rng.random()) * wide / count
        length = high * (rng.uniform(0.3, 0.55) if lower else rng.uniform(0.6, 1.0))
        lean = rng.normal(0, 4) + (k / count - 0.5) * 8
        along = np.linspace(0, 1, 9)
        points = np.stack([root + lean * along**2, top + length * along], 1)
        for at in range(8):
            ends = (points[at : at + 2] * 16).round().astype(int)
            shade = (0.55 if lower else 0.9) * (1 - 0.8 * along[at])
            a, b = tuple(map(int, ends[0])), tuple(map(int, ends[1]))
            cv2.line(alpha, a, b, float(shade), 3 if at < 3 else 2, cv2.LINE_AA, 4)


def hair_texture(wardrobe: Wardrobe, style: str) -> Bytes:
    """(H,W,4): the style's strands in grey of even lightness, to be tinted."""
    image = wardrobe.image(f"hair_{style}")
    light = (image[..., :3].astype(np.float32) / 255) ** 2.2 @ np.array([0.3, 0.59, 0.11])
    alpha = image[..., 3] if image.shape[2] == 4 else np.full(image.shape[:2], 255, np.uint8)
    typical = np.percentile(light[alpha > 128], 60)
    contrast = 0.4 if style.startswith(("braid", "pony")) else 0.7
    grey = bytes_of(np.clip(light / typical, 0.15, 4) ** contrast * HAIR_LEVEL)
    solid = np.minimum(255, alpha.astype(np.float32) * np.where(alpha > 128, 1.25, 1.0))
    return np.dstack([grey, grey, grey, solid]).astype(np.uint8)
