"""The page: inert text, feelings, what the script may ask, the drawer, the build itself."""

import base64
import io
import re
import wave
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from agent.models import ModelChoice
from apps.choices import PAGES, Choice, Choices
from apps.conversation import chat_messages, describe, literal, reply_markdown
from apps.faces import THUMBNAIL, gallery_faces
from apps.live_stage import _server_functions, ui_routes
from apps.page import build_page, page_options
from apps.pictures import Pictures
from apps.settings_drawer import Drawer, _status
from apps.theme import UI
from apps.transcript_text import transcript_text
from apps.voice_sample import voice_sample
from apps.who import brain_json, who_json
from emotion.errors import PortraitError
from emotion.types import EmotionState
from pipeline.config import Settings
from pipeline.transcript import ChatEntry
from speech.types import Voice

HAPPY = EmotionState.from_strengths({"happy": 0.6, "surprised": 0.3})
BUILT_IN = ModelChoice("embedded", "Built-in brain", True, "Always there.")
OLLAMA = ModelChoice("ollama:llama3.2", "llama3.2 (Ollama)", True, "Start Ollama.")
OPENAI = ModelChoice("openai:gpt-4o-mini", "OpenAI", False, "Set OPENAI_API_KEY.")


class FakeSession:
    """Records what it is asked; refuses the portrait "broken"."""

    def __init__(self) -> None:
        self.transcript: list[ChatEntry] = []
        self.wishes: list[dict[str, Any]] = []

    async def configure(self, **wish: Any) -> None:
        if wish.get("portrait") == "broken":
            raise PortraitError("There is no <b>face</b>.", "Use another picture.")
        self.wishes.append(wish)


class FakeRegistry:
    def __init__(self) -> None:
        self.minted: list[dict[str, Any]] = []
        self.live: dict[str, FakeSession] = {}

    def mint(self, **choices: Any) -> str:
        self.minted.append(choices)
        return f"token-{len(self.minted)}"

    def session(self, token: str) -> FakeSession | None:
        return self.live.get(token)

    async def forget(self, token: str) -> None:
        self.live.pop(token, None)


def engines(brain: ModelChoice = BUILT_IN) -> Any:
    voices = [Voice("flite/slt", "Slt", "en-US", "female", "clear")]
    return SimpleNamespace(brain=brain, brains=[OLLAMA, BUILT_IN, OPENAI], voices=voices)


def drawer(registry: FakeRegistry) -> Drawer:
    return Drawer(cast(Any, registry), engines(), Settings(), Choices(Choice("mara")), ())


def pictures(registry: FakeRegistry, choices: Choices | None = None) -> Pictures:
    return Pictures(cast(Any, registry), engines(), choices or Choices(Choice("mara")))


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


# --- the conversation --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "**bold** [x](javascript:1) `c`"],
)
def test_a_users_text_is_shown_exactly_as_typed(text: str) -> None:
    (message,) = chat_messages([ChatEntry(1, "user", text)])
    shown = str(message["content"])
    assert not re.search(r"[<>*`\[\]()]", shown)
    assert _unescaped(shown) == text


def _unescaped(text: str) -> str:
    return re.sub(r"&#(\d+);", lambda found: chr(int(found.group(1))), text)


def test_a_replys_markup_is_inert_and_loads_nothing() -> None:
    text = '<script>x</script> **yes** ![p](http://elsewhere/p.png) <b onclick="x">'
    shown = reply_markdown(text)
    assert Tags(shown).found == []
    assert "![" not in shown
    assert "**yes**" in shown


def test_a_reply_carries_its_feeling_with_the_whole_mixture() -> None:
    entry = ChatEntry(3, "assistant", "Oh!", "done", HAPPY, 'quite "glad"')
    (message,) = chat_messages([entry])
    tags = Tags(str(message["content"])).found
    chip = next(attrs for tag, attrs in tags if "feeling" in str(attrs.get("class")))
    assert chip["class"] == "feeling feeling-happy"
    assert chip["title"] == 'quite "glad": happy 67 %, surprised 33 %; strength 60 %'


def test_neutral_is_called_neutral() -> None:
    assert describe(EmotionState.neutral()) == "neutral"


def test_a_reply_offers_its_actions_once_it_is_over() -> None:
    def links(status: Any, text: str = "Yes.") -> list[str | None]:
        (message,) = chat_messages([ChatEntry(7, "assistant", text, status)])
        return [
            attrs.get("href") for tag, attrs in Tags(str(message["content"])).found if tag == "a"
        ]

    assert links("streaming") == []
    assert links("done") == ["#reply-again-7", "#reply-copy-7", "#reply-clip-7"]
    assert links("interrupted") == links("done")
    assert links("failed") == ["#reply-copy-7"]


def test_what_became_of_a_reply_is_marked() -> None:
    shown = [
        str(chat_messages([ChatEntry(1, "assistant", "x", status)])[0]["content"])
        for status in ("interrupted", "failed", "done")
    ]
    assert ">interrupted<" in shown[0]
    assert ">not answered<" in shown[1]
    assert "reply-mark" not in shown[2]


def test_a_reply_that_has_not_begun_shows_that_it_comes() -> None:
    (message,) = chat_messages([ChatEntry(1, "assistant", "", "streaming")])
    assert "typing" in str(message["content"])


def test_tools_are_folded_before_the_reply() -> None:
    entry = ChatEntry(1, "assistant", "Two.", "done", tools=("local_time(): <14:05>",))
    tool, reply = chat_messages([entry])
    assert tool["metadata"] == {"title": "Used local time", "status": "done"}
    assert "<" not in str(tool["content"])
    assert "metadata" not in reply


def test_sources_are_links_only_where_they_lead_to_the_web() -> None:
    entry = ChatEntry(1, "assistant", "x", "done", sources=(
        "https://example.org/a?b=1&c=\"", "javascript://alert", "Mara: <rain>",
    ))  # fmt: skip
    tags = Tags(str(chat_messages([entry])[0]["content"])).found
    hrefs = [str(a["href"]) for tag, a in tags if tag == "a" and "#reply" not in str(a["href"])]
    assert hrefs == ['https://example.org/a?b=1&c="']
    assert not any(tag == "rain" for tag, _ in tags)


def test_a_huge_text_is_still_one_message() -> None:
    assert len(_unescaped(literal("<" * 100_000))) == 100_000


def test_the_saved_text_tells_who_said_what_and_how_it_ended() -> None:
    text = transcript_text(
        [ChatEntry(1, "user", "Hi"), ChatEntry(1, "assistant", "Ho", "interrupted", HAPPY)]
    )
    assert text == "You: Hi\n\nLimner (happy, interrupted): Ho\n"
    assert transcript_text([]) == "\n"


# --- choices -----------------------------------------------------------------------------------


def test_choices_of_pages_do_not_mix_and_are_bounded() -> None:
    choices = Choices(Choice("mara"))
    choices.change("a", portrait="kofi")
    assert choices.of("a") == Choice("mara", "kofi")
    assert choices.of("b") == Choice("mara")
    for number in range(PAGES):
        choices.keep(f"page {number}", Choice("mara"))
    assert choices.of("a") == Choice("mara")
    assert choices.of(f"page {PAGES - 1}") == Choice("mara")


def test_only_what_was_chosen_is_wished_of_a_session() -> None:
    assert Choice("mara", voice="flite/rms").wishes() == {"persona": "mara", "voice": "flite/rms"}


# --- what the script asks ----------------------------------------------------------------------


def asking(registry: FakeRegistry, choices: Choices) -> dict[str, Any]:
    functions = _server_functions(cast(Any, registry), engines(), pictures(registry, choices), ())
    return {function.__name__: function for function in functions}


async def test_a_page_gets_a_token_and_keeps_it_while_its_session_lives() -> None:
    registry, choices = FakeRegistry(), Choices(Choice("mara"))
    ask = asking(registry, choices)
    first = await ask["open_page"]({"token": None})
    assert first["token"] == "token-1"
    assert first["greeting"]
    registry.live["token-1"] = FakeSession()
    assert (await ask["open_page"]({"token": "token-1"}))["token"] == "token-1"


async def test_a_page_whose_session_is_gone_gets_a_new_one_with_its_choices() -> None:
    registry, choices = FakeRegistry(), Choices(Choice("mara"))
    choices.change("old", portrait="kofi")
    fresh = await asking(registry, choices)["open_page"]({"token": "old"})
    assert registry.minted == [{"persona": "mara", "portrait": "kofi"}]
    assert choices.of(fresh["token"]).portrait == "kofi"


async def test_an_uploaded_picture_does_not_outlive_its_session() -> None:
    choices = Choices(Choice("mara"))
    choices.change("old", uploaded=True, own_face="data:mine")
    fresh = await asking(FakeRegistry(), choices)["open_page"]({"token": "old"})
    assert fresh["face"] != "data:mine"
    assert choices.of(fresh["token"]) == Choice("mara")


async def test_forgetting_ends_the_session_and_the_choices() -> None:
    registry, choices = FakeRegistry(), Choices(Choice("mara"))
    registry.live["t"] = FakeSession()
    choices.change("t", portrait="kofi")
    await asking(registry, choices)["forget"]({"token": "t"})
    assert registry.session("t") is None
    assert choices.of("t") == choices.standard


async def test_asking_for_a_page_that_is_not_connected_is_no_error() -> None:
    ask = asking(FakeRegistry(), Choices(Choice("mara")))
    assert await ask["preview_voice"]({"token": "x"}) == {"sound": ""}
    assert await ask["transcript"]({}) == {"text": "\n"}


async def test_a_voice_sample_is_a_wav_of_what_the_voice_says() -> None:
    async def stream(text: str, voice: str, emotion: EmotionState) -> Any:
        for _ in range(2):
            yield SimpleNamespace(pcm=np.full(240, 0.5, np.float32))

    parts = SimpleNamespace(voice=SimpleNamespace(stream=stream), voice_id="v", resting=HAPPY)
    session = SimpleNamespace(parts=parts, playout=SimpleNamespace(held=None))
    uri = await voice_sample(cast(Any, session))
    head, data = uri.split(",")
    assert head == "data:audio/wav;base64"
    with wave.open(io.BytesIO(base64.b64decode(data))) as sound:
        assert (sound.getframerate(), sound.getnframes()) == (24_000, 480)


def test_the_brain_panel_says_what_was_found_and_how_to_connect() -> None:
    brain = brain_json(engines())
    assert (brain["title"], brain["built_in"]) == ("Built-in brain", True)
    assert brain["connect"] == [
        {"title": OLLAMA.title, "how": "limner chat --model ollama:llama3.2", "found": True},
        {"title": OPENAI.title, "how": "Set OPENAI_API_KEY.", "found": False},
    ]


def test_a_connected_brain_is_named_without_the_built_in_hint() -> None:
    brain = brain_json(engines(OLLAMA))
    assert (brain["title"], brain["built_in"]) == (OLLAMA.title, False)
    assert [other["title"] for other in brain["connect"]] == [OPENAI.title]


def test_an_uploaded_face_is_not_shown_as_one_of_the_gallery() -> None:
    faces = gallery_faces()
    assert who_json(Choice("mara"), faces)["portrait"] == "mara"
    own = who_json(Choice("mara", uploaded=True, own_face="data:mine"), faces)
    assert (own["portrait"], own["face"]) == ("", "data:mine")
    assert "own picture" in own["portrait_description"]


# --- the drawer --------------------------------------------------------------------------------


async def test_a_change_reaches_the_session() -> None:
    registry = FakeRegistry()
    registry.live["t"] = FakeSession()
    assert await drawer(registry).change("t", portrait="kofi") == ""
    assert registry.live["t"].wishes == [{"portrait": "kofi"}]


async def test_a_change_that_fails_is_told_in_words() -> None:
    registry = FakeRegistry()
    registry.live["t"] = FakeSession()
    problem = await drawer(registry).change("t", portrait="broken")
    assert "Use another picture." in problem
    assert "<b>" not in _status(problem)


async def test_a_change_before_the_page_is_connected_says_so() -> None:
    assert "connecting" in await drawer(FakeRegistry()).change("t", portrait="kofi")


# --- the page itself ---------------------------------------------------------------------------


def test_faces_are_small_described_squares() -> None:
    import cv2

    faces = gallery_faces()
    assert len(faces) >= 4
    for face in faces:
        assert face.description
        data = np.frombuffer(base64.b64decode(face.picture.split(",")[1]), np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape == (THUMBNAIL, THUMBNAIL, 3)


async def test_the_page_builds_and_asks_no_other_host() -> None:
    registry = FakeRegistry()
    page = build_page(cast(Any, registry), engines(), Settings(), pictures(registry))
    assert page.title == "Limner"
    options = page_options()
    fonts = options["theme"]._font_css + options["theme"]._stylesheets
    assert not any("http" in str(font) for font in fonts)
    for file in UI.iterdir():
        hosts = re.findall(r"(?:https?:)?//([\w.-]+\.\w+)", file.read_text("utf-8"))
        assert set(hosts) <= {"www.w3.org"}, file.name


def test_every_markup_file_survives_gradios_template_engine() -> None:
    for file in UI.glob("*.html"):
        text = file.read_text("utf-8")
        assert not re.search(r"\$\{|`|\{\{", text), file.name


def test_scripts_are_served_as_modules_that_browsers_recheck() -> None:
    client = TestClient(Starlette(routes=ui_routes()))
    answer = client.get("/live/ui/player.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"
    assert client.get("/live/ui/../page.py").status_code == 404


def test_the_player_stays_readable() -> None:
    for file in UI.glob("*.js"):
        assert len(file.read_text("utf-8").splitlines()) < 400, file.name
