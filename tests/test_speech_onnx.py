"""The one door to onnxruntime: nothing is reported to its maker, and nobody goes round it."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from speech.onnx import session

ROOT = Path(__file__).resolve().parent.parent

# Loads every network that the product has, with the import watched and the sockets listed.
SCRIPT = """
import json, os, sys

class Watch:
    told = None
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime" and Watch.told is None:
            Watch.told = os.environ.get("ORT_DISABLE_TELEMETRY")
        return None

sys.meta_path.insert(0, Watch())
import numpy as np, psutil
from avatar.landmark_net import LandmarkNet
from avatar.portraits import WEIGHTS
from speech.vad import SileroVad
early = "onnxruntime" in sys.modules
LandmarkNet(WEIGHTS).find(np.full((256, 256, 3), 128, np.uint8))
SileroVad().open().push(np.zeros(4096, np.float32))
open_to = [c.raddr.ip for c in psutil.Process().net_connections() if c.raddr]
print(json.dumps({"told": Watch.told, "early": early, "open_to": open_to}))
"""


@pytest.mark.parametrize("inherited", [None, "0"])
def test_telemetry_is_off_before_the_import_and_no_socket_leaves_the_machine(inherited):
    import json

    environ = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    environ |= {} if inherited is None else {"ORT_DISABLE_TELEMETRY": inherited}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, env=environ, capture_output=True, text=True,
        check=True, timeout=90,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert found["told"] == "1" and not found["early"]
    assert [ip for ip in found["open_to"] if not ip.startswith("127.") and ip != "::1"] == []
    assert "telemetry" not in done.stderr


def test_only_this_module_imports_onnxruntime():
    guilty = []
    for package in ("agent", "apps", "avatar", "emotion", "pipeline", "speech"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in getattr(node, "names", [])]
                module = getattr(node, "module", None) or ""
                if isinstance(node, ast.Import | ast.ImportFrom) and any(
                    name.split(".")[0] == "onnxruntime" for name in (module, *names)
                ):
                    guilty.append(str(path.relative_to(ROOT)))
    # The type of a network may be named by those who hold one (never imported when running).
    assert set(guilty) <= {"speech/onnx.py", "speech/vad.py"}


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(OSError, match="absent"):
        session(tmp_path / "absent.onnx")
