"""`limner evaluate sync`: do the lips follow what is said, on rendered video of held-out people?

Acts of held-out voices and sentences (and, with --real, of recorded speakers) are moved by each
source, drawn by the product's decoder and measured by a landmark judge. Definitions:
docs/evaluation.md.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from avatar.training.evaluate.act_film import Cast, Shown, WarpCast
from avatar.training.evaluate.act_setting import Setting, add_options, setting_of, source_of
from avatar.training.evaluate.act_sources import EnergyJaw, Flat, MotionSource, Truth, WarpRules
from avatar.training.evaluate.acts import Act, load_take, shuffled, spoken, takes, utterances
from avatar.training.evaluate.sync_figures import Clip, sync_figures
from avatar.training.evaluate.sync_pictures import curves
from avatar.training.evaluate.sync_report import markdown
from emotion.types import EMOTIONS, EmotionState

LOG = logging.getLogger(__name__)
# Said where there are no takes: every closure and bite of English, open vowels between.
SENTENCES = (
    "My brother bought a maple table for the big family room.",
    "Please be patient, we have to move the piano before five.",
    "Every morning the baker fills the window with fresh bread.",
    "Nobody ever believed that the small boat would come back.",
    "I would rather have a cup of coffee and a piece of plum cake.",
    "The valley opens far below, and the river vanishes into fog.",
)
Way = tuple[MotionSource, Sequence[Act]]


def options(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    add_options(parser, people=8)
    parser.add_argument("--real", type=Path, help="takes of recorded speakers never trained on")
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--real-clips", type=int, default=10)
    parser.add_argument("--felt-clips", type=int, default=5, help="for each of the six feelings")


def run(args: argparse.Namespace) -> None:
    """Everything, into OUT/sync.json, OUT/sync.md and OUT/sync_curves.png."""
    setting = setting_of(args)
    acts = held_out(args.takes, args.clips)
    found: dict[str, Any] = {"people": setting.cast.names, "acts": [act.name for act in acts]}
    found["voices"], clips = _voices(setting, acts, args)
    if args.real:
        real = held_out(args.real, args.real_clips)
        found["real"], _ = _recorded(setting, real, args)
    if args.felt_clips:
        found["felt"] = _felt(setting, acts[: args.felt_clips], args)
    curves(clips, args.out / "sync_curves.png")
    setting.write("sync", found, markdown(found))
    sys.stdout.write((args.out / "sync.md").read_text("utf-8"))


def held_out(folder: Path | None, count: int) -> list[Act]:
    """Utterances without feeling: the first of each take, then the second of each, and so on;
    without takes `SENTENCES` by our voices."""
    if folder is None:
        return _own(count)
    said = [list(utterances(load_take(path))) for path in takes(folder)[:count]]
    found = [act for turn in zip_longest(*said) for act in turn if act is not None]
    return [act.felt(EmotionState.neutral()) for act in found[:count]]


def _own(count: int) -> list[Act]:
    from speech.tts import EmbeddedVoices

    voices = EmbeddedVoices()
    names = [voice.id for voice in voices.voices() if voice.language.startswith("en")]
    return [
        spoken(voices, SENTENCES[k % len(SENTENCES)], names[k % len(names)]) for k in range(count)
    ]


def _voices(
    setting: Setting, acts: Sequence[Act], args: argparse.Namespace
) -> tuple[dict[str, Any], dict[str, list[Clip]]]:
    ways: dict[str, Way] = {"truth": (Truth(neutral=True), acts)}
    for name in args.sources:
        ways[f"{name}, phones given"] = source_of(name, True, args), acts
        ways[f"{name}, audio alone"] = source_of(name, False, args), acts
    first = args.sources[0]
    ways[f"{first}, another clip's sound"] = source_of(first, False, args), shuffled(acts)
    ways["energy-only jaw"] = EnergyJaw(), acts
    ways["flat neutral"] = Flat(), acts
    clips = {name: _clips(setting, way, acts) for name, way in ways.items()}
    warp = WarpCast([setting.cast.portrait(who) for who in setting.cast.names], args.size)
    clips["warp engine, phones given"] = _clips(setting, (WarpRules(), acts), acts, warp)
    return {name: sync_figures(each) for name, each in clips.items()}, clips


def _recorded(
    setting: Setting, acts: Sequence[Act], args: argparse.Namespace
) -> tuple[dict[str, Any], dict[str, list[Clip]]]:
    ways: dict[str, Way] = {"truth": (Truth(neutral=True), acts)}
    for name in args.sources:
        ways[f"{name}, audio alone"] = source_of(name, False, args), acts
    ways["energy-only jaw"] = EnergyJaw(), acts
    clips = {name: _clips(setting, way, acts) for name, way in ways.items()}
    return {name: sync_figures(each) for name, each in clips.items()}, clips


def _felt(
    setting: Setting, acts: Sequence[Act], args: argparse.Namespace
) -> dict[str, dict[str, Any]]:
    """By source and feeling at full strength; openings are those of the words alone."""
    out: dict[str, dict[str, Any]] = {}
    for name in args.sources:
        source = source_of(name, True, args)
        out[name] = {"neutral": sync_figures(_clips(setting, (source, acts), acts))}
        for feeling in EMOTIONS:
            felt = [act.felt(EmotionState.from_strengths({feeling: 1.0})) for act in acts]
            out[name][feeling] = sync_figures(_clips(setting, (source, felt), acts))
    return out


def _clips(
    setting: Setting, way: Way, truth: Sequence[Act], cast: Cast | None = None
) -> list[Clip]:
    """Judged films of a way; truth: whose openings and phones count."""
    source, acts = way
    names = setting.cast.names
    LOG.info("%s: %d clips", source.name, len(acts))
    # A smile that the picture itself shows would fade as the clip goes on, which no lips do.
    shown = [
        Shown(names[k % len(names)], source.motion(act), settled=True) for k, act in enumerate(acts)
    ]
    read = setting.screening(cast).read(shown)
    return [Clip(replace(act), one.gap) for act, one in zip(truth, read, strict=True)]
