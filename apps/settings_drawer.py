"""The settings drawer: persona, portrait, voice, feeling and privacy of one page."""

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from agent.persona import list_personas, load_persona
from apps.choices import Choices
from apps.faces import Face
from apps.theme import PLAIN, UI
from emotion.errors import LimnerError

if TYPE_CHECKING:
    import gradio as gr

    from pipeline.assembly import Engines
    from pipeline.config import Settings
    from pipeline.registry import SessionRegistry

OWN_VOICE = ""  # the radio's value for "the persona's own voice"
_CONNECTING = "One moment: the page is still connecting. Please try again."
_KEPT = """Your words and your voice stay on this machine unless you connect a brain that runs
elsewhere. A conversation is forgotten soon after its page is closed. {uploads}"""
_UPLOADS = {
    True: "Pictures that you upload are kept.",
    False: "Pictures that you upload are never stored and forgotten with the conversation.",
}
# After a change the script asks Python who is on the stage now.
_REFRESH = "() => { window.limner?.refresh(); }"
_OWN = "() => { window.limner?.choosePicture(); }"
_PREVIEW = "() => { window.limner?.preview(); }"
_FEELING = "The face feels what it says, unless you hold a feeling."
_FEELINGS = """() => {
  document.querySelector("#settings-close")?.click();
  window.limner?.feelings.open();
}"""


@dataclass(frozen=True, slots=True)
class Drawer:
    """The drawer's dependencies; methods build its sections inside a `gr.Blocks` context."""

    registry: "SessionRegistry"
    engines: "Engines"
    settings: "Settings"
    choices: Choices
    faces: tuple[Face, ...]

    def build(self, stage: "gr.HTML") -> None:
        """Lay out the drawer; `stage` carries the page's token."""
        import gradio as gr

        with gr.Column(elem_id="settings"):
            gr.HTML(_heading(), elem_id="settings-head", **PLAIN)
            status = gr.HTML("", elem_id="settings-status", **PLAIN)
            with _section("Who you talk to"):
                self._persona(stage, status)
            with _section("Portrait"):
                self._portrait(stage, status)
            with _section("Voice"):
                self._voice(stage, status)
            with _section("Feeling"):
                self._feeling()
            with _section("Privacy"):
                self._privacy()

    async def change(self, token: str, **wish: Any) -> str:
        """Change the page's session; returns what the status line says ("" when it worked)."""
        session = self.registry.session(token)
        if session is None:
            return _CONNECTING
        try:
            await session.configure(**wish)
        except LimnerError as error:
            return f"{error.message} {error.remedy}"
        return ""

    # --- sections ------------------------------------------------------------------------------

    def _persona(self, stage: "gr.HTML", status: "gr.HTML") -> None:
        import gradio as gr

        personas = [(_persona_label(name), name) for name in list_personas()]
        radio = gr.Radio(
            personas, value=self.choices.standard.persona, show_label=False, elem_classes="rows",
            label="Persona",
        )  # fmt: skip

        async def choose(token: str, name: str) -> str:
            problem = await self.change(token, persona=name)
            if not problem:
                self.choices.change(token, persona=name, portrait="", voice="", uploaded=False)
            return _status(problem)

        radio.input(choose, [stage, radio], status, **_QUIETLY).then(fn=None, js=_REFRESH)
        stage.settings_opened(
            lambda token: self.choices.of(token).persona, stage, radio, **_QUIETLY
        )

    def _portrait(self, stage: "gr.HTML", status: "gr.HTML") -> None:
        import gradio as gr

        grid = gr.HTML(
            html_template=_portrait_grid(self.faces),
            js_on_load=_PICK,
            apply_default_css=False,
            elem_id="portraits",
        )
        own = gr.Button("Use my own picture")
        gr.HTML("<p>Or drop a picture on the portrait, or paste one.</p>", **PLAIN)

        async def pick(token: str, event: gr.EventData) -> str:
            name = str(event.name)
            problem = await self.change(token, portrait=name)
            if not problem:
                self.choices.change(token, portrait=name, uploaded=False)
            return _status(problem)

        grid.pick(pick, stage, status, **_QUIETLY).then(fn=None, js=_REFRESH)
        own.click(fn=None, js=_OWN)

    def _voice(self, stage: "gr.HTML", status: "gr.HTML") -> None:
        import gradio as gr

        radio = gr.Radio(
            self._voices(),
            value=OWN_VOICE,
            show_label=False,
            label="Voice",
            elem_classes="rows long",
        )

        async def choose(token: str, voice: str) -> str:
            problem = await self.change(token, voice=voice or "auto")
            if not problem:
                self.choices.change(token, voice=voice)
            return _status(problem)

        # Voices are known once the engines run, which may be after the page was built.
        stage.settings_opened(
            lambda token: gr.update(choices=self._voices(), value=self.choices.of(token).voice),
            stage, radio, **_QUIETLY,
        )  # fmt: skip
        radio.input(choose, [stage, radio], status, **_QUIETLY).then(fn=None, js=_PREVIEW)

    def _voices(self) -> list[tuple[str, str]]:
        own = ("The persona's own", OWN_VOICE)
        return [own, *((_voice_label(v.title, v.description), v.id) for v in self.engines.voices)]

    def _feeling(self) -> None:
        import gradio as gr

        gr.HTML(f"<p>{_FEELING}</p>", **PLAIN)
        gr.Button("Feelings").click(fn=None, js=_FEELINGS)

    def _privacy(self) -> None:
        import gradio as gr

        uploads = _UPLOADS[self.settings.privacy.store_uploads]
        gr.HTML(f"<p>{_KEPT.format(uploads=uploads)}</p>", **PLAIN)
        with gr.Row(elem_classes="buttons"):
            save = gr.Button("Save the conversation", size="sm")
            forget = gr.Button("Forget me", size="sm", variant="stop")
        save.click(fn=None, js="() => { window.limner?.save(); }")
        forget.click(fn=None, js="() => { window.limner?.forget(); }")


# Changes show their own words; Gradio's spinners and queue would only be in the way.
_QUIETLY: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}

_PICK = """
element.addEventListener("change", ({ target }) => trigger("pick", { name: target.value }));
"""


def _section(title: str) -> "gr.Column":
    import gradio as gr

    section = gr.Column(elem_classes="section")
    with section:
        gr.HTML(f"<h3>{escape(title)}</h3>", **PLAIN)
    return section


def _heading() -> str:
    return (UI / "settings_head.html").read_text("utf-8")


def _status(problem: str) -> str:
    return f'<p role="alert">{escape(problem)}</p>' if problem else ""


def _persona_label(name: str) -> str:
    persona = load_persona(name)
    return f"{persona.name}, {persona.title}"


def _voice_label(title: str, description: str) -> str:
    return f"{title}, {description}" if description else title


def _portrait_grid(faces: tuple[Face, ...]) -> str:
    items = "".join(
        f'<label title="{escape(face.description)}">'
        f'<input type="radio" name="portrait" value="{escape(face.name)}">'
        f'<img src="{face.picture}" alt="{escape(face.description)}">'
        f"<span>{escape(face.title)}</span></label>"
        for face in faces
    )
    return f'<fieldset class="faces"><legend class="sr-only">Portrait</legend>{items}</fieldset>'
