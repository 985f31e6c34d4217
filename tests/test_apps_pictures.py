"""Own pictures: what the page's dialog is told, consent, bounds, and that nothing stays behind."""

import base64
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from apps.choices import Choice, Choices
from apps.pictures import Pictures, _file_name, store
from avatar.portrait import Finding, Severity
from avatar.portraits import load_portrait
from avatar.types import Portrait
from emotion.errors import MediaError, PortraitError
from pipeline.config import Settings
from pipeline.pictures import FaceSeen, PictureSeen, Upload

TURNED = Finding("turned", Severity.WARNS, "The head is turned.", "Look at the camera.")
FACE = FaceSeen(((1.0, 2.0), (3.0, 4.0)), (0, 0, 9, 9), True, (TURNED,), (50, 50, 60), (20, 90))
SEEN = PictureSeen(100, 80, b"jpeg", (FACE,), (), 0)


class FakeSession:
    def __init__(self) -> None:
        self.portraits: list[Portrait] = []

    async def configure(self, portrait: Portrait) -> None:
        self.portraits.append(portrait)


class FakeEye:
    """Stands in for the pictures' worker; refuses what does not begin with "picture"."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, tuple[float, ...]]] = []
        self.forgotten: list[str] = []

    async def start(self) -> None:
        raise PortraitError("No eye.", "Get one.")

    async def look(self, upload: Upload) -> PictureSeen:
        if not upload.data.startswith(b"picture"):
            raise PortraitError(f"{upload.name} is not a picture.", "Use another.")
        return SEEN

    async def portrait(self, upload: Upload, choice: int, square: tuple[float, ...]) -> Portrait:
        self.asked.append((upload.name, choice, square))
        return load_portrait("mara")

    async def forget(self, key: str) -> None:
        self.forgotten.append(key)


class Place:
    """A server with one live page, "t"."""

    def __init__(self, **settings: Any) -> None:
        self.session, self.eye = FakeSession(), FakeEye()
        self.choices = Choices(Choice("mara", "kofi"))
        live = {"t": self.session}
        registry = SimpleNamespace(session=live.get)
        engines = SimpleNamespace(pictures=self.eye, settings=Settings.model_validate(settings))
        self.pictures = Pictures(cast(Any, registry), cast(Any, engines), self.choices)
        self.ask = {f.__name__: f for f in self.pictures.functions()}

    async def use(self, **wish: Any) -> dict[str, Any]:
        asked = {"token": "t", "choice": 0, "square": [5, 6, 7], "agreed": True}
        return await self.ask["use_picture"](asked | wish)


async def test_a_picture_is_shown_with_its_faces_and_what_is_the_matter() -> None:
    shown = await Place().pictures.open("t", "me.jpg", b"picture")
    assert base64.b64decode(shown["preview"].split(",")[1]) == b"jpeg"
    assert (shown["width"], shown["height"], shown["best"]) == (100, 80, 0)
    (face,) = shown["faces"]
    assert face["outline"] == [[1.0, 2.0], [3.0, 4.0]]
    assert (face["square"], face["sides"], face["usable"]) == ((50, 50, 60), (20, 90), True)
    words = {"severity": "warns", "message": TURNED.message, "remedy": TURNED.remedy}
    assert face["findings"] == [words]


async def test_a_used_picture_reaches_the_session_and_is_forgotten() -> None:
    place = Place()
    key = (await place.pictures.open("t", "me.jpg", b"picture"))["key"]
    assert await place.use(key=key) == {}
    assert place.eye.asked == [("me.jpg", 0, (5.0, 6.0, 7.0))]
    assert [portrait.name for portrait in place.session.portraits] == ["mara"]
    chosen = place.choices.of("t")
    assert (chosen.portrait, chosen.uploaded) == ("", True)
    assert chosen.own_face.startswith("data:image/webp;base64,")
    assert place.eye.forgotten == [key]
    assert "no longer here" in (await place.use(key=key))["message"]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"agreed": False}, "agrees"),
        ({"agreed": "yes"}, "agrees"),
        ({"key": "another"}, "no longer here"),
        ({"token": "stranger"}, "connecting"),
        ({"square": [1, 2]}, "no crop"),
        ({"square": None}, "no crop"),
        ({"choice": "me"}, "no face"),
    ],
)
async def test_a_picture_is_not_used_without_consent_or_a_proper_wish(
    wish: dict[str, Any], words: str
) -> None:
    place = Place()
    key = (await place.pictures.open("t", "me.jpg", b"picture"))["key"]
    answer = await place.use(**({"key": key} | wish))
    assert words in answer["message"] and answer["remedy"]
    assert place.session.portraits == []


async def test_a_closed_dialog_leaves_nothing_and_another_picture_replaces_the_first() -> None:
    place = Place()
    first = (await place.pictures.open("t", "a.jpg", b"picture"))["key"]
    second = (await place.pictures.open("t", "b.jpg", b"picture"))["key"]
    await place.ask["drop_picture"]({"token": "t"})
    assert place.eye.forgotten == [first, second]
    await place.ask["drop_picture"]({"token": "t"})
    assert "no longer here" in (await place.use(key=second))["message"]


async def test_a_hint_that_fails_is_told_not_raised() -> None:
    assert (await Place().ask["expect_picture"]({}))["message"] == "No eye."


def test_files_come_in_bounded_and_only_for_pages_that_are_known() -> None:
    place = Place(limits={"max_upload_mb": 0.001})
    client = TestClient(Starlette(routes=place.pictures.routes()))
    send = "/live/picture?name=me.jpg&token="
    assert client.post(send + "t", content=b"picture").json()["faces"]
    refused = client.post(send + "t", content=b"\0 no")
    assert refused.status_code == 422
    assert refused.json() == {"message": "me.jpg is not a picture.", "remedy": "Use another."}
    huge = client.post(send + "t", content=(b"x" * 600 for _ in range(4)))  # says no length
    assert huge.status_code == 422 and "larger than" in huge.json()["message"]
    assert client.post(send + "stranger", content=b"picture").status_code == 403


async def test_pictures_reach_a_disk_only_where_the_settings_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    for keeps in (False, True):
        place = Place(privacy={"store_uploads": keeps})
        key = (await place.pictures.open("t", "me.jpg", b"picture of me"))["key"]
        assert await place.use(key=key) == {}
        kept = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert [path.read_bytes() for path in kept] == [b"picture of me"] * keeps
    assert stat.S_IMODE(kept[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(kept[0].parent.stat().st_mode) == 0o700


def test_a_full_disk_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    with pytest.raises(MediaError, match="could not be kept"):
        store(Upload("k", "me.jpg", b""))


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("me.jpg", "me.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\ich.png", "ich.png"),
        ("<b>x</b>.png", "b_.png"),
        ("..", "picture"),
        ("", "picture"),
        ("a" * 300 + ".jpg", "a" * 76 + ".jpg"),
    ],
)
def test_names_of_files_are_harmless(given: str, safe: str) -> None:
    assert _file_name(given) == safe
