"""Own pictures: from choosing a file, over a preview with its crop, to the portrait on the stage.

    POST live/picture -> looked at in a worker process -> the page's dialog (ui/upload.js)
    use_picture -> portrait -> session

A picture is kept in memory while its dialog is open, no longer, and reaches a disk only where
`privacy.store_uploads` is set.
"""

import asyncio
import os
import re
import secrets
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from apps.choices import Choices
from apps.faces import as_face
from emotion.errors import LimnerError, MediaError, PortraitError
from pipeline.pictures import FaceSeen, PictureSeen, Upload

if TYPE_CHECKING:
    from avatar.portrait import Finding
    from pipeline.assembly import Engines
    from pipeline.registry import SessionRegistry

OPEN_SECONDS = 900.0  # after that a forgotten dialog's picture is dropped
_CONNECTING = MediaError("The page is still connecting.", "Please try again in a moment.")
_GONE = PortraitError("The picture is no longer here.", "Choose it again.")
_DISAGREED = PortraitError(
    "Nobody has said that the person in the picture agrees.", "Tick the box below the picture."
)

Asked = dict[str, Any]
Answer = dict[str, Any]


@dataclass(slots=True)
class Pictures:
    """The pictures that pages of this server have open: one a page, by its token."""

    registry: "SessionRegistry"
    engines: "Engines"
    choices: Choices
    _open: dict[str, Upload] = field(default_factory=dict)

    def routes(self) -> list[BaseRoute]:
        """The way up for picture files; it goes before Gradio's own routes."""
        return [Route("/live/picture", self._receive, methods=["POST"])]

    def functions(self) -> list[Callable[[Asked], Awaitable[Answer]]]:
        """What the page's script calls as `server.NAME({token, ...})`."""

        async def expect_picture(asked: Asked) -> Answer:
            """The user may be about to choose a picture: get ready."""
            return await self._answer(self.engines.pictures.start())

        async def use_picture(asked: Asked) -> Answer:
            """Bring the picture of the open dialog to life."""
            return await self._answer(self._use(asked or {}))

        async def drop_picture(asked: Asked) -> Answer:
            """The dialog was closed."""
            await self.drop(_token(asked or {}))
            return {}

        return [expect_picture, use_picture, drop_picture]

    async def open(self, token: str, name: str, data: bytes) -> Answer:
        """Look at a page's picture and keep it until it is used or dropped.

        Raises PortraitError for what is no picture; MediaError if there is no such session.
        """
        await self.drop(token)
        if self.registry.session(token) is None:
            raise _CONNECTING
        upload = Upload(secrets.token_urlsafe(12), _file_name(name), data)
        seen = await self.engines.pictures.look(upload)
        await self.drop(token)  # another may have come meanwhile
        self._open[token] = upload
        loop = asyncio.get_running_loop()
        loop.call_later(OPEN_SECONDS, self._expire, token, upload)
        return {"key": upload.key, **picture_json(seen)}

    async def drop(self, token: str) -> None:
        """Forget the page's picture, if it has one open."""
        upload = self._open.pop(token, None)
        if upload is not None:
            await self.engines.pictures.forget(upload.key)

    async def _use(self, asked: Asked) -> None:
        token = _token(asked)
        upload, session = self._open.get(token), self.registry.session(token)
        if session is None:
            raise _CONNECTING
        if upload is None or upload.key != asked.get("key"):
            raise _GONE
        if asked.get("agreed") is not True:
            raise _DISAGREED
        choice, square = _wish(asked)
        portrait = await self.engines.pictures.portrait(upload, choice, square)
        if self.engines.settings.privacy.store_uploads:
            await asyncio.to_thread(store, upload)
        await session.configure(portrait=portrait)
        face = await asyncio.to_thread(as_face, portrait)
        self.choices.change(token, portrait="", uploaded=True, own_face=face.picture)
        await self.drop(token)

    async def _receive(self, request: Request) -> Response:
        token = request.query_params.get("token", "")
        if self.registry.session(token) is None:  # before anything of the body is read
            return JSONResponse(_told(_CONNECTING), 403)
        try:
            data = await self._body(request)
            seen = await self.open(token, request.query_params.get("name", ""), data)
        except LimnerError as error:
            return JSONResponse(_told(error), 422)
        return JSONResponse(seen)

    async def _body(self, request: Request) -> bytes:
        limit = self.engines.settings.limits.max_upload_mb
        parts, size = [], 0
        async for part in request.stream():
            parts.append(part)
            size += len(part)
            if size > limit * 1e6:
                raise MediaError(
                    f"The picture is larger than {limit:g} MB.", "Make it smaller and try again."
                )
        return b"".join(parts)

    async def _answer(self, doing: Awaitable[None]) -> Answer:
        try:
            await doing
        except LimnerError as error:
            return _told(error)
        return {}

    def _expire(self, token: str, upload: Upload) -> None:
        if self._open.get(token) is upload:
            del self._open[token]


def picture_json(seen: PictureSeen) -> Answer:
    """What the dialog draws; lengths in pixels of the picture."""
    preview = f"data:image/jpeg;base64,{b64encode(seen.preview).decode()}"
    return {
        "width": seen.width, "height": seen.height, "preview": preview, "best": seen.best,
        "findings": [_finding_json(one) for one in seen.findings],
        "faces": [_face_json(face) for face in seen.faces],
    }  # fmt: skip


def store(upload: Upload) -> Path:
    """Write an upload where its owner's pictures are kept, for this user only.

    Raises MediaError when that cannot be done.
    """
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    folder = Path(home) / "limner" / "pictures"
    file = folder / f"{upload.key}-{upload.name}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(upload.data)
    except OSError as error:
        raise MediaError(
            f"The picture could not be kept in {folder}: {error.strerror}.",
            "Free some space, or unset privacy.store_uploads.",
        ) from error
    return file


def _face_json(face: FaceSeen) -> Answer:
    return {
        "outline": [[round(x, 1), round(y, 1)] for x, y in face.outline],
        "box": face.box, "usable": face.usable, "square": face.square, "sides": face.sides,
        "findings": [_finding_json(one) for one in face.findings],
    }  # fmt: skip


def _finding_json(finding: "Finding") -> Answer:
    severity, words = str(finding.severity), (finding.message, finding.remedy)
    return {"severity": severity, "message": words[0], "remedy": words[1]}


def _told(error: LimnerError) -> Answer:
    return {"message": error.message, "remedy": error.remedy}


def _token(asked: Asked) -> str:
    return str(asked.get("token") or "")


def _wish(asked: Asked) -> tuple[int, tuple[float, float, float]]:
    """Face and square as the page wishes them; the crop itself bounds what is out of bounds."""
    try:
        choice = int(asked["choice"])
        x, y, side = (float(value) for value in asked["square"])
    except (KeyError, TypeError, ValueError) as error:
        raise MediaError("The page sent no face or no crop.", "Reload the page.") from error
    return choice, (x, y, side)


def _file_name(name: str) -> str:
    """The last part of a name, harmless on any disk and in any message."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[^\w.\- ]", "_", last)[-80:].strip(" .") or "picture"
