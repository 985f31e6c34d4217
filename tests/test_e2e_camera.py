"""The user's camera moves the portrait, in a real headless Chromium with a made-up camera."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from avatar.portraits import gallery, load_portrait
from avatar.rig import rig
from avatar.semo.reenactor import Performance, Reenactor
from tests.live_page import opened, type_message, wait_for_reply
from tests.live_server import CHROMIUM_FLAGS, LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

PERIOD = 75  # frames in which the driver's head turns there and back
# Small grey pictures of camera and face, with the second of each, for as many seconds.
BOTH = """
async (seconds) => {
  const brush = Object.assign(document.createElement("canvas"), { width: 64, height: 64 })
    .getContext("2d", { willReadFrequently: true });
  const grey = (what) => {
    brush.drawImage(what, 0, 0, 64, 64);
    const { data } = brush.getImageData(0, 0, 64, 64);
    return Array.from({ length: 4096 }, (_, i) => data[4 * i + 1]);
  };
  const [video, canvas] = ["video", "canvas"].map((q) => document.querySelector("#stage " + q));
  const out = { at: [], camera: [], face: [] }, begun = performance.now();
  for (let shown = 0; performance.now() - begun < seconds * 1000;) {
    await new Promise((next) => requestAnimationFrame(next));
    if (limner.stats.shown === shown) continue;
    shown = limner.stats.shown;
    out.at.push((performance.now() - begun) / 1000);
    out.camera.push(video.srcObject ? grey(video) : []);
    out.face.push(grey(canvas));
  }
  return out;
}
"""
REFUSED = """
navigator.mediaDevices.getUserMedia = async () => {
  throw new DOMException("no", window.refusal ?? "NotAllowedError");
};
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A camera's recording: a gallery face, not the one on the stage, turns there and back."""
    rigs = np.stack([
        rig({"yaw": 0.3 * float(np.sin(2 * np.pi * k / PERIOD))}) for k in range(2 * PERIOD)
    ])  # fmt: skip
    done = Performance(rigs, np.ones(len(rigs), bool))
    portrait = load_portrait(gallery()[-1].name)
    file = tmp_path_factory.mktemp("camera") / "driver.mjpeg"
    engine = Reenactor()
    with file.open("wb") as out:
        for rgb in engine.render(engine.sit(portrait), done, 360):
            wide = cv2.copyMakeBorder(rgb, 0, 0, 60, 60, cv2.BORDER_REPLICATE)
            out.write(cv2.imencode(".jpg", wide[:, :, ::-1])[1].tobytes())
    return file


@pytest.fixture(scope="module")
def filmed(playwright: Any, driver: Path) -> Iterator["Browser"]:
    """A browser whose camera shows the driver."""
    flags = [*CHROMIUM_FLAGS, f"--use-file-for-fake-video-capture={driver}"]
    found = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
    yield found
    found.close()


@pytest.fixture
def page(filmed: "Browser", server: LiveServer) -> "Iterator[Page]":
    yield from opened(filmed, server, permissions=["camera"])


def start(page: "Page", mode: str = "drives") -> None:
    page.locator("[data-do=camera]").click()
    page.locator(f"[name=camera-mode][value={mode}]").check()
    page.locator("[data-camera=start]").click()


RATE = 20  # of the courses compared, a second; a busy machine shows fewer pictures


def turns(seen: dict[str, list[Any]], what: str) -> np.ndarray:
    """(n,) px by which the middle of the small pictures is shifted sideways from the first."""
    grey = np.array(seen[what], np.float64).reshape(-1, 64, 64)[:, 12:44, 8:56]
    window = np.outer(np.hanning(32), np.hanning(48))
    shifts = [
        cv2.phaseCorrelate(grey[0] - grey[0].mean(), g - g.mean(), window)[0][0] for g in grey
    ]
    at = np.arange(0, seen["at"][-1], 1 / RATE)
    return np.interp(at, seen["at"], shifts)


def agreement(a: np.ndarray, b: np.ndarray, latest: float) -> float:
    """The most that two courses agree, b up to `latest` seconds later: a correlation."""
    lags = range(round(latest * RATE))
    return max(float(np.corrcoef(a[: len(a) - k], b[k:])[0, 1]) for k in lags)


def test_the_portrait_turns_as_the_driver_does_and_stops(page: "Page") -> None:
    assert page.locator(".watched").is_hidden()
    start(page)
    page.wait_for_function("limner.stats.camera?.latencies.length > 30", timeout=30_000)
    assert page.locator(".watched").is_visible()
    seen = page.evaluate(BOTH, 7)
    camera, face = turns(seen, "camera"), turns(seen, "face")
    assert agreement(-camera, face, 0.8) > 0.7, "as in a mirror"
    driven = float(np.std(face))
    figures = page.evaluate("limner.stats.camera")
    assert figures["sent"] > 60
    assert float(np.median(figures["latencies"])) < 1500  # a busy machine may take long
    page.locator("[data-camera=stop]").click()
    assert page.locator(".watched").is_hidden()
    assert page.evaluate("document.querySelector('#stage video').srcObject") is None
    page.wait_for_timeout(3000)
    own = float(np.std(turns(page.evaluate(BOTH, 5), "face")))
    assert driven > 2.5 * own


def test_it_mirrors_softly(page: "Page") -> None:
    start(page, "mirrors")
    page.wait_for_function("limner.stats.camera?.latencies.length > 40", timeout=30_000)
    seen = page.evaluate(BOTH, 7)
    camera, face = turns(seen, "camera"), turns(seen, "face")
    assert agreement(-camera, face, 1.6) > 0.5
    assert np.std(face) < 0.8 * np.std(camera)


def test_what_happens_to_the_pictures_is_said_before_the_camera_starts(page: "Page") -> None:
    page.evaluate(
        """() => {
        window.asked = 0;
        const devices = navigator.mediaDevices, ask = devices.getUserMedia.bind(devices);
        devices.getUserMedia = (...wanted) => { window.asked++; return ask(...wanted); };
        }"""
    )
    page.locator("[data-do=camera]").click()
    words = page.locator(".camera-panel").inner_text()
    assert "forgotten at once" in words and "nothing is stored" in words
    assert page.evaluate("window.asked") == 0
    page.keyboard.press("Escape")
    assert page.locator(".camera-panel").is_hidden()


@pytest.mark.parametrize(
    ("refusal", "words"),
    [("NotAllowedError", "does not let this page use the camera"),
     ("NotFoundError", "No camera was found"),
     ("NotReadableError", "another program")],
)  # fmt: skip
def test_without_a_camera_it_is_said_and_the_talk_goes_on(
    filmed: "Browser", server: LiveServer, refusal: str, words: str
) -> None:
    for page in opened(filmed, server, REFUSED):
        page.evaluate(f"window.refusal = {refusal!r}")
        start(page)
        page.wait_for_selector(".trouble:not([hidden])")
        assert words in page.locator(".trouble").inner_text()
        assert page.locator(".watched").is_hidden()
        type_message(page, "Hello")
        assert wait_for_reply(page)


def test_an_unplugged_camera_is_said(page: "Page") -> None:
    start(page)
    page.wait_for_function("limner.camera.on")
    page.evaluate(
        "document.querySelector('#stage video').srcObject.getTracks()[0]"
        ".dispatchEvent(new Event('ended'))"
    )
    page.wait_for_selector(".trouble:not([hidden])")
    assert "The camera is gone" in page.locator(".trouble").inner_text()
    assert page.evaluate("limner.camera.on") is False
