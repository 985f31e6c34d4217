"""Train the net of the mouth's inside, measure it on held-out pictures and store it."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from avatar.training.completion.config import Config
from avatar.training.completion.data import Kind, samples
from avatar.training.completion.evaluate import draw, figures
from avatar.training.completion.export import export
from avatar.training.completion.model import parameters
from avatar.training.completion.plot import plot
from avatar.training.completion.train import load, train


def run(args: argparse.Namespace, config: Config) -> dict[str, object]:
    """All of it; the report. args: those of `avatar.training.completion.__main__`."""
    found = samples(args.portraits, args.shards, args.out / "samples.npz", config)
    if args.minutes > 0:
        train(args, found, config)
    net, held = load(args.out / "completion.pt", config), found.only(found.held)
    export(net, args.out / "completion.onnx")
    if (args.out / "log.csv").exists():
        plot(args.out / "log.csv", args.out / "curve.png")
    report: dict[str, object] = {"parameters": parameters(net), "samples": len(found.drawn)}
    for kind in Kind:
        measured = figures(net, held.only(held.kind == kind))
        report[f"held out, {kind.name.lower()}"] = None if measured is None else asdict(measured)
    if args.draw:
        draw(net, held.only(held.kind == Kind.PHOTO), args.draw)
    return report
