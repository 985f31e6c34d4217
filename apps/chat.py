"""Starts the live page: `python apps/chat.py`, `python -m apps.chat` or `limner chat`."""

import os
import socket
import sys
import webbrowser
from typing import TYPE_CHECKING

from emotion.errors import ConfigError

if TYPE_CHECKING:
    from pipeline.config_sources import EffectiveSettings


def serve(effective: "EffectiveSettings") -> None:
    """Serve the page until interrupted; prints its address. Raises ConfigError: port taken."""
    # Before the first import of gradio: nothing is sent or fetched at run time.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import uvicorn

    from apps.logs import configure_logging
    from apps.server import Server

    settings = effective.settings
    configure_logging(settings.log)
    host, port = settings.server.host, settings.server.port
    _check_free(host, port)
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    address = f"http://{shown}:{port}{settings.server.root_path}/"
    print("Limner is starting ...", flush=True)
    app = Server(settings, lambda: _announce(address)).app()
    uvicorn.run(
        app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=3,
        ws="websockets-sansio",
        ws_per_message_deflate=False,  # coded pictures do not shrink; it costs time for each
    )  # fmt: skip


def _check_free(host: str, port: int) -> None:
    try:
        socket.create_server((host, port), reuse_port=False).close()
    except OSError as error:
        raise ConfigError(
            f"Limner cannot listen on {host}:{port}: {error.strerror}.",
            f"Choose another port: limner chat --port {port + 1}",
        ) from error


def _announce(address: str) -> None:
    """The engines are ready: say where, and open the page if somebody sits at this machine."""
    print(f"Limner is at {address}", flush=True)
    screen = sys.platform == "darwin" or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)
    if sys.stdout.isatty() and screen:
        webbrowser.open(address)


def main() -> int:
    """Serve with the settings of files and environment. Returns the exit code."""
    from emotion.errors import LimnerError
    from pipeline.config_sources import load_settings

    try:
        serve(load_settings())
    except LimnerError as error:
        print(f"{error.message} {error.remedy}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
