"""Starting the page: a taken port is said in words, before anything heavy is started."""

import socket
import subprocess
import sys


def test_a_taken_port_is_one_clear_line_and_exit_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "apps.cli", "chat", "--port", str(port)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert str(port) in line and "another port" in line
    assert "Traceback" not in done.stderr
