"""The live stage: one element of the page, its script files, and what they may ask of Python."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from apps.faces import Face
from apps.pictures import Answer, Asked, Pictures
from apps.theme import UI
from apps.transcript_text import transcript_text
from apps.voice_sample import voice_sample
from apps.who import brain_json, who_json

if TYPE_CHECKING:
    import gradio as gr

    from pipeline.assembly import Engines
    from pipeline.registry import SessionRegistry


# Runs in the browser when Gradio has mounted the element. Gradio takes quoted names in it for
# events that Python may listen to.
_ON_LOAD = """
// Events: "chat_changed", "settings_opened".
const root = new URL(window.gradio_config?.root ?? "./", location.href).pathname;
const script = new URL(root.replace(/\\/*$/, "/") + "live/ui/page.js", location.origin);
import(script).then(({ mountPage }) => mountPage({ element, trigger, props, server }));
"""


class _Scripts(StaticFiles):
    """Static files that browsers check for a newer version each time (they are small)."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if path.endswith(".js"):  # modules are refused under any other type
            response.headers["Content-Type"] = "text/javascript; charset=utf-8"
        return response


def ui_routes() -> list[BaseRoute]:
    """The route of the page's script files, `live/ui/`; it goes before Gradio's own."""
    return [Mount("/live/ui", _Scripts(directory=UI), name="ui")]


def stage_element(
    registry: "SessionRegistry", engines: "Engines", pictures: Pictures, faces: tuple[Face, ...]
) -> "gr.HTML":
    """The stage; its value is the page's token, which every handler takes as input."""
    import gradio as gr

    functions = _server_functions(registry, engines, pictures, faces)
    return gr.HTML(
        value="",
        html_template=(UI / "stage.html").read_text("utf-8"),
        js_on_load=_ON_LOAD,
        server_functions=functions,
        elem_id="stage",
        apply_default_css=False,
    )


def _server_functions(
    registry: "SessionRegistry", engines: "Engines", pictures: Pictures, faces: tuple[Face, ...]
) -> list[Callable[[Asked], Awaitable[Answer]]]:
    """Functions the page's script calls as `server.NAME({token})`."""
    choices = pictures.choices

    def token_of(asked: Asked) -> str:
        return str((asked or {}).get("token") or "")

    async def look(asked: Asked) -> Answer:
        """Who is on the stage of this page now."""
        return who_json(choices.of(token_of(asked)), faces) | {"brain": brain_json(engines)}

    async def open_page(asked: Asked) -> Answer:
        """The token of a page that loads or reconnects: its own while the server knows it."""
        token = token_of(asked)
        if registry.session(token) is None:
            choice = choices.of(token).without_picture()
            token = registry.mint(**choice.wishes())
            choices.keep(token, choice)
        return {"token": token, **await look({"token": token})}

    async def preview_voice(asked: Asked) -> Answer:
        """A short sample of the voice of this page's session, as a data URI."""
        session = registry.session(token_of(asked))
        return {"sound": await voice_sample(session) if session else ""}

    async def transcript(asked: Asked) -> Answer:
        """The conversation as a text to save."""
        session = registry.session(token_of(asked))
        return {"text": transcript_text(session.transcript if session else [])}

    async def forget(asked: Asked) -> Answer:
        """End the session and everything known of it."""
        await pictures.drop(token_of(asked))
        await registry.forget(token_of(asked))
        choices.forget(token_of(asked))
        return {}

    return [open_page, look, preview_voice, transcript, forget, *pictures.functions()]
