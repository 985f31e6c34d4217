"""What was kept of a folder of clips, and what not and why, for people."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from avatar.training.clips.prepare import Prepared


def write_report(prepared: Prepared, out: Path) -> str:
    """OUT/report.json with all records, OUT/report.md with a line a clip; returns the latter."""
    out.mkdir(parents=True, exist_ok=True)
    text = "\n".join(_lines(prepared)) + "\n"
    (out / "report.json").write_text(json.dumps(prepared.records, indent=1, sort_keys=True))
    (out / "report.md").write_text(text)
    return text


def _lines(prepared: Prepared) -> list[str]:
    records = prepared.records
    rows = [row for record in records for row in record["tracks"]]
    used = sum(bool(record["shards"]) for record in records)
    synced = sum(row.get("sync", {}).get("verdict") == "in sync" for row in rows)
    head = [
        f"{len(records)} clips, {used} of use: {len(prepared.shards)} tracks with "
        f"{sum(row['kept'] for row in rows)} frames; {synced} tracks in sync with their sound.",
        "",
    ]
    return head + [f"- {record['clip']}: {_about(record)}" for record in records]


def _about(record: dict[str, Any]) -> str:
    if "failed" in record:
        return f"left out. {record['failed']}"
    return "; ".join(_track(row) for row in record["tracks"])


def _track(row: dict[str, Any]) -> str:
    when = f"{row['from']:.1f} to {row['to']:.1f} s"
    faults = Counter(row["faults"])
    spoilt = ", ".join(f"{count} {fault}" for fault, count in faults.most_common())
    said = [f"ended by {row['ended']}"] if row["ended"] != "end of the clip" else []
    said += [f"{row['frames'] - row['good']} of {row['frames']} frames: {spoilt}"] if spoilt else []
    if "left out" in row:
        return f"{when} left out ({row['left out']}{''.join(', ' + s for s in said)})"
    sync = row["sync"]
    if sync["verdict"] != "in sync":
        said.append(f"not for speech: {sync['verdict']}, {sync['reason']}")
    more = f" ({'; '.join(said)})" if said else ""
    return f"{when} kept, {row['kept']} frames{more}"
