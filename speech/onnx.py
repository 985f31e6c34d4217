"""Opens ONNX networks: the one door to onnxruntime, which reports to its maker if let."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime

QUIET = 3  # of onnxruntime's log levels: errors only


def session(model: bytes | Path) -> "onnxruntime.InferenceSession":
    """A network on one CPU thread; model: the ONNX file or its bytes.

    Raises OSError when the file cannot be read, or onnxruntime's errors when it is not usable.
    """
    # Since 1.29 the wheel sends telemetry unless this is set before the first import. Set, not
    # defaulted: "no network" is a promise to the user.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    options.log_severity_level = QUIET
    data = model if isinstance(model, bytes) else model.read_bytes()
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
