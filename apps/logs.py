"""Sends the log to standard error: standard output belongs to what commands print."""

import logging
import sys
from typing import Any

import structlog

from pipeline.config import LogSettings


def configure_logging(settings: LogSettings, least: str | None = None) -> None:
    """Set up structlog and the standard library's logging for this process.

    least: a level that overrides `settings.level`; commands other than the chat log warnings only.
    """
    level = logging.getLevelNamesMapping()[(least or settings.level).upper()]
    last: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if settings.format == "json"
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
