"""The figures of several renderers side by side, as Markdown."""

import json
from collections.abc import Iterator
from typing import Any

from avatar.training.evaluate.album import Album

# Figures that issue 3 sets, by expression.
_GOALS = {"jawOpen": ">= .85", "mouthSmile": ">= .80", "eyeBlink": ">= .80"}
_IDENTITY = {
    "p50": ("median", "<= .30"), "p90": ("p90", "<= .42"),
    "third_p50": ("median of the judged third", "<= .30"),
    "third_p90": ("p90 of the judged third", "<= .42"),
    "worst": ("worst", ""), "neutral_p50": ("neutral face, median", ""),
}  # fmt: skip


def markdown(album: Album, found: dict[str, dict[str, Any]]) -> str:
    """Tables of what `figures` says of each renderer."""
    names = list(found)
    lines = [
        f"{len(album.asked)} photos, {len(next(iter(album.asked.values())))} asks each, "
        f"{album.size} px.",
        "",
        _row("figure", *names, "goal"),
        _row(*["---"] * (len(names) + 2)),
        *(_row(title, *cells) for title, cells in _rows(found)),
        "",
        "Expressions: r (r of the change from neutral; gain).",
        "",
        _row("expression", *names, "goal"),
        _row(*["---"] * (len(names) + 2)),
        *_expressions(found),
    ]
    file = album.folder / "calibration.json"
    if file.exists():
        lines += ["", f"Identity judge: `{json.dumps(json.loads(file.read_text()))}`"]
    return "\n".join(lines) + "\n"


def _rows(found: dict[str, dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    good = list(found.values())
    yield "photos taken", [*(str(f["photos"]) for f in good), "all"]
    yield "faces found", [*(_text(f.get("face_found")) for f in good), ""]
    for key, (title, goal) in _IDENTITY.items():
        cells = [_text(f.get("identity", {}).get(key)) for f in good]
        yield f"identity distance, {title}", [*cells, goal]
    for key in ("p50", "p90"):
        cells = [_text(f.get("landmark_error_percent_of_eyes", {}).get(key)) for f in good]
        yield f"landmarks told vs judged, % of eyes, {key}", [*cells, ""]
    for part in ("turn", "gaze"):
        for name in next((f[part] for f in good if part in f), {}):
            cells = [_pair(f.get(part, {}).get(name, {})) for f in good]
            yield f"{name}: r of the change (gain)", [*cells, ""]
    for key in ("open_ms", "frame_ms"):
        cells = [_text(f.get("times", {}).get(key)) for f in good]
        yield f"{key}, median, shared machine", [*cells, ""]


def _expressions(found: dict[str, dict[str, Any]]) -> Iterator[str]:
    for name in next((f["expressions"] for f in found.values() if "expressions" in f), {}):
        cells = [_triple(f.get("expressions", {}).get(name, {})) for f in found.values()]
        yield _row(name, *cells, _GOALS.get(name, ""))


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _text(value: object) -> str:
    return "-" if value is None else str(value)


def _pair(cell: dict[str, Any]) -> str:
    return f"{_text(cell.get('change_r'))} ({_text(cell.get('gain'))})"


def _triple(cell: dict[str, Any]) -> str:
    return f"{_text(cell.get('r'))} ({_text(cell.get('change_r'))}; {_text(cell.get('gain'))})"
