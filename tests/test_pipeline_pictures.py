"""The pictures' worker process: what it sees in pictures, refuses and forgets."""

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from avatar.portraits import gallery
from emotion.errors import PortraitError
from pipeline.pictures import KEPT, PREVIEW, PictureHost, RemotePictures, Upload
from pipeline.workers import Worker

PICTURES = {entry.name: entry.picture for entry in gallery()}


def pixels(name: str = "kofi") -> np.ndarray:
    with Image.open(PICTURES[name]) as picture:
        return np.asarray(picture.convert("RGB"))


def upload(rgb: np.ndarray, key: str = "k") -> Upload:
    out = BytesIO()
    Image.fromarray(rgb).save(out, "PNG", compress_level=1)
    return Upload(key, f"{key}.png", out.getvalue())


@pytest.fixture
async def eye() -> AsyncIterator[RemotePictures]:
    pictures = RemotePictures(Worker("pictures", "pipeline.pictures:PictureHost"))
    yield pictures
    await pictures.close()


async def test_a_picture_goes_up_and_comes_back_as_a_portrait(eye: RemotePictures) -> None:
    one = upload(pixels())
    seen = await eye.look(one)
    (face,) = seen.faces
    assert (seen.width, seen.height) == pixels().shape[1::-1]
    assert face.usable and seen.best == 0
    x, y, side = face.square
    assert face.sides[0] <= side <= face.sides[1]
    x0, y0, x1, y1 = face.box
    assert x - side / 2 <= x0 < x1 <= x + side / 2
    assert y - side / 2 <= y0 < y1 <= y + side / 2
    portrait = await eye.portrait(one, 0, (x, y, 0.8 * side))
    assert portrait.rgb.shape[0] == portrait.rgb.shape[1] == round(0.8 * side)
    await eye.forget(one.key)


async def test_a_process_that_never_ran_has_nothing_to_forget_or_close(
    eye: RemotePictures,
) -> None:
    await eye.forget("nothing")
    assert eye.worker.pid is None


def test_previews_are_small_upright_pictures() -> None:
    wide = cv2.copyMakeBorder(pixels(), 300, 300, 2000, 2000, cv2.BORDER_REPLICATE)
    preview = cv2.imdecode(
        np.frombuffer(PictureHost().look(upload(wide)).preview, np.uint8), cv2.IMREAD_COLOR
    )
    assert preview is not None
    assert max(preview.shape) == PREVIEW
    assert preview.shape[1] / preview.shape[0] == pytest.approx(wide.shape[1] / wide.shape[0], 0.01)


def test_two_people_are_two_faces_to_choose_from() -> None:
    host = PictureHost()
    pair = upload(np.concatenate([pixels("kofi"), pixels("mara")], axis=1))
    seen = host.look(pair)
    assert len(seen.faces) == 2
    assert [finding.code for finding in seen.findings] == ["several"]
    lefts = [host.portrait(pair, at, face.square) for at, face in enumerate(seen.faces)]
    assert np.abs(lefts[0].rgb[:300].mean() - lefts[1].rgb[:300].mean()) > 3


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff not a picture", b"\0" * 5000])
def test_what_is_no_picture_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(PortraitError) as caught:
        PictureHost().look(Upload("k", "me.jpg", data))
    assert "me.jpg" in caught.value.message and caught.value.remedy


def test_a_picture_without_a_face_is_looked_at_but_makes_no_portrait() -> None:
    host, nobody = PictureHost(), upload(np.full((300, 400, 3), 120, np.uint8))
    seen = host.look(nobody)
    assert seen.faces == () and seen.findings[0].code == "no_face"
    with pytest.raises(PortraitError):
        host.portrait(nobody, 0, (1.0, 1.0, 1.0))


def test_only_a_few_pictures_are_kept_decoded_and_each_can_come_back() -> None:
    host = PictureHost()
    many = [upload(pixels(), f"k{n}") for n in range(KEPT + 2)]
    for one in many:
        host.look(one)
    assert len(host._open) == KEPT
    host.forget(many[-1].key)
    assert len(host._open) == KEPT - 1
    square = host.look(many[0]).faces[0].square
    assert host.portrait(many[1], 0, square).name


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    PictureHost().look(upload(pixels()))
    assert list(tmp_path.iterdir()) == []
