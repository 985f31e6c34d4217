"""Clips of rendered people who speak, as a camera would have taken them, and their truth beside.

NAME.mp4 goes into one folder, NAME.npz into another one that training never reads. Axis legend:
F frames at 25 fps, W H pixels of the picture.

| member of the .npz | shape, type | meaning |
| --- | --- | --- |
| rig | (F,63) float32 | `avatar.rig.RIG` |
| landmarks | (F,150,2) float32 | px of the clip's picture |
| focal, anchor | (F,), (F,3) float32 | as in `shards`, px of the clip's picture |
| present | (F,) bool | whether the person is in the picture |
| strength | (F,) float32 | of the moods |
| info | JSON | person, split, seed, take, fault, emotion, text, voice, phones in seconds |

Faults are for testing filters: the person leaves ("absent"), a second one is beside ("two"), the
sound comes half a second late ("late"), it is too dark and out of focus ("dark"), another person
follows after half of the clip ("cut").
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from avatar.rig import Vector
from avatar.semo.pose import rotation
from avatar.semo.types import Camera
from avatar.training.synthetic.background import draw_background
from avatar.training.synthetic.buffers import Bytes, Floats, Picture
from avatar.training.synthetic.camera import NATURAL_PITCH, make_camera
from avatar.training.synthetic.config import Config
from avatar.training.synthetic.film import film
from avatar.training.synthetic.labels import LandmarkMap
from avatar.training.synthetic.light import draw_light
from avatar.training.synthetic.performance import Performance
from avatar.training.synthetic.person import Person, build_person
from avatar.training.synthetic.rendering import SAMPLES, Renderer, Setting
from avatar.training.synthetic.shading import develop
from avatar.training.synthetic.speaking import Speech, speak, talking, voices_for
from avatar.training.synthetic.traits import draw_traits
from avatar.training.synthetic.world import World
from speech.protocols import TextToSpeech
from speech.types import PLAY_RATE, SAMPLES_PER_FRAME

LOG = logging.getLogger(__name__)
Rng = np.random.Generator
Fault = Literal["absent", "two", "late", "dark", "cut"]
FAULTS: tuple[Fault, ...] = ("absent", "two", "late", "dark", "cut")
FORMATS = ((320, 320), (384, 288), (288, 384))  # px across and down
FACE = 22.0  # cm from the chin to the hair
FACE_SHARE = (0.42, 0.64)  # of the picture's height that the face takes
LOWEST, HIGHEST = -28.0, 16.0  # cm, model space: below the pack's people end, above is no hair
APART = 14.0  # cm from the middle, of two people side by side
LATE = 0.5  # s
GLOOM, DEFOCUS = 0.05, 4.0  # gain of a dark clip, px of its blur
ANOTHER = 500_009  # added to a person's number: the one who shares a faulty clip
SHOT = 1_000  # of `Config.shot_seed`: the clips' settings


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """All that a clip shows: a person, where and how lit, what they do and say; width, height:
    px, cut from the middle of the setting's square; noise: sRGB steps; blur: px."""

    person: Person
    setting: Setting
    performance: Performance
    speech: Speech
    width: int
    height: int
    noise: float
    blur: float

    @property
    def side(self) -> int:
        """Of the square that is rendered, px."""
        return max(self.width, self.height)

    def cropped(self, square: Bytes) -> Bytes:
        """The clip's part of a picture of the square."""
        x, y = self.margin
        return square[y : y + self.height, x : x + self.width]

    @property
    def margin(self) -> tuple[int, int]:
        """px of the square left of and above the clip's picture."""
        return (self.side - self.width) // 2, (self.side - self.height) // 2


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One frame: image (H,W,3); landmarks (150,2), anchor (3,), focal in the clip's px; rig (63,)
    of who is seen."""

    image: Bytes
    rig: Vector
    landmarks: Floats
    anchor: Floats
    focal: float
    present: bool


@dataclass(frozen=True, slots=True, eq=False)
class ClipStudio:
    """What all clips share. take: number of the performance by the same person in the same place;
    seconds: of each clip."""

    world: World
    landmarks: LandmarkMap
    voices: TextToSpeech
    config: Config
    seconds: float
    take: int = 0


def produce_clips(
    studio: ClipStudio, clips: Path, truth: Path, faults: tuple[Fault | None, ...] = (None,)
) -> Iterator[Path]:
    """Write a clip of each person and fault, and its truth; those there are kept. Yields paths."""
    for number in studio.config.numbers():
        for fault in faults:
            kind = fault or studio.config.split(number)
            path = clips / f"clip_{number:05d}_{studio.take}_{kind}.mp4"
            if not path.exists():
                _make(studio, number, fault, (path, truth / f"{path.stem}.npz"))
                LOG.info("%s", path.name)
            yield path


def _make(studio: ClipStudio, number: int, fault: Fault | None, paths: tuple[Path, Path]) -> None:
    cast = _cast(studio, number)
    size = (cast.width, cast.height)
    other = _cast(studio, number + ANOTHER, size) if fault in ("two", "cut") else None
    pcm = cast.speech.pcm
    if fault == "late":
        pcm = np.concatenate([np.zeros(round(LATE * PLAY_RATE), np.float32), pcm])[: len(pcm)]
    shown = []
    with film(paths[0], cast.width, cast.height) as out:
        for k, frame in enumerate(_frames(studio, cast, other, fault)):
            rng = np.random.default_rng([studio.config.seed, number, studio.take, k])
            out.add(
                _taken(frame.image, cast, rng), pcm[k * SAMPLES_PER_FRAME :][:SAMPLES_PER_FRAME]
            )
            shown.append(frame)
    _save_truth(paths[1], cast, shown, _info(studio, number, fault, cast))


def _cast(studio: ClipStudio, number: int, size: tuple[int, int] | None = None) -> Cast:
    """Who plays, where and what; size: px instead of a random one."""
    config = studio.config
    person = build_person(
        studio.world, draw_traits(studio.world.wardrobe, config.person_seed(number))
    )
    rng = np.random.default_rng([config.shot_seed(number, SHOT), 22])
    drawn = FORMATS[int(rng.integers(len(FORMATS)))]
    width, height = size or drawn
    side = max(width, height)
    light = draw_light(rng)
    background = draw_background(rng, SAMPLES * side) / np.float32(light.exposure)
    setting = Setting(_camera(rng, width, height), light, background)
    voices = voices_for(studio.voices, female=person.traits.female)
    voice = voices[int(rng.integers(len(voices)))]
    acted = config.shot_seed(number, SHOT + 1 + studio.take)
    speech = speak(studio.voices, voice, acted, studio.seconds)
    noise, blur = float(rng.uniform(0.5, 3)), float(rng.uniform(0, 0.7))
    return Cast(person, setting, talking(acted, speech), speech, width, height, noise, blur)


def _camera(rng: Rng, width: int, height: int) -> Camera:
    """A webcam or a phone: the person is near the middle, seldom in it."""
    visible = FACE / rng.uniform(*FACE_SHARE)
    square = visible * max(width, height) / height
    middle = max(LOWEST + visible / 2, HIGHEST - visible / 2) + rng.uniform(0, 3)
    aside = rng.uniform(-0.16, 0.16) * square * width / max(width, height)
    turn = rotation(rng.normal(0, 0.07), NATURAL_PITCH + rng.normal(0, 0.05), rng.normal(0, 0.015))
    target = np.array([aside, middle, 2], np.float32)
    return make_camera(turn, target, float(np.radians(rng.uniform(26, 46))), float(square))


def _frames(
    studio: ClipStudio, cast: Cast, other: Cast | None, fault: Fault | None
) -> Iterator[Shown]:
    renderer, count = Renderer(cast.side), len(cast.performance.rig)
    setting = cast.setting if fault != "two" else _placed(cast.setting, -APART)
    beside = _placed(cast.setting, APART)
    for k in range(count):
        if fault == "cut" and other is not None and k >= count // 2:
            yield _shown(studio, renderer, other, (other.performance.rig[k], other.setting))
            continue
        if fault == "absent" and 0.3 * count <= k < 0.7 * count:
            empty = cast.cropped(_backdrop(setting, cast.side))
            nothing = np.zeros((150, 2), np.float32), np.zeros(3, np.float32)
            yield Shown(empty, cast.performance.rig[k], *nothing, 0.0, present=False)
            continue
        frame = _shown(studio, renderer, cast, (cast.performance.rig[k], setting))
        if fault == "two" and other is not None:
            second = renderer.render(other.person, other.performance.rig[k], beside)
            frame = replace(frame, image=_joined(cast, frame.image, second.image, second.alpha))
        if fault == "dark":
            frame = replace(frame, image=_gloomy(frame.image))
        yield frame


def _shown(studio: ClipStudio, renderer: Renderer, cast: Cast, at: tuple[Vector, Setting]) -> Shown:
    """One rendered frame in the clip's pixels."""
    frame = renderer.render(cast.person, *at)
    margin = np.array(cast.margin, np.float32)
    place = frame.anchor.copy()
    place[:2] -= margin
    marks = studio.landmarks.at(frame.screen) - margin
    return Shown(cast.cropped(frame.image), frame.rig, marks, place, frame.focal, present=True)


def _placed(setting: Setting, aside: float) -> Setting:
    """The same with the person so many cm right of the picture's middle."""
    camera = setting.camera
    translation = camera.translation.copy()
    translation[0] = aside
    return replace(setting, camera=replace(camera, translation=translation))


def _backdrop(setting: Setting, side: int) -> Bytes:
    """(S,S,3) of a setting without anybody."""
    samples = np.ascontiguousarray(setting.background)
    picture = Picture(samples, np.zeros(samples.shape[:2], np.float32))
    image, alpha = np.empty((side, side, 3), np.uint8), np.empty((side, side), np.uint8)
    develop(picture, setting.light.exposure, image, alpha)
    return image


def _joined(cast: Cast, first: Bytes, second: Bytes, alpha: Bytes) -> Bytes:
    """The second person, cut out of their square picture, beside the first."""
    share = cast.cropped(alpha)[..., None] / np.float32(255)
    behind = cast.cropped(_backdrop(cast.setting, cast.side)).astype(np.float32)
    out = cast.cropped(second) + (1 - share) * (first.astype(np.float32) - behind)
    return np.asarray(out.clip(0, 255), np.uint8)


def _gloomy(image: Bytes) -> Bytes:
    blurred = cv2.GaussianBlur(image, (0, 0), DEFOCUS)
    return np.asarray(blurred * np.float32(GLOOM), np.uint8)


def _taken(image: Bytes, cast: Cast, rng: Rng) -> Bytes:
    """What the sensor makes of it: a little soft, a little noisy."""
    out = image.astype(np.float32)
    if cast.blur > 0.25:
        out = np.asarray(cv2.GaussianBlur(out, (0, 0), cast.blur), np.float32)
    grain = rng.standard_normal((*image.shape[:2], 1), np.float32) * np.float32(cast.noise)
    return (out + grain + np.float32(0.5)).clip(0, 255).astype(np.uint8)


def _info(studio: ClipStudio, number: int, fault: Fault | None, cast: Cast) -> dict[str, object]:
    config = studio.config
    return {
        "kind": "clip", "person": number, "split": config.split(number), "seed": config.seed,
        "take": studio.take, "fault": fault, "emotion": cast.performance.emotion,
        "text": cast.speech.text, "voice": cast.speech.voice, "phones": cast.speech.phones,
    }  # fmt: skip


def _save_truth(path: Path, cast: Cast, shown: list[Shown], info: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        rig=np.stack([frame.rig for frame in shown]),
        landmarks=np.stack([frame.landmarks for frame in shown]),
        anchor=np.stack([frame.anchor for frame in shown]),
        focal=np.array([frame.focal for frame in shown], np.float32),
        present=np.array([frame.present for frame in shown]),
        strength=cast.performance.strength,
        info=np.array(json.dumps(info, sort_keys=True)),
    )
