"""The product in a real headless Chromium: what a person sees, hears and does."""

import wave
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.live_page import FACE, MOTION, MOUTH, REPLY, opened, type_message, wait_for_reply
from tests.live_server import CHROMIUM_FLAGS, LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

pytestmark = pytest.mark.browser


def test_the_page_loads_and_the_portrait_lives_at_rest(page: "Page") -> None:
    assert page.title() == "Limner"
    assert page.get_by_text("AI-generated face").is_visible()
    assert page.evaluate(MOTION, [FACE, 50]) > 0.02
    assert page.locator("#composer textarea").is_visible()
    assert "Built-in brain" in page.locator("[data-pill=brain]").inner_text()


def test_a_typed_message_is_answered_with_text_sound_and_mouth(page: "Page") -> None:
    page.mouse.click(5, 5)
    resting = page.evaluate(MOTION, [MOUTH, 40])
    type_message(page, "Hello, who are you?")
    page.wait_for_function("limner.stats.turns[0]?.firstSound && limner.stats.turns[0].firstFrame")
    speaking = page.evaluate(MOTION, [MOUTH, 30])
    page.wait_for_function("limner.player.level > 0.02")
    assert speaking > 2 * resting, "the mouth moves with the words"
    assert "Mara" in wait_for_reply(page)
    assert page.locator(".caption").inner_text().strip()


def test_stop_silences_and_the_reply_is_marked_interrupted(page: "Page") -> None:
    page.mouse.click(5, 5)
    type_message(page, "How does this work?")
    page.wait_for_function("limner.player.level > 0.02")
    page.keyboard.press("Escape")
    page.wait_for_function("limner.player.level < 0.001", timeout=2000)
    page.wait_for_function("limner.player.activity === 'idle'", timeout=2000)
    page.get_by_text("interrupted", exact=True).wait_for()
    stop = page.evaluate("limner.stats.stops[0]")
    assert stop["silent"] - stop["pressed"] < 100


def test_markup_and_script_are_inert(page: "Page") -> None:
    hostile = "<img src=x onerror=window.pwned=1><script>window.pwned=1</script> **bold**"
    type_message(page, hostile)
    wait_for_reply(page)
    assert page.evaluate("window.pwned") is None
    assert page.locator("#chat .user").last.inner_text().strip() == hostile


def test_a_message_that_is_too_long_is_refused_and_stays_in_the_box(page: "Page") -> None:
    type_message(page, "word " * 20_000)
    page.locator(".trouble").wait_for()
    assert "100,000" in page.locator(".trouble").inner_text()
    assert page.locator("#composer textarea").input_value().startswith("word word")
    type_message(page, "Hello")
    wait_for_reply(page)


def test_two_people_do_not_mix(browser: "Browser", server: LiveServer) -> None:
    for one in opened(browser, server):
        for two in opened(browser, server):
            type_message(one, "My name is Ottilie.")
            wait_for_reply(one)
            type_message(two, "What is my name?")
            answer = wait_for_reply(two)
            assert "Ottilie" not in answer
            assert two.locator("#chat").inner_text().count("Ottilie") == 0


def test_without_websockets_it_works_over_http(browser: "Browser", server: LiveServer) -> None:
    block = """
      const Native = window.WebSocket;  // what a proxy that cannot upgrade looks like
      window.WebSocket = class extends Native {
        constructor(url) { super(String(url).replace("live/ws", "live/nowhere")); }
      };
    """
    for page in opened(browser, server, block):
        assert page.evaluate("limner.stats.transport") == "http"
        page.mouse.click(5, 5)
        type_message(page, "Hello")
        wait_for_reply(page)
        page.wait_for_function("limner.stats.turns[0]?.firstSound")


def test_a_lost_socket_mid_sentence_is_joined_again(browser: "Browser", server: LiveServer) -> None:
    keep = """
      const Native = window.WebSocket;
      window.sockets = [];
      window.WebSocket = class extends Native {
        constructor(...a) { super(...a); window.sockets.push(this); }
      };
    """
    for page in opened(browser, server, keep):
        page.mouse.click(5, 5)
        type_message(page, "How does this work?")
        page.wait_for_function("limner.player.level > 0.02")
        page.evaluate("sockets.filter((s) => s.url.includes('live/ws')).at(-1).close()")
        page.wait_for_function("sockets.filter((s) => s.url.includes('live/ws')).length > 1")
        page.wait_for_function("limner.player.connected && limner.player.level > 0.02")
        wait_for_reply(page)
        assert page.get_by_text("interrupted", exact=True).count() == 0


def test_a_killed_renderer_is_said_so_and_comes_back(page: "Page", server: LiveServer) -> None:
    type_message(page, "Hello")
    wait_for_reply(page)
    page.evaluate(
        "() => { window.notices = []; limner.player.addEventListener('notice',"
        " ({ detail }) => notices.push([detail.code, performance.now()])); }"
    )
    server.worker("avatar").kill()
    page.wait_for_function("notices.length >= 2", timeout=15_000)
    (first, down), (second, up) = page.evaluate("notices")
    assert (first, second) == ("worker_restarting", "worker_restarted")
    assert up - down < 2000
    shown = page.evaluate("limner.stats.shown")
    page.wait_for_function(f"limner.stats.shown > {shown + 10}", timeout=5000)
    assert page.locator(REPLY).count() >= 1, "the chat is kept"


def test_a_killed_voice_is_restarted_and_the_next_reply_is_heard(
    page: "Page", server: LiveServer
) -> None:
    page.mouse.click(5, 5)
    server.worker("voice").kill()
    type_message(page, "Hello")
    page.wait_for_function("limner.stats.turns[0]?.firstSound", timeout=10_000)


def test_a_hidden_tab_gets_sound_without_pictures(page: "Page") -> None:
    page.mouse.click(5, 5)
    page.evaluate(
        "() => { Object.defineProperty("
        "document, 'hidden', { get: () => true, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }"
    )
    page.evaluate("limner.player.sendText('How does this work?')")
    page.wait_for_function("limner.player.level > 0.02", timeout=20_000)
    shown = page.evaluate("limner.stats.shown")
    page.wait_for_timeout(700)
    assert page.evaluate("limner.stats.shown") <= shown + 1
    page.evaluate(
        "() => { Object.defineProperty(document, 'hidden', { get: () => false });"
        " document.dispatchEvent(new Event('visibilitychange')); }"
    )
    page.wait_for_function(f"limner.stats.shown > {shown + 10}", timeout=5000)


def test_it_fits_a_phone(browser: "Browser", server: LiveServer) -> None:
    size = {"width": 390, "height": 844}
    for page in opened(browser, server, viewport=size, has_touch=True):
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        for place in ("#stage canvas", "#composer textarea", "[data-do=mic]"):
            box = page.locator(place).bounding_box()
            assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390
            assert box["y"] + box["height"] <= 844


def test_everything_is_reachable_by_keyboard(page: "Page") -> None:
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.add(page.evaluate(
            "document.activeElement.ariaLabel || document.activeElement.tagName"
        ))  # fmt: skip
    wanted = {"Mute the voice", "Stop talking", "Captions", "Full screen", "Settings"}
    assert wanted <= seen
    assert any(str(name).startswith("Microphone") for name in seen)


@pytest.fixture(scope="module")
def spoken_question(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording for the fake microphone: silence, a question in our own voice, silence."""
    from emotion.types import EmotionState
    from speech.tts import EmbeddedVoices

    voices = EmbeddedVoices()
    if not any(v.id == "flite/slt" for v in voices.voices()):
        pytest.skip("libflite is absent (apt-get install libflite1)")
    chunks = voices.stream("what time is it now", "flite/slt", EmotionState.neutral())
    pcm = np.concatenate([c.pcm for c in chunks])
    sound = np.concatenate([np.zeros(48_000), pcm, np.zeros(24_000 * 30)])
    path = tmp_path_factory.mktemp("voice") / "question.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(24_000)
        out.writeframes((sound * 32767).astype("<i2").tobytes())
    return path


def test_a_spoken_question_is_understood_and_answered(
    playwright: "Playwright", server: LiveServer, spoken_question: Path
) -> None:
    flags = [*CHROMIUM_FLAGS, f"--use-file-for-fake-audio-capture={spoken_question}%noloop"]
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
    for page in opened(browser, server, permissions=["microphone"]):
        page.locator("[data-do=mic]").click()
        answer = wait_for_reply(page, timeout=40_000)
        asked = page.locator("#chat .user").last.inner_text()
        assert "time" in asked
        assert ":" in answer or "o'clock" in answer.lower(), answer
    browser.close()
