"""The page: live stage on the left, conversation and studio on the right, settings in a drawer."""

from typing import TYPE_CHECKING, Any

from apps.choices import Choice, Choices
from apps.conversation import Message, chat_messages
from apps.faces import gallery_faces
from apps.live_stage import stage_element, ui_routes
from apps.pictures import Pictures
from apps.settings_drawer import Drawer
from apps.studio import studio_panel
from apps.theme import PLAIN, TITLE, UI, page_options

if TYPE_CHECKING:
    import gradio as gr

    from pipeline.assembly import Engines
    from pipeline.config import Settings
    from pipeline.registry import SessionRegistry

__all__ = ["build_page", "page_choices", "page_options", "ui_routes"]

_KEPT = {
    True: "The picture is kept on this machine.",
    False: "The picture is not stored: it is forgotten with the conversation.",
}


def page_choices(settings: "Settings") -> Choices:
    """What the pages of a server have chosen: nothing yet."""
    voice = "" if settings.voice.id == "auto" else settings.voice.id
    return Choices(Choice(settings.persona, settings.avatar.portrait, voice))


def build_page(
    registry: "SessionRegistry", engines: "Engines", settings: "Settings", pictures: Pictures
) -> "gr.Blocks":
    """The Gradio page. Serve it with `page_options()`, `ui_routes()` and the pictures' routes."""
    import gradio as gr

    faces = gallery_faces()
    choices = pictures.choices
    page: gr.Blocks
    with gr.Blocks(title=TITLE, fill_height=True, fill_width=True, analytics_enabled=False) as page:
        gr.HTML(html_template=_markup("topbar"), **PLAIN, elem_id="topbar")
        with gr.Row(elem_id="main"):
            with gr.Column(elem_id="left"):
                stage = stage_element(registry, engines, pictures, faces)
            with gr.Column(elem_id="right"), gr.Tabs(elem_id="tabs"):
                with gr.Tab("Chat", id="chat", elem_id="chat-tab"):
                    _conversation(registry, stage)
                with gr.Tab("Studio", id="studio", elem_id="studio-tab"):
                    studio_panel()
        gr.HTML('<div id="scrim"></div>', **PLAIN, elem_id="scrim-holder")
        gr.HTML(html_template=_dialog(settings), **PLAIN, elem_id="picture-holder")
        Drawer(registry, engines, settings, choices, faces).build(stage)
    return page


def _conversation(registry: "SessionRegistry", stage: "gr.HTML") -> None:
    import gradio as gr

    chat = gr.Chatbot(
        elem_id="chat", show_label=False, label="Conversation", layout="bubble", height="100%",
        buttons=[], feedback_options=None, latex_delimiters=[], group_consecutive_messages=False,
        sanitize_html=True, allow_tags=False, placeholder=_markup("welcome"), container=False,
    )  # fmt: skip
    gr.HTML(html_template=_markup("prompts"), **PLAIN, elem_id="prompts")
    with gr.Row(elem_id="composer"):
        # No events: the script sends over the live connection (ui/conversation.js).
        gr.Textbox(
            placeholder="Say something…", show_label=False, label="Your message", lines=1,
            max_lines=6, container=False,
        )  # fmt: skip
        gr.Button("Send", elem_id="send", variant="primary")

    async def transcript(token: str) -> list[Message]:
        session = registry.session(token)
        return chat_messages(session.transcript if session else [])

    quietly: dict[str, Any] = {
        "queue": False,
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    stage.chat_changed(transcript, stage, chat, trigger_mode="always_last", **quietly)


def _markup(name: str) -> str:
    return (UI / f"{name}.html").read_text("utf-8")


def _dialog(settings: "Settings") -> str:
    return _markup("upload").replace("<!-- kept -->", _KEPT[settings.privacy.store_uploads])
