"""Command line of the reasoner's training: `limner train reasoner`.

Without a flag it trains one stage; --ablate repeats short runs of stage 2 with one part missing;
--report plays held-out takes in closed loop with the shipped net; --export writes a checkpoint's
net as ONNX.
"""

import importlib
import sys

FLAGS = {
    "--ablate": "avatar.training.reasoner.ablate",
    "--report": "avatar.training.reasoner.report",
    "--export": "avatar.training.reasoner.export",
}


def main() -> None:
    """Hand over to what the options ask for."""
    arguments = sys.argv[1:]
    asked = [flag for flag in FLAGS if flag in arguments]
    name = FLAGS[asked[0]] if asked else "avatar.training.reasoner.staged"
    rest = [argument for argument in arguments if argument not in FLAGS]
    sys.exit(importlib.import_module(name).main(rest))


if __name__ == "__main__":
    main()
