"""Feelings on the page in a real headless Chromium: seen live, set by hand while the face talks."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.live_page import opened, type_message
from tests.live_server import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

SHARE = """
(name) => Number(getComputedStyle(document.querySelector(`.palette [data-felt=${name}]`))
  .getPropertyValue("--share"))
"""
FELT = "([name, least]) => (" + SHARE + ")(name) >= least"
# The mean picture of brows and eyes over a number of pictures shown, as small grey levels.
BROWS = """
async (count) => {
  const brush = Object.assign(document.createElement("canvas"), { width: 48, height: 24 })
    .getContext("2d", { willReadFrequently: true });
  const canvas = document.querySelector("#stage canvas");
  const total = new Array(48 * 24).fill(0);
  for (let seen = 0, last = -1; seen < count;) {
    await new Promise((next) => requestAnimationFrame(next));
    if (limner.stats.shown === last) continue;
    last = limner.stats.shown; seen++;
    const [w, h] = [canvas.width, canvas.height];
    brush.drawImage(canvas, 0.3 * w, 0.25 * h, 0.4 * w, 0.2 * h, 0, 0, 48, 24);
    const { data } = brush.getImageData(0, 0, 48, 24);
    for (let i = 0; i < total.length; i++) total[i] += data[4 * i + 1] / count;
  }
  return total;
}
"""
# Heard, not seen: a busy machine shows few pictures.
TALKING = "limner.player.level > 0.01"
WORDS = "document.querySelector('.caption p').textContent"


def brows(page: "Page", count: int = 20) -> np.ndarray:
    return np.array(page.evaluate(BROWS, count))


def changed(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).mean())


def open_feelings(page: "Page") -> None:
    page.locator("[data-do=feelings]").click()
    page.locator(".feelings-panel").wait_for(state="visible")


def test_the_weights_are_seen_live_while_it_talks_and_fade(page: "Page") -> None:
    page.mouse.click(5, 5)
    open_feelings(page)
    assert page.locator("[data-felt-words]").inner_text() in ("neutral", "happy 10 %")
    type_message(page, "That is wonderful news, I am so happy!")
    page.wait_for_function(FELT, arg=["happy", 0.4], timeout=30_000)
    assert page.evaluate(SHARE, "sad") < 0.2
    assert "happy" in page.locator("[data-felt-words]").inner_text()
    assert float(page.locator("[name=feeling-happy]").input_value()) > 0.5
    page.wait_for_function("limner.player.activity === 'idle'", timeout=30_000)
    page.wait_for_function("(" + SHARE + ")('happy') < 0.25", timeout=20_000)


def test_a_feeling_set_by_hand_changes_the_face_while_it_talks(page: "Page") -> None:
    page.mouse.click(5, 5)
    open_feelings(page)
    page.locator("[data-feelings=neutral]").click()
    type_message(page, "How does this work?")
    page.wait_for_function(TALKING, timeout=30_000)
    before, again = brows(page), brows(page)
    page.locator("[data-feelings=named]").select_option("sadly angry")
    page.locator("[name=feeling-intensity]").fill("1")
    page.wait_for_function(FELT, arg=["angry", 0.9], timeout=5_000)
    held = brows(page)
    assert page.evaluate(WORDS), "it is still talking"
    assert changed(held, again) > 1.5 * changed(again, before) + 0.5
    page.keyboard.press("Escape")
    page.locator("[data-do=feelings]").click()
    assert page.locator("[data-do=feelings]").get_attribute("aria-pressed") == "true"
    page.locator("[data-feelings=automatic]").click()
    page.wait_for_function("(" + SHARE + ")('angry') < 0.5", timeout=10_000)
    assert page.evaluate("limner.feelings.held") is None


def test_feelings_by_keyboard(page: "Page") -> None:
    page.locator("[data-do=feelings]").focus()
    page.keyboard.press("Enter")
    assert page.locator("[data-do=feelings]").get_attribute("aria-expanded") == "true"
    page.keyboard.press("Tab")  # the panel follows its button
    reached = []
    for _ in range(16):
        reached.append(
            page.evaluate("document.activeElement.id || document.activeElement.dataset.feelings")
        )
        page.keyboard.press("Tab")
    wanted = ["close", "feeling-happy", "feeling-surprised", "feeling-intensity", "named"]
    assert [name for name in reached if name in wanted] == wanted
    page.locator("#feeling-surprised").focus()
    page.keyboard.press("End")
    page.wait_for_function(FELT, arg=["surprised", 0.7], timeout=5_000)
    assert page.locator("#feeling-surprised").get_attribute("aria-valuetext") == "100 percent"
    page.keyboard.press("Escape")
    assert page.locator(".feelings-panel").is_hidden()
    assert page.evaluate("document.activeElement.dataset.do") == "feelings"


def test_a_reloaded_page_knows_what_is_held(browser: "Browser", server: LiveServer) -> None:
    for page in opened(browser, server):
        open_feelings(page)
        page.locator("[data-feelings=named]").select_option("happily surprised")
        page.wait_for_function(FELT, arg=["surprised", 0.7], timeout=5_000)
        page.reload()
        page.wait_for_function("window.limner?.feelings.held && limner.stats.shown > 3")
        assert page.locator("[data-do=feelings]").get_attribute("aria-pressed") == "true"
        page.wait_for_function(FELT, arg=["happy", 0.7], timeout=5_000)


def test_the_settings_lead_to_the_feelings(page: "Page") -> None:
    page.locator("[aria-label='Settings']").first.click()
    page.locator("#settings button", has_text="Feelings").click()
    page.locator(".feelings-panel").wait_for(state="visible")
    assert page.evaluate("document.body.dataset.settings") is None
