"""Starts the live page: `python apps/chat.py`, `python -m apps.chat` or `limner chat`."""

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.config_sources import EffectiveSettings


def serve(effective: "EffectiveSettings") -> None:
    """Serve the page until interrupted; prints its address."""
    # Before the first import of gradio: nothing is sent or fetched at run time.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import uvicorn

    from apps.logs import configure_logging
    from apps.server import Server

    settings = effective.settings
    configure_logging(settings.log)
    host, port = settings.server.host, settings.server.port
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    print(f"Limner is at http://{shown}:{port}{settings.server.root_path}/", flush=True)
    app = Server(settings).app()
    uvicorn.run(
        app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=3,
        ws="websockets-sansio",
        ws_per_message_deflate=False,  # coded pictures do not shrink; it costs time for each
    )  # fmt: skip


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
