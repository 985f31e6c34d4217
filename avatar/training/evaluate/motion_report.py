"""The figures of the evaluation of motion as Markdown."""

from collections.abc import Iterator, Mapping
from typing import Any

TITLES = {
    "rendered": "Rendered held-out people: encode, decode, compare",
    "photos": "Held-out photos, re-posed: encode, decode, compare",
    "cross": "Another person's tokens of the same performance",
    "identity_probe": "Who it is, read from tokens",
    "rig": "What the face does, read from tokens (R2)",
    "noise": "A still face in a noisy video",
    "people": "Portraits driven by others, judged",
    "speed": "Speed",
}


PARTS = tuple(TITLES)


def markdown(found: Mapping[str, Any]) -> str:
    """All parts that there are."""
    lines: list[str] = []
    for name, title in TITLES.items():
        if name not in found:
            continue
        lines += ["", f"## {title}", ""]
        part = found[name]
        if "left_out" in part:
            lines.append(f"Left out: {part['left_out']}")
        else:
            lines += _PARTS[name](part)
    return "\n".join(lines).strip() + "\n"


def _ways(part: Mapping[str, Any]) -> Iterator[str]:
    ways = part["ways"]
    first = next(iter(ways.values()))["psnr"]["head"]
    yield f"{first['people']} people, {first['n']} frames turned by 20 degrees or less. dB [95 %]."
    yield ""
    yield _line("", "head", "over copy", "face", "mouth", "brows", "SSIM head", "flow px", "lost")
    yield _line(*["---"] * 9)
    for way, row in ways.items():
        dB = [_mean(row["psnr"][name]) for name in ("head", "face", "mouth", "brows")]  # noqa: N806
        gain = _mean(row["head_psnr_over_copy"])
        yield _line(way, dB[0], gain, *dB[1:], _mean(row["ssim"]["head"], 3),
                    _mean(row["flow_px"], 2), str(row["lost"]))  # fmt: skip
    yield ""
    turns = list(next(iter(ways.values()))["by_turn"])
    yield _line("head dB by turn, degrees", *turns)
    yield _line(*["---"] * (1 + len(turns)))
    for way, row in ways.items():
        cells = (row["by_turn"][turn]["head_psnr"] for turn in turns)
        yield _line(way, *(f"{_mean(c)} (n {c['n']})" if c["n"] else "-" for c in cells))
    if part.get("completion"):
        yield from _completion(part["completion"])


def _completion(part: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield _line("mean absolute error, grey levels", "without", "with completion", "less, %")
    yield _line(*["---"] * 4)
    for name in ("mouth", "brows", "face"):
        row = part[name]
        yield _line(name, _mean(row["off"], 2), _mean(row["on"], 2), _mean(row["less_percent"], 1))
    yield ""
    still = part["still_frames"]
    yield f"A frame drawn again after others changes by {still['worst_grey_levels']} grey levels."


def _cross(part: Mapping[str, Any]) -> Iterator[str]:
    yield from _ways(part)
    yield ""
    lost = part["same_less_cross_db"]
    cells = ", ".join(f"{name} {_mean(row, 2)}" for name, row in lost.items())
    yield f"Own tokens less another's, dB (goal <= 1.5): {cells}."


def _probe(part: Mapping[str, Any]) -> Iterator[str]:
    first = next(iter(part.values()))
    yield (f"{first['people']} people, {first['asked']} frames asked, chance {first['chance']}; "
           "goal for tokens: at most 3 times chance.")  # fmt: skip
    yield ""
    yield _line("read from", "linear", "times chance", "MLP", "times chance")
    yield _line(*["---"] * 5)
    for name, row in part.items():
        cells = []
        for kind in ("linear", "mlp"):
            one = row[kind]
            cells += [f"{one['accuracy']:.3f} [{one['low']:.3f}, {one['high']:.3f}]",
                      str(one["times_chance"])]  # fmt: skip
        yield _line(name.replace("_", " "), *cells)


def _rig(part: Mapping[str, Any]) -> Iterator[str]:
    groups = list(dict.fromkeys(g for row in part.values() for g in row["groups"]))
    yield _line("", *groups, "frames")
    yield _line(*["---"] * (2 + len(groups)))
    for name, row in part.items():
        cells = [_share(row["groups"].get(group)) for group in groups]
        yield _line(name.replace("_", " "), *cells, str(row["frames"]))


def _share(row: Mapping[str, float] | None) -> str:
    return "-" if row is None else f"{row['r2']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"


def _noise(part: Mapping[str, Any]) -> Iterator[str]:
    levels, quality = part["noise_grey_levels"], part["jpeg"]
    yield f"Noise of {levels} grey levels, JPEG {quality}. Change from frame to frame, of the"
    yield "tokens, and of the rig in shares of its usual spread."
    yield ""
    yield _line("", "token rms", "rig, median", "rig, worst", "people")
    yield _line(*["---"] * 5)
    for way, rows in part["ways"].items():
        if rows:
            columns = [[row["token_rms"] for row in rows]]
            columns += [[row["rig_rms_of_usual"][k] for row in rows] for k in ("median", "worst")]
            yield _line(way, *(f"{sum(c) / len(c):.4f}" for c in columns), str(len(rows)))
    if part["pictures"]:
        yield ""
        for side in ("off", "on"):
            mean = sum(row[side] for row in part["pictures"]) / len(part["pictures"])
            yield f"Drawn by these tokens, completion {side}: {mean:.3f} grey levels. "


def _people(part: Mapping[str, Any]) -> Iterator[str]:
    who = part["identity"]
    if "ways" in who:
        yield _line("embedding distance", "p50", "p90", "worst", "n")
        yield _line(*["---"] * 5)
        for name in ("portrait_to_driver", "driver_to_own_other_frame"):
            yield _line(name.replace("_", " "), *_spread(who[name]))
        for way, row in who["ways"].items():
            for name in ("to_portrait", "to_driver"):
                yield _line(f"{way}: {name.replace('_', ' ')}", *_spread(row[name]))
        yield ""
        for way, row in who["ways"].items():
            yield (f"{way}: the driver is nearer in {row['driver_nearer']} frames; moved towards "
                   f"the driver by {row['moved_towards_driver']}; no face found in "
                   f"{row['no_face_found']}.")  # fmt: skip
    yield ""
    for how, row in part["feelings"].items():
        each = ", ".join(f"{k} {v}" for k, v in row["by_feeling"].items())
        yield f"Feelings read as asked, completion {how}: {row['accuracy']} of {row['n']} ({each})."


def _speed(part: Mapping[str, Any]) -> Iterator[str]:
    yield f"Processes waiting for each core: {part['busy']}."
    if "tracking_ms" in part:
        t = part["tracking_ms"]
        yield f"Tracking and encoding: {t['p50']} ms (p95 {t['p95']}), first frame {t['first']} ms."
    for row in part["drawing"]:
        yield f"Drawing {row['size']} px: {row['fps']} frames/s, {row['cpu_ms']} CPU ms a frame."


_PARTS = {
    "rendered": _ways,
    "photos": _ways,
    "cross": _cross,
    "identity_probe": _probe,
    "rig": _rig,
    "noise": _noise,
    "people": _people,
    "speed": _speed,
}


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _mean(row: Mapping[str, Any], digits: int = 1) -> str:
    if not row.get("n"):
        return "-"
    low, high = (f"{row[k]:.{digits}f}" for k in ("low", "high"))
    return f"{row['mean']:.{digits}f} [{low}, {high}]"


def _spread(row: Mapping[str, Any]) -> list[str]:
    return [str(row.get(k, "-")) for k in ("p50", "p90", "worst", "n")]
