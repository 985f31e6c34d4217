"""`limner evaluate clips`: films of the acting on invented people, and strips of their frames.

Every feeling, two compound ones, several voices and portraits, sound without phones, idle,
listening, thinking. Each is OUT/NAME.mp4 and OUT/NAME.png, a strip of every few frames with their
numbers; OUT/page.png shows one of each. Look at them: figures hide horrors. Axis legend: F frames.
"""

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from avatar.training.evaluate.act_film import Cast, Shown
from avatar.training.evaluate.act_setting import REASONER, RULES, add_reasoner, new_session
from avatar.training.evaluate.act_sources import Lived
from avatar.training.evaluate.acts import Act, joined, spoken, still
from avatar.training.evaluate.album import Bytes, Floats, write_rgb
from avatar.training.evaluate.sheet import around_face, titled
from avatar.training.synthetic.film import film
from avatar.types import Activity
from emotion.labels import parse_labels
from emotion.types import EmotionState
from speech.pcm import resample
from speech.protocols import TextToSpeech
from speech.types import FEATURE_RATE, FPS, PLAY_RATE, SAMPLES_PER_FRAME

LOG = logging.getLogger(__name__)
EVERY, ACROSS, CELL = 5, 8, 192  # frames between those of a strip, pictures in a row, px of one
PAGE_AT = 0.62  # of a film: its picture on the page of all
CALM = "neutral"


@dataclass(frozen=True, slots=True)
class Take:
    """What is filmed. say: a sentence, or what is heard while listening; phones: whether they are
    known; activity: without speech, what goes on."""

    name: str
    who: str
    voice: str
    feeling: str = CALM
    say: str = ""
    phones: bool = True
    activity: Activity = Activity.SPEAKING
    seconds: float = 7.0


def _said(name: str, who: str, voice: str, feeling: str, say: str, phones: bool = True) -> Take:
    return Take(name, who, voice, feeling, say, phones)


_SLT, _RMS, _AWB, _LINDA = "flite/slt", "flite/rms", "flite/awb", "espeak/en-us-f3"
TAKES: tuple[Take, ...] = (
    _said("happy", "mara", _SLT, "happy", "We won! I can hardly believe it, this is wonderful."),
    _said("sad", "omar", _RMS, "sad", "She left this morning, and I do not think she will return."),
    _said("angry", "freya", _SLT, "angry", "Enough! You broke your promise and blamed me for it."),
    _said("fearful", "kenji", _AWB, "fearful", "Did you hear that? Somebody is behind the door."),
    _said("disgusted", "nia", _SLT, "disgusted", "Ugh, the milk is full of mould. Take it away."),
    _said("surprised", "pavel", _RMS, "surprised", "What? You walked all the way over here?"),
    _said("happily_surprised", "priya", _SLT, "happily surprised", "Oh! For me? What a big cake!"),
    _said("sadly_angry", "henrik", _AWB, "sadly angry", "You promised me that you would be there."),
    _said("half_happy", "lin", _SLT, "happy:0.4", "Sure, I would be glad to help you with that."),
    _said("neutral_slt", "amara", _SLT, CALM, "My brother bought a maple table for the room."),
    _said("neutral_rms", "tomas", _RMS, CALM, "Every morning the baker fills his big window."),
    _said("neutral_awb", "ines", _AWB, CALM, "Please move the piano before five, if you may."),
    _said("neutral_espeak", "ruth", _LINDA, CALM, "The valley opens far below, full of fog."),
    _said("audio_alone_slt", "mateo", _SLT, CALM, "My brother bought a maple table for the room.",
          phones=False),
    _said("audio_alone_rms", "kofi", _RMS, CALM, "I would rather have a piece of plum cake.",
          phones=False),
    _said("audio_alone_happy", "joseph", _AWB, "happy", "Perfect, that is by far the best of all!",
          phones=False),
    Take("idle_1", "mara", "", activity=Activity.IDLE, seconds=10),
    Take("idle_2", "omar", "", activity=Activity.IDLE, seconds=10),
    Take("idle_sad", "lin", "", "sad:0.6", activity=Activity.IDLE),
    Take("thinking", "freya", "", activity=Activity.THINKING),
    Take("listening_1", "kenji", _SLT, CALM, "Well, first I went to the market. Then it began to "
         "rain, so I took the bus, and guess what? Nobody was there!", activity=Activity.LISTENING),
    Take("listening_happy", "nia", _RMS, "happy:0.6", "So we won the match, three to two. You "
         "should have seen it! The whole street came out to sing.", activity=Activity.LISTENING),
    *(Take(f"held_{name}", who, "", name, activity=Activity.IDLE, seconds=5) for name, who in
      zip(("happy", "sad", "angry", "fearful", "disgusted", "surprised"),
          ("amara", "tomas", "ines", "ruth", "mateo", "joseph"), strict=True)),
)  # fmt: skip


def options(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument("--out", type=Path, required=True, help="where the films go")
    parser.add_argument("--source", choices=(REASONER, RULES), default=REASONER)
    parser.add_argument("--only", nargs="*", help="names of some; default: all")
    parser.add_argument("--size", type=int, default=384, help="px, even")
    add_reasoner(parser)


def run(args: argparse.Namespace) -> None:
    """Films and strips into OUT."""
    from avatar.portraits import load_portrait
    from speech.tts import EmbeddedVoices

    make, voices = new_session(args.source, args.weights), EmbeddedVoices()
    chosen = [take for take in TAKES if not args.only or take.name in args.only]
    cast = Cast([load_portrait(take.who) for take in chosen], args.size)
    page = []
    for at, take in enumerate(chosen):
        act = act_of(take, voices)
        rigs = Lived(make, args.source, take.phones, args.seed + at).motion(act)
        pictures = list(cast.frames(Shown(take.who, rigs)))
        write_film(args.out / f"{take.name}.mp4", pictures, act)
        marks = cast.portrait(take.who).landmarks.points / len(cast.portrait(take.who).rgb)
        write_strip(args.out / f"{take.name}.png", pictures, np.asarray(marks, np.float32))
        middle = pictures[round(PAGE_AT * len(pictures))]
        page.append(_cell(middle, np.asarray(marks, np.float32), take.name))
        LOG.info("%s", take.name)
    write_rgb(args.out / "page.png", np.vstack(list(_rows(page))))
    sys.stdout.write(f"{len(chosen)} films in {args.out}\n")


def act_of(take: Take, voices: TextToSpeech) -> Act:
    """The act of a take."""
    felt = parse_labels(take.feeling)
    if take.say and take.activity == Activity.SPEAKING:
        # A moment before, so that the face is seen to begin.
        before = still("before", FPS, EmotionState.neutral(), Activity.IDLE)
        said = replace(spoken(voices, take.say, take.voice, felt), mood=EmotionState.neutral())
        return joined([before, said], take.name)
    if take.say:
        user = spoken(voices, take.say, take.voice)
        act = still(take.name, user.frames + FPS, felt, take.activity)
        heard = np.zeros_like(act.pcm)
        heard[: len(user.pcm)] = user.pcm
        return replace(act, heard=heard)
    return still(take.name, round(take.seconds * FPS), felt, take.activity)


def write_film(path: Path, pictures: Sequence[Bytes], act: Act) -> None:
    """With the own sound and that which is heard."""
    pcm = resample(act.pcm + act.heard, FEATURE_RATE, PLAY_RATE)
    pcm = np.pad(pcm, (0, SAMPLES_PER_FRAME))  # rounding
    with film(path, pictures[0].shape[1], pictures[0].shape[0]) as out:
        for at, picture in enumerate(pictures):
            out.add(picture, pcm[at * SAMPLES_PER_FRAME :][:SAMPLES_PER_FRAME])


def write_strip(path: Path, pictures: Sequence[Bytes], marks: Floats) -> None:
    """The faces of every few frames with their numbers; marks: (150, 2) picture shares."""
    cells = [_cell(pictures[at], marks, str(at)) for at in range(0, len(pictures), EVERY)]
    write_rgb(path, np.vstack(list(_rows(cells))))


def _cell(picture: Bytes, marks: Floats, title: str) -> Bytes:
    face = cv2.resize(around_face(picture, marks), (CELL, CELL), interpolation=cv2.INTER_AREA)
    return titled(np.asarray(face, np.uint8), title)


def _rows(cells: Sequence[Bytes]) -> Iterator[Bytes]:
    blank = np.full_like(cells[0], 255)
    for first in range(0, len(cells), ACROSS):
        row = list(cells[first : first + ACROSS])
        yield np.hstack(row + [blank] * (ACROSS - len(row)))
