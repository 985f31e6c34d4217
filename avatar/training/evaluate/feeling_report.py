"""The figures of `limner evaluate emotion` as Markdown."""

from collections.abc import Iterator
from typing import Any

from avatar.training.evaluate.act_setting import table
from avatar.training.evaluate.feeling_figures import LABELS, STRENGTHS
from emotion.types import EMOTIONS


def markdown(found: dict[str, Any]) -> str:
    """All tables."""
    return "\n\n".join(_parts(found)) + "\n"


def _parts(found: dict[str, Any]) -> Iterator[str]:
    if "text" in found:
        yield "## Read in words\n\n" + table(["figure", ""], list(found["text"]["figures"].items()))
    if "held" in found:
        yield from _faces(found)


def _faces(found: dict[str, Any]) -> Iterator[str]:
    held, talking = found["held"], found["talking"]
    yield f"{len(found['people'])} people, {len(LABELS)} labels."
    yield "## Held, silent"
    yield _accuracy(held)
    yield "Six feelings at full strength, by the reader of blendshapes:"
    yield table(["motion", *EMOTIONS],
                [[n, *r["units"]["by_feeling"].values()] for n, r in held.items()])  # fmt: skip
    yield "Strength: how far the face went along the true change, mean over people and labels."
    rows = [
        [n, r["strengths"]["monotone"], r["strengths"]["cases"], r["strengths"]["steps_up"],
         *r["strengths"]["shown"].values()] for n, r in held.items()
    ]  # fmt: skip
    yield table(["motion", "all steps up", "cases", "single steps up", *map(str, STRENGTHS)], rows)
    yield "Cosine of the change of blendshapes with the true one:"
    yield table(["motion", *LABELS], [[n, *r["own_change"].values()] for n, r in held.items()])
    for label in ("fearful", "disgusted"):
        yield f"What moves most in a true {label} face (true change, then each way's):"
        yield _blendshapes(held, label)
    yield "## While talking"
    yield _accuracy(talking)


def _accuracy(rows: dict[str, Any]) -> str:
    truth = rows["truth"]
    header = ["motion", "net, of six", "of truth's", "net as it is", "net, both of compounds",
              "units, of six", "of truth's", "units, both of compounds", "of truth's"]  # fmt: skip
    out = []
    for name, row in rows.items():
        out.append([
            name, row["net"]["accuracy"], _share(row, truth, "net", "accuracy"),
            row["net"]["absolute"], row["net"]["both_of_compounds"], row["units"]["accuracy"],
            _share(row, truth, "units", "accuracy"), row["units"]["both_of_compounds"],
            _share(row, truth, "units", "both_of_compounds"),
        ])  # fmt: skip
    return table(header, out)


def _share(row: dict[str, Any], truth: dict[str, Any], reader: str, what: str) -> float | None:
    whole = truth[reader][what]
    return round(row[reader][what] / whole, 2) if whole else None


def _blendshapes(held: dict[str, Any], label: str) -> str:
    names = list(held["truth"]["blendshapes"][label])
    rows = []
    for name, row in held.items():
        # Each way's table is sorted by truth: the same names in the same order.
        rows.append([name, *(ours for _, ours in row["blendshapes"][label].values())])
    return table(["motion", *names], rows)
