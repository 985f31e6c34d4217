"""Command line of the motion encoder's training: `limner train motion`.

--shards DIR trains on labelled frames; --data DIR on videos without labels, --adapt VIDEO on one
person; --ablate repeats short runs with one setting changed; --report measures what is shipped.
"""

import importlib
import sys

# First option that is met decides; without one the training is supervised.
WAYS = {
    "--data": "avatar.training.clips.__main__",
    "--adapt": "avatar.training.clips.__main__",
    "--ablate": "avatar.training.motion.ablate",
    "--report": "avatar.training.motion.report",
}
FLAGS = ("--ablate", "--report")  # say only which way to go


def main() -> None:
    """Hand over to what the options ask for."""
    arguments = sys.argv[1:]
    asked = [way for way in WAYS if way in arguments]
    name = WAYS[asked[0]] if asked else "avatar.training.motion.supervised"
    rest = [argument for argument in arguments if argument not in FLAGS]
    sys.exit(importlib.import_module(name).main(rest))


if __name__ == "__main__":
    main()
