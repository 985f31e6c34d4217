"""What a page may ask, validated: the JSON messages upstream (see `docs/protocol.md`)."""

from typing import Annotated, Literal

from pydantic import (
    Base64Bytes,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    TypeAdapter,
    ValidationError,
)

from emotion.errors import MediaError
from pipeline.camera import MAX_BYTES as PICTURE_BYTES

MAX_BYTES = 1_000_000  # of one message; far above the limit on typed text


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hello(_Request):
    """First message after connecting."""

    type: Literal["hello"]
    codecs: list[Literal["h264", "jpeg"]] = Field(default=["jpeg"], max_length=4)
    hidden: bool = False


class Text(_Request):
    """A typed message; `id` is the page's own and comes back in the acknowledgement."""

    type: Literal["text"]
    id: str = Field(max_length=64)
    text: str


class Stop(_Request):
    """Silence now."""

    type: Literal["stop"]


class Ack(_Request):
    """What the page is playing: pts in samples, buffered in s, offset in ms."""

    type: Literal["ack"]
    pts: float
    generation: int
    buffered: float = 0
    shown: int = 0
    late: int = 0
    offset: float | None = None


class Measured(_Request):
    """What the page measured for a turn, in ms from sending the message."""

    type: Literal["measured"]
    turn: int
    first_sound_ms: float | None = None
    first_frame_ms: float | None = None


class Visibility(_Request):
    """A hidden tab gets sound only."""

    type: Literal["visibility"]
    hidden: bool


class Mic(_Request):
    """How the microphone is used from now on."""

    type: Literal["mic"]
    mode: Literal["off", "hands_free", "push", "release"]


class Replay(_Request):
    """Say a reply again."""

    type: Literal["replay"]
    turn: int


class Controls(_Request):
    """What the user sets by hand, whole: values by control name, what is not named is 0.

    `open`: the controls are in front of the user, who wants to see each change at once.
    """

    type: Literal["controls"]
    values: dict[Annotated[str, Field(max_length=40)], float] = Field(max_length=200)
    open: bool = True


class Feel(_Request):
    """The feeling that the user holds: shares of the emotions (or of named mixtures), and how
    strongly; without weights the portrait feels by itself again.

    `open`: the sliders are in front of the user, who wants to see each change at once.
    """

    type: Literal["feel"]
    weights: dict[Annotated[str, Field(max_length=40)], float] | None = Field(
        default=None, max_length=40
    )
    intensity: float = Field(default=1.0, ge=0, le=1)
    open: bool = True


class Camera(_Request):
    """A picture of the user's camera, a JPEG in base64, taken `at` seconds of the page's clock;
    off: there will be no more."""

    type: Literal["camera"]
    mode: Literal["off", "drives", "mirrors"]
    at: FiniteFloat = 0
    jpeg: Annotated[Base64Bytes, Field(max_length=PICTURE_BYTES)] = b""


class Ping(_Request):
    """Keeps proxies awake; answered by `pong`."""

    type: Literal["ping"]
    t: float = 0


Request = Annotated[
    Hello
    | Text
    | Stop
    | Ack
    | Measured
    | Visibility
    | Mic
    | Replay
    | Controls
    | Feel
    | Camera
    | Ping,
    Field(discriminator="type"),
]
_ADAPTER: TypeAdapter[Request] = TypeAdapter(Request)


def parse_request(data: str | bytes) -> Request:
    """Read one message. Raises MediaError if it is malformed or too large."""
    if len(data) > MAX_BYTES:
        raise MediaError("The message is too large.", "Send a shorter one.")
    try:
        return _ADAPTER.validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise MediaError(
            f"The page sent a message that cannot be read ({where}: {first['msg']}).",
            "Reload the page.",
        ) from error
