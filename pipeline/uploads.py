"""Uploaded pictures while a session shows them: private copies that end with it."""

import shutil
import tempfile
from pathlib import Path

from emotion.errors import PortraitError


def private_copy(picture: Path) -> Path:
    """A copy that only this user can read. Raises PortraitError if it cannot be made."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="limner-picture-"))
        return Path(shutil.copyfile(picture, folder / picture.name))
    except OSError as error:
        raise PortraitError(
            f"The picture {picture.name} cannot be read: {error.strerror}.", "Upload it again."
        ) from error


def delete(copy: Path | None) -> None:
    """Delete a private copy with its folder."""
    if copy is not None:
        shutil.rmtree(copy.parent, ignore_errors=True)
