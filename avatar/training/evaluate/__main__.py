"""`python -m avatar.training.evaluate`: figures and contact sheets, see docs/evaluation.md."""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import cv2

from avatar.training.evaluate import judge, photofit
from avatar.training.evaluate.album import Album, write_json
from avatar.training.evaluate.asked import SEED, asked_of
from avatar.training.evaluate.draw import draw, prepare
from avatar.training.evaluate.figures import figures
from avatar.training.evaluate.motion_report import PARTS
from avatar.training.evaluate.recipes import sheet_rigs
from avatar.training.evaluate.renderers import RENDERERS
from avatar.training.evaluate.report import markdown
from avatar.training.evaluate.sheet import write_sheets
from avatar.training.landmarks.config import Config, held_out_names

FLOW_SIZE, FLOW_ASKS = 256, 6
# What speech and feeling make of a face: module with `options` and `run`, and what it answers.
ACTING = {
    "sync": ("avatar.training.evaluate.sync", "do the lips follow what is said"),
    "emotion": ("avatar.training.evaluate.feeling", "is the feeling read, and how strongly"),
    "life": ("avatar.training.evaluate.life", "does it look alive over ten minutes"),
    "clips": ("avatar.training.evaluate.act_clips", "films and strips to look at"),
}
NAMES = (*RENDERERS, photofit.NAME)


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, about in (
        ("asked", "are asked expressions read, is the person kept"),
        ("sheets", "contact sheets, renderers side by side"),
        ("flow", "semo's flow against that of photofit and of held-out renders"),
    ):
        command = commands.add_parser(name, help=about)
        _pictures(command)
    command.add_argument("--shards", type=Path, help="folder of `limner synthesize`")
    command.add_argument("--people", type=int, default=40, help="held-out ones, at most")
    surface = commands.add_parser("surface", help="positions and probes of the face surface")
    surface.add_argument("--pack", type=Path, required=True, help="the head pack")
    surface.add_argument("--landmarks", type=Path, required=True, help="as `train surface` takes")
    surface.add_argument("--out", type=Path, required=True, help="a JSON file")
    _motion(commands.add_parser("motion", help="encode, decode, compare: tokens and reenactment"))
    for name, (module, about) in ACTING.items():
        import_module(module).options(commands.add_parser(name, help=about))
    return parser.parse_args()


def _motion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--held-out", type=Path, help="shards of held-out rendered people")
    parser.add_argument("--photos", type=Path, help="shards of re-posed photos")
    parser.add_argument("--probe", type=Path, help="held-out people who play one performance")
    parser.add_argument("--out", type=Path, required=True, help="figures and sheets")
    parser.add_argument("--encoder", type=Path, help="the motion encoder; default: the project's")
    parser.add_argument("--judges-python", type=Path, help="of the judges' environment")
    parser.add_argument("--tools", type=Path, help="holds judges/")
    parser.add_argument("--dlib", type=Path, help="holds dlib and its models/")
    parser.add_argument("--parts", nargs="+", choices=PARTS)
    parser.add_argument("--quick", action="store_true", help="few people and frames, no times")


def _pictures(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--portraits", type=Path, required=True, help="folder of JPEG photos")
    parser.add_argument("--out", type=Path, required=True, help="the album, outside the checkout")
    parser.add_argument("--tools", type=Path, required=True, help="holds photofit/ and judges/")
    parser.add_argument("--pack", type=Path, required=True, help="the head pack")
    parser.add_argument("--judges-python", type=Path, required=True)
    parser.add_argument("--dlib", type=Path, required=True, help="holds dlib and its models/")
    parser.add_argument("--renderers", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--redo", nargs="*", choices=NAMES, default=[], help="draw these anew")
    parser.add_argument("--photos", nargs="*", help="stems; default: all held-out photos")
    parser.add_argument("--size", type=int, default=512, help="px, of asked and sheets")
    parser.add_argument("--seed", type=int, default=SEED)


def main() -> None:
    """Draw, judge, report."""
    args = arguments()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    cv2.setNumThreads(1)
    if args.command == "surface":
        surface(args)
        return
    if args.command == "motion":
        motion(args)
        return
    if args.command in ACTING:
        import_module(ACTING[args.command][0]).run(args)
        return
    photos = args.photos or held_out_names(args.portraits, Config())
    bench = photofit.Bench(args.judges_python, args.tools, args.pack, args.dlib)
    album = open_album(args, photos)
    prepare(album, args.portraits)
    for name in args.redo:
        album.forget(name)
    if args.command == "flow":
        flow(args, album, bench)
        return
    answer(album, bench, args.renderers)
    if args.command == "sheets":
        write_sheets(album, args.renderers)
        return
    judge.start(bench, album, args.renderers)
    found = {name: figures(album, name) for name in args.renderers}
    write_json(album.folder / "figures.json", found)
    text = markdown(album, found)
    (album.folder / "figures.md").write_text(text, "utf-8")
    sys.stdout.write(text)


def open_album(args: argparse.Namespace, photos: Sequence[str]) -> Album:
    """The album of a command; what is in it already stays."""
    if args.command == "sheets":
        return Album(args.out, args.size, dict.fromkeys(photos, sheet_rigs())).save()
    if args.command == "flow":
        return Album(args.out, FLOW_SIZE, asked_of(photos, args.seed + 1, FLOW_ASKS)).save()
    return Album(args.out, args.size, asked_of(photos, args.seed)).save()


def answer(album: Album, bench: photofit.Bench, renderers: Sequence[str]) -> None:
    """Let every renderer draw what it has not drawn."""
    for name in renderers:
        if name == photofit.NAME:
            photofit.start(bench, album)
        else:
            draw(album, name, RENDERERS[name], album.asked)


def surface(args: argparse.Namespace) -> None:
    """The figures of the learned surface in the tree."""
    from avatar.semo.loading import load_surface
    from avatar.training.evaluate.surface import surface_figures
    from avatar.training.surface.train import Paths, make_world

    world = make_world(Paths(args.pack, args.landmarks, args.out, args.out))
    found = surface_figures(load_surface(), world)
    write_json(args.out, found)
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


def motion(args: argparse.Namespace) -> None:
    """Tokens, the encoder and what is drawn by them."""
    from avatar.semo.encoder import WEIGHTS
    from avatar.training.evaluate.motion import QUICK, Amount, Evaluation, Request

    judges = (args.judges_python, args.tools, args.dlib)
    bench = None if None in judges else photofit.Bench(*judges[:2], args.out, args.dlib)
    Evaluation(
        Request(
            args.held_out,
            args.photos,
            args.probe,
            args.out,
            args.encoder or WEIGHTS,
            bench,
            QUICK if args.quick else Amount(),
            tuple(args.parts or (part for part in PARTS if not (args.quick and part == "speed"))),
        )
    ).run()
    sys.stdout.write((args.out / "motion.md").read_text("utf-8"))


def flow(args: argparse.Namespace, album: Album, bench: photofit.Bench) -> None:
    """The decoder's flow against photofit's, and against exact labels where there are shards."""
    from avatar.training.evaluate.flow import Given, photofit_figures, world_figures

    photofit.start(bench, album, flow=True)
    found = {"photofit": photofit_figures(album, photofit.NAME)}
    if args.shards:
        for name, given in (
            ("renders", Given()),
            ("renders_exact_landmarks", Given(landmarks=True)),
            ("renders_labelled_pose", Given(pose=True)),
        ):
            found[name] = world_figures(args.shards, args.people, given)
    write_json(album.folder / "flow.json", found)
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
