"""Turns whatever went wrong into the one line that a user sees."""

from emotion.errors import LimnerError

MAX_CHARACTERS = 1000


def one_line(error: Exception) -> str:
    """What happened and the remedy, without line breaks."""
    text = " ".join(_describe(error).split())
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 3] + "..."


def _describe(error: Exception) -> str:
    if isinstance(error, LimnerError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{where}."
    return (
        f"unexpected {type(error).__name__}: {error} "
        'Run "limner --debug ..." for the details and report them, please.'
    )
