"""What the evaluations of acting share: options, people, sources, writing results."""

import argparse
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from avatar.semo.loading import load_surface
from avatar.training.evaluate.act_film import Cast, Screening
from avatar.training.evaluate.act_sources import (
    Lived,
    MotionSource,
    ReasonerSession,
    RuleSession,
    Session,
)
from avatar.training.evaluate.album import write_json
from avatar.training.evaluate.photofit import Bench
from emotion.errors import ConfigError, MediaError

LOG = logging.getLogger(__name__)
REASONER, RULES = "reasoner", "rules"


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """out: where results and readings go; cast: on whom; bench: who judges, None: nobody."""

    out: Path
    cast: Cast
    bench: Bench | None

    def screening(self, cast: Cast | None = None) -> Screening:
        """What draws and lets judge. Raises MediaError where nobody judges."""
        if self.bench is None:
            raise MediaError(
                "Nobody judges.", "Give --judges-python and --tools (docs/evaluation.md)."
            )
        return Screening(cast or self.cast, self.bench, self.out / "readings")

    def write(self, name: str, found: dict[str, Any], markdown: str) -> None:
        """OUT/NAME.json and OUT/NAME.md."""
        write_json(self.out / f"{name}.json", found)
        (self.out / f"{name}.md").write_text(markdown, "utf-8")


def add_options(parser: argparse.ArgumentParser, people: int) -> None:
    """Options that all these evaluations take."""
    parser.add_argument("--out", type=Path, required=True, help="figures, pictures, readings")
    parser.add_argument("--takes", type=Path, help="held-out takes; default: own voices speak")
    parser.add_argument("--portraits", type=Path, help="folder of photos, of which the held-out "
                        "ones are taken; default: the gallery's invented people")  # fmt: skip
    parser.add_argument("--people", type=int, default=people)
    parser.add_argument("--size", type=int, default=256, help="px of the drawn frames")
    parser.add_argument("--judges-python", type=Path, help="of the judges' environment")
    parser.add_argument("--tools", type=Path, help="holds judges/")
    parser.add_argument("--sources", nargs="+", choices=(REASONER, RULES),
                        default=[REASONER, RULES])  # fmt: skip
    add_reasoner(parser)


def add_reasoner(parser: argparse.ArgumentParser) -> None:
    """Options of who moves."""
    parser.add_argument("--weights", type=Path, help="another reasoner.onnx than the shipped one")
    parser.add_argument("--seed", type=int, default=1)


def setting_of(args: argparse.Namespace) -> Setting:
    """What the options mean; makes the folder."""
    args.out.mkdir(parents=True, exist_ok=True)
    if args.portraits:
        cast = Cast.of_folder(args.portraits, args.people, args.size)
    else:
        cast = Cast.of_gallery(args.people, args.size)
    judged = None not in (args.judges_python, args.tools)
    # The judge of identity is not asked here: its folder is not needed.
    bench = Bench(args.judges_python, args.tools, args.out, args.out) if judged else None
    return Setting(args.out, cast, bench)


def new_session(name: str, weights: Path | None = None) -> Callable[[int], Session]:
    """What makes sessions of a way to move by their seed, the nets loaded once.

    weights: of another reasoner than the shipped one. Raises ConfigError for an unknown way, or
    where its weights are missing.
    """
    if name == RULES:
        return RuleSession
    if name != REASONER:
        raise ConfigError(f"There is no way to move {name!r}.", f"Choose {REASONER} or {RULES}.")
    from avatar.acting import load_faculties
    from avatar.reasoner import MotionReasoner

    surface, shared = load_surface(), load_faculties()
    if weights is not None:
        shared = replace(shared, reasoner=MotionReasoner(weights))
    return lambda seed: ReasonerSession(shared, surface, seed)


def source_of(name: str, phones: bool, args: argparse.Namespace) -> MotionSource:
    """A way to move by its name, as the options have it; see `new_session`."""
    return Lived(new_session(name, args.weights), name, phones, args.seed)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(text(cell) for cell in row) + " |" for row in lines)


def text(value: object) -> str:
    """Of a table's cell: intervals as "0.91 [0.89, 0.93]", nothing as "-"."""
    if value is None:
        return "-"
    if isinstance(value, dict) and {"mean", "low", "high"} <= value.keys():
        return f"{value['mean']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def shown(found: dict[str, Any]) -> str:
    """For the terminal."""
    return json.dumps(found, indent=1)
