"""The page in a real headless Chromium, as the browser tests open and watch it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.live_server import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# Mean absolute difference of the mouth's region between frames, over a number of pictures shown.
MOTION = """
async ([box, count]) => {
  const canvas = document.querySelector("#stage canvas");
  const grab = () => {
    const [x, y, w, h] = box.map((v) => Math.round(v * canvas.width));
    return canvas.getContext("2d").getImageData(x, y, w, h).data;
  };
  let last = grab(), total = 0, pictures = limner.stats.shown, seen = 0;
  while (seen < count) {
    await new Promise((next) => requestAnimationFrame(next));
    if (limner.stats.shown === pictures) continue;
    pictures = limner.stats.shown; seen++;
    const now = grab();
    let sum = 0;
    for (let i = 0; i < now.length; i++) sum += Math.abs(now[i] - last[i]);
    total += sum / now.length; last = now;
  }
  return total / count;
}
"""
FACE, MOUTH = [0.3, 0.2, 0.4, 0.45], [0.38, 0.48, 0.24, 0.12]
REPLY = "#chat .bot"


def opened(
    browser: "Browser", server: LiveServer, script: str = "", **options: Any
) -> "Iterator[Page]":
    """A page whose portrait moves; fails on script errors and on requests to other hosts."""
    context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | options))
    page = context.new_page()
    errors: list[str] = []
    foreign: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda r: None if local(r.url) else foreign.append(r.url))
    if script:
        page.add_init_script(script)
    page.goto(server.address)
    page.wait_for_function("window.limner && limner.stats.shown > 3", timeout=60_000)
    yield page
    context.close()
    assert errors == [] and foreign == []


def local(url: str) -> bool:
    """Whether a request stays on this machine."""
    return url.startswith(("http://127.0.0.1", "data:", "blob:"))


def type_message(page: "Page", text: str) -> None:
    """Send a typed message as a user does."""
    box = page.locator("#composer textarea")
    box.fill(text)
    box.press("Enter")


def wait_for_reply(page: "Page", count: int = 1, timeout: int = 30_000) -> str:
    """The text of the newest reply once it carries its feeling."""
    page.wait_for_function(
        "([q, n]) => document.querySelectorAll(q + ' .feeling').length >= n",
        arg=[REPLY, count], timeout=timeout,
    )  # fmt: skip
    return page.locator(REPLY).last.inner_text()
