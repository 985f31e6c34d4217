"""Own pictures in a real headless Chromium: chosen, dropped or pasted, looked at, cropped, used."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from PIL import Image

from avatar.portraits import gallery
from tests.live_page import FACE, MOTION, opened, type_message
from tests.live_server import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

PICTURES = {entry.name: entry.picture for entry in gallery()}
# Mean brightness of the background beside the face.
COLOUR = """
() => {
  const data = document.querySelector("#stage canvas").getContext("2d")
    .getImageData(10, 10, 60, 200).data;
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum += data[i];
  return sum / (data.length / 4);
}
"""
# Longer than any animation frame that is under way.
SENT = "() => new Promise((done) => setTimeout(done, 120))"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """one.jpg, two.jpg (two people), dark.jpg, nobody.png and broken.jpg."""
    place = tmp_path_factory.mktemp("pictures")
    kofi, mara = (_pixels(name) for name in ("kofi", "mara"))
    wide = cv2.copyMakeBorder(kofi, 200, 200, 500, 500, cv2.BORDER_REPLICATE)
    Image.fromarray(wide).save(place / "one.jpg", quality=90)
    Image.fromarray(np.concatenate([kofi, mara], axis=1)).save(place / "two.jpg", quality=90)
    Image.fromarray((kofi * 0.1).astype(np.uint8)).save(place / "dark.jpg")
    Image.fromarray(np.full((300, 400, 3), 120, np.uint8)).save(place / "nobody.png")
    (place / "broken.jpg").write_bytes(b"\xff\xd8\xff not a picture")
    yield place


def _pixels(name: str) -> "np.ndarray[Any, Any]":
    with Image.open(PICTURES[name]) as picture:
        return np.asarray(picture.convert("RGB"))


def choose(page: "Page", picture: Path) -> "Locator":
    """Choose a file; returns the dialog once it knows what the picture shows."""
    page.locator("#picture input[type=file]").set_input_files(picture)
    return seen(page)


def seen(page: "Page") -> "Locator":
    page.locator(".verdict li:not(.waits)").first.wait_for(timeout=30_000)
    return page.get_by_role("dialog", name="Your picture")


def use(dialog: "Locator") -> "Locator":
    return dialog.get_by_role("button", name="Use", exact=True)


def wait_for_colour(page: "Page", was: float, away: float = 15) -> None:
    page.wait_for_function(
        "([was, now, away]) => Math.abs(eval(now)() - was) > away",
        arg=[was, COLOUR, away], timeout=20_000,
    )  # fmt: skip


def test_a_picture_from_the_settings_comes_alive_and_speaks(page: "Page", folder: Path) -> None:
    before = page.evaluate(COLOUR)
    page.locator("header [data-do=settings]").last.click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Use my own picture").click()
    chooser.value.set_files(folder / "one.jpg")
    dialog = seen(page)
    assert "This picture will do." in dialog.inner_text()
    assert use(dialog).is_disabled(), "not without consent"
    dialog.get_by_label("The person in this picture agrees, or it is me").check()
    use(dialog).click()
    wait_for_colour(page, before)
    assert not dialog.is_visible()
    assert page.get_by_text("AI-generated face").is_visible()
    page.keyboard.press("Escape")
    assert page.evaluate(MOTION, [FACE, 30]) > 0.02
    type_message(page, "Hello")
    page.wait_for_function("limner.stats.turns[0]?.firstFrame", timeout=20_000)


@pytest.mark.parametrize(
    ("name", "words"),
    [("dark.jpg", "too dark"), ("nobody.png", "No human face"), ("broken.jpg", "broken.jpg")],
)
def test_what_cannot_come_alive_is_said_with_a_remedy(
    page: "Page", folder: Path, name: str, words: str
) -> None:
    dialog = choose(page, folder / name)
    assert words in dialog.locator(".verdict li.blocks").first.inner_text()
    dialog.get_by_label("The person in this picture agrees").check()
    assert use(dialog).is_disabled()
    dialog.get_by_role("button", name="Cancel").click()
    assert not dialog.is_visible()


def test_one_of_several_faces_is_chosen_by_outline_or_by_key(page: "Page", folder: Path) -> None:
    dialog = choose(page, folder / "two.jpg")
    assert "2 faces" in dialog.inner_text()
    crop = dialog.locator(".crop")
    first = crop.bounding_box()
    dialog.locator("polygon:not(.chosen)").click()
    second = crop.bounding_box()
    assert first is not None and second is not None
    assert abs(second["x"] - first["x"]) > 100
    dialog.get_by_label("Face 2" if second["x"] > first["x"] else "Face 1").press("ArrowLeft")
    assert dialog.locator("polygon.chosen").count() == 1
    third = crop.bounding_box()
    assert third is not None and abs(third["x"] - first["x"]) < 2


def test_the_crop_is_moved_and_sized_by_mouse_and_keys_and_holds_the_face(
    page: "Page", folder: Path
) -> None:
    dialog = choose(page, folder / "one.jpg")
    crop = dialog.locator(".crop")

    def box() -> dict[str, float]:
        found = crop.bounding_box()
        assert found is not None
        return dict(found)

    start = box()
    middle = (start["x"] + start["width"] / 2, start["y"] + start["height"] * 0.9)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 25, middle[1] - 10, steps=4)
    page.mouse.up()
    dragged = box()
    assert dragged["x"] - start["x"] == pytest.approx(25, abs=2)
    assert dragged["y"] - start["y"] == pytest.approx(-10, abs=2)
    corner = dialog.locator(".crop i").last
    corner.hover()
    page.mouse.down()
    page.mouse.move(dragged["x"] + dragged["width"] - 20, dragged["y"] + dragged["height"] - 20)
    page.mouse.up()
    assert box()["width"] < dragged["width"] - 20
    crop.focus()
    smaller = box()
    page.keyboard.press("+")
    assert box()["width"] > smaller["width"] * 1.03
    before = box()
    page.keyboard.press("ArrowLeft")
    assert box()["x"] < before["x"]
    face = dialog.locator("polygon").bounding_box()
    assert face is not None
    for _ in range(60):
        page.keyboard.press("Shift+ArrowRight")
    assert box()["x"] <= face["x"]
    for _ in range(80):
        page.keyboard.press("-")
    last = box()
    assert last["x"] <= face["x"] and last["x"] + last["width"] >= face["x"] + face["width"]
    size = dialog.get_by_role("slider", name="Size of the crop")
    assert float(size.input_value()) < 3
    size.fill("100")
    assert box()["width"] > last["width"] * 1.5


def test_a_tighter_crop_shows_a_larger_face(page: "Page", folder: Path) -> None:
    dialog = choose(page, folder / "one.jpg")
    dialog.get_by_role("slider", name="Size of the crop").fill("0")
    dialog.get_by_label("The person in this picture agrees").check()
    before = page.evaluate(COLOUR)
    use(dialog).click()
    wait_for_colour(page, before, 8)
    picture = page.evaluate("document.querySelector('#stage canvas').toDataURL('image/png')")
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(picture.split(",")[1]), np.uint8), 1)
    assert shown is not None
    skin = shown[int(0.3 * len(shown)) : int(0.6 * len(shown)), len(shown) // 4]
    assert skin[:, 2].mean() > skin[:, 0].mean(), "at a quarter of the width there is cheek"


DROP = """
async ([data, name, place]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
  const target = document.querySelector(place);
  const event = (type) => new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true });
  target.dispatchEvent(event("dragover"));
  const marked = document.querySelector(".stage").hasAttribute("data-drop");
  const dropped = event("drop");
  target.dispatchEvent(dropped);
  return [marked, dropped.defaultPrevented];
}
"""  # noqa: E501
PASTE = """
([data]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], "image.png", { type: "image/jpeg" }));
  const target = document.querySelector("#composer textarea");
  target.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
}
"""  # noqa: E501


def test_a_picture_may_be_dropped_on_the_portrait_only(page: "Page", folder: Path) -> None:
    data = base64.b64encode((folder / "one.jpg").read_bytes()).decode()
    beside = page.evaluate(DROP, [data, "one.jpg", "#right"])
    assert beside == [False, True], "the page is not left for the picture"
    assert page.locator("#picture[open]").count() == 0
    assert page.evaluate(DROP, [data, "one.jpg", "#stage canvas"]) == [True, True]
    assert "This picture will do." in seen(page).inner_text()


def test_a_picture_may_be_pasted_and_escape_closes_only_the_dialog(
    page: "Page", folder: Path
) -> None:
    page.evaluate(PASTE, [base64.b64encode((folder / "one.jpg").read_bytes()).decode()])
    dialog = seen(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    page.evaluate(SENT)
    assert any("component_server" in url for url in asked), "the server may forget the picture"
    assert page.locator("#composer textarea").is_visible()


def test_the_dialog_fits_a_phone_and_answers_touch(
    browser: "Browser", server: LiveServer, folder: Path
) -> None:
    size = {"width": 390, "height": 844}
    for page in opened(browser, server, viewport=size, has_touch=True):
        dialog = choose(page, folder / "two.jpg")
        for part in ("button:visible", ".consent", ".crop-size input", ".frame img"):
            for item in dialog.locator(part).all():
                box = item.bounding_box()
                assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390
                assert box["y"] >= 0 and box["y"] + box["height"] <= 844
        dialog.get_by_label("The person in this picture agrees").tap()
        assert use(dialog).is_enabled()
