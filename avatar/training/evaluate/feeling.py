"""`limner evaluate emotion`: is the feeling that was asked for read in the face, and how strongly?

Each source shows six feelings and the compound ones at four strengths, silent and while it talks,
on held-out people; judges that never saw what was asked read the pictures, and true renders of the
same people. Definitions: docs/evaluation.md. Axis legend: F frames, L labels, S strengths.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avatar.rig import SIZE
from avatar.training.evaluate.act_film import Reading, Screening, Shown
from avatar.training.evaluate.act_setting import Setting, add_options, setting_of, source_of
from avatar.training.evaluate.act_sources import MotionSource, Truth
from avatar.training.evaluate.acts import Act, spoken, still
from avatar.training.evaluate.album import Floats
from avatar.training.evaluate.feeling_figures import (
    LABELS,
    STRENGTHS,
    Faces,
    blendshape_rows,
    feeling_figures,
    strengths_of,
)
from avatar.training.evaluate.feeling_pictures import (
    confusions,
    sheet,
    strength_curves,
    text_confusion,
)
from avatar.training.evaluate.feeling_report import markdown
from avatar.training.performance.felt import felt_rig
from avatar.types import Activity
from emotion.types import EMOTIONS, EmotionState

LOG = logging.getLogger(__name__)
HELD = 85  # frames that a feeling is held
LOOKED = (50, 60, 70, 80)  # of them, those that are judged: a blink may hit one
EVERY = 5  # frames between those that are judged while talking
SENTENCE = "I will tell you about the letter they sent me early this morning."
FEAR_DISGUST = ("fearful", "disgusted")


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """Motion of every label and strength (L, S, F, 63) and of no feeling (F, 63); the frames that
    are judged."""

    felt: Sequence[Sequence[Floats]]
    neutral: Floats
    at: tuple[int, ...]


def options(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    add_options(parser, people=8)
    parser.add_argument("--voice", default="", help="of the sentence that is said")
    parser.add_argument("--emotion-text", type=Path, help="holds GoEmotions' ekman_test.tsv: also "
                        "judge what is read in words")  # fmt: skip
    parser.add_argument("--only-text", action="store_true", help="no faces")


def run(args: argparse.Namespace) -> None:
    """Everything, into OUT/emotion.json, OUT/emotion.md and pictures beside."""
    setting = setting_of(args)
    found: dict[str, Any] = {}
    if args.emotion_text:
        found["text"] = _texts(args.emotion_text, args.out)
    if not args.only_text:
        found |= faces(setting, args)
    setting.write("emotion", found, markdown(found))
    sys.stdout.write((args.out / "emotion.md").read_text("utf-8"))


def _texts(folder: Path, out: Path) -> dict[str, Any]:
    from emotion.text_net import CLASSES
    from emotion.training.evaluate import text_figures

    found = text_figures(folder)
    text_confusion(found.confusion.tolist(), CLASSES, out / "emotion_text_confusion.png")
    return {"figures": found.figures, "confusion": found.confusion.tolist(),
            "misread": [list(row) for row in found.refused]}  # fmt: skip


def faces(setting: Setting, args: argparse.Namespace) -> dict[str, Any]:
    """The part that shows faces, with its pictures."""
    screening = setting.screening()
    found: dict[str, Any] = {"people": setting.cast.names, "held": {}, "talking": {}}
    true = held_truth()
    truth = judged(screening, true)
    names = _names(screening, true)
    rows = {"truth": truth}
    motions = {"truth": true}
    for name in args.sources:
        motions[name] = held(source_of(name, True, args))
        rows[name] = judged(screening, motions[name])
        rows[f"{name}, told nothing"] = label_free(rows[name])
    for name, faces in rows.items():
        found["held"][name] = feeling_figures(faces, truth)
        found["held"][name]["blendshapes"] = {
            label: blendshape_rows(faces, truth, names, label) for label in FEAR_DISGUST
        }
    found["talking"] = _talking(screening, args)
    confusions(found["held"], args.out / "emotion_confusion.png")
    strength_curves(found["held"], args.out / "emotion_strength.png")
    sheet(setting.cast, motions, args.out / "emotion_sheet.png")
    return found


def held_truth() -> Played:
    """True renders: the recipes, still."""
    felt = [[np.clip(felt_rig(strengths_of(label, s)), -1, 1.1)[None] for s in STRENGTHS]
            for label in LABELS]  # fmt: skip
    return Played(felt, np.zeros((1, SIZE), np.float32), (0,))


def held(source: MotionSource) -> Played:
    """A silent face that is told a feeling from the first frame on."""
    felt = [[source.motion(_still(_state(label, s))) for s in STRENGTHS] for label in LABELS]
    return Played(felt, source.motion(_still(EmotionState.neutral())), LOOKED)


def _still(emotion: EmotionState) -> Act:
    return still("held", HELD, emotion, Activity.IDLE)


def _state(label: str, strength: float) -> EmotionState:
    values = strengths_of(label, strength)
    return EmotionState.from_strengths(dict(zip(EMOTIONS, map(float, values), strict=True)))


def talking(source: MotionSource, voice: str) -> Played:
    """One sentence in every feeling at full strength, by the same voice in the same manner: only
    the face is told. Other strengths are not asked for."""
    from speech.tts import EmbeddedVoices

    act = spoken(EmbeddedVoices(), SENTENCE, voice)
    at = tuple(np.flatnonzero(act.spoken)[::EVERY].tolist())
    felt = [[source.motion(_said(act, _state(label, 1.0), source))] for label in LABELS]
    return Played(felt, source.motion(_said(act, EmotionState.neutral(), source)), at)


def _said(act: Act, emotion: EmotionState, source: MotionSource) -> Act:
    from avatar.training.evaluate.acts import with_truth

    said = act.felt(emotion)
    return with_truth(said) if isinstance(source, Truth) else said


def _talking(screening: Screening, args: argparse.Namespace) -> dict[str, Any]:
    truth = judged(screening, talking(Truth(), args.voice))
    rows = {"truth": truth}
    for name in args.sources:
        rows[name] = judged(screening, talking(source_of(name, True, args), args.voice))
        rows[f"{name}, told nothing"] = label_free(rows[name])
    return {name: feeling_figures(faces, truth) for name, faces in rows.items()}


def judged(screening: Screening, motion: Played) -> Faces:
    """Draw on everybody and read; of the judged frames the median counts. From the person's
    neutral face: a picture that smiles by itself would count as one that was told nothing."""
    people = screening.cast.names
    count = len(motion.felt[0])
    shown = [
        Shown(who, rigs, motion.at, felt=True, settled=True)
        for who in people for row in [[motion.neutral], *motion.felt] for rigs in row
    ]  # fmt: skip
    read = screening.read(shown)
    each = 1 + len(motion.felt) * count
    scores, net = (
        np.array([_median(getattr(one, part)) for one in read]).reshape(len(people), each, -1)
        for part in ("scores", "feeling")
    )
    shape = (len(people), len(motion.felt), count, -1)
    return Faces(scores[:, 1:].reshape(shape), net[:, 1:].reshape(shape), scores[:, 0], net[:, 0])


def _median(values: Floats) -> Floats:
    """Over the frames in which a face was found. Raises ValueError where there is none."""
    found = values[np.isfinite(values).all(1)]
    if not len(found):
        raise ValueError("the judge finds no face in a film")
    return np.asarray(np.median(found, 0), np.float32)


def label_free(faces: Faces) -> Faces:
    """What the same face shows that is told nothing: its neutral motion under every label."""
    scores = np.broadcast_to(faces.neutral_scores[:, None, None], faces.scores.shape)
    net = np.broadcast_to(faces.neutral_net[:, None, None], faces.net.shape)
    return Faces(scores, net, faces.neutral_scores, faces.neutral_net)


def _names(screening: Screening, motion: Played) -> tuple[str, ...]:
    who = screening.cast.names[0]
    shown = Shown(who, motion.neutral, motion.at, felt=True, settled=True)
    found: Reading = screening.read([shown])[0]
    return found.names
