"""Make performances to learn motion from.

--texts: GoEmotions table (text, labels, id). --speech: folder of recordings with transcripts.csv;
made voices then hear real people too, and --real makes takes of those recordings themselves.
Takes that lie in OUT are kept. --part K/M makes every M-th take, from the K-th on.
"""

import argparse
import logging
import sys
from pathlib import Path

from avatar.training.performance.config import Settings
from avatar.training.performance.produce import produce
from avatar.training.performance.troupes import Sources, troupe_of
from avatar.training.performance.voices import Speakers

HOUR = 3600.0


def parsed(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="limner synthesize performances", description=__doc__)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--speech", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--hours", type=float, default=10.0, help="of all parts together")
    parser.add_argument("--held", action="store_true", help="held-out voices and sentences")
    parser.add_argument("--real", action="store_true", help="recordings instead of made voices")
    parser.add_argument("--part", default="1/1", help="K/M")
    parser.add_argument("--seed", type=int, default=Settings().seed)
    given = parser.parse_args(arguments)
    if given.real and given.speech is None:
        parser.error("--real needs --speech")
    return given


def main(arguments: list[str] | None = None) -> int:
    """Make, skip what is there, say how much there is."""
    args = parsed(arguments)
    logging.basicConfig(level=logging.INFO)
    settings = Settings(seed=args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "settings.json").write_text(settings.model_dump_json(indent=1))
    part, parts = (int(x) for x in args.part.split("/"))
    sources = Sources(args.texts, args.speech, args.held, args.real)
    with Speakers() as speakers:
        troupe = troupe_of(settings, sources, speakers, args.out)
        numbers = range(part - 1, 100_000, parts)
        count, total = produce(settings, troupe, args.out, numbers, args.hours * HOUR / parts)
    sys.stdout.write(f"{troupe.split}: {count} takes, {total / HOUR:.2f} h\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
