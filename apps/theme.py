"""How the page looks: Gradio's theme, our style sheet, the head and the icon."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradio.themes import Base

UI = Path(__file__).resolve().parent / "ui"
TITLE = "Limner"
# Keywords of a `gr.HTML` that is only markup: no script, none of Gradio's styles.
PLAIN: dict[str, Any] = {"js_on_load": None, "apply_default_css": False}
_SYSTEM = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
# A link, not Gradio's `css`: that keyword rewrites selectors, and it comes late.
_HEAD = """
<link rel="stylesheet" href="live/ui/style.css">
<link rel="stylesheet" href="live/ui/studio.css">
<link rel="stylesheet" href="live/ui/upload.css">
<meta name="theme-color" content="#f6f5f3" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#141312" media="(prefers-color-scheme: dark)">
<meta name="description" content="Talk face to face with a portrait that listens and answers.">
"""


def page_options() -> dict[str, Any]:
    """Keywords for `gr.mount_gradio_app` (or `launch`): theme, style, head, icon, no footer."""
    return {
        "theme": _theme(),
        "head": _HEAD,
        "favicon_path": str(UI / "icon.svg"),
        "footer_links": [],
        "show_error": False,
    }


def _theme() -> "Base":
    import gradio as gr

    # Colours come from the style sheet's own properties, so that light and dark live in one place.
    theme = gr.themes.Base(
        primary_hue="orange", neutral_hue="stone", radius_size="lg", text_size="md",
        font=_SYSTEM, font_mono=_MONO,
    )  # fmt: skip
    shared = {
        "body_background_fill": "var(--ground)",
        "body_text_color": "var(--ink)",
        "body_text_color_subdued": "var(--quiet)",
        "background_fill_primary": "var(--paper)",
        "background_fill_secondary": "var(--paper-2)",
        "block_background_fill": "transparent",
        "block_label_background_fill": "transparent",
        "block_label_text_color": "var(--quiet)",
        "block_title_text_color": "var(--ink)",
        "block_info_text_color": "var(--quiet)",
        "block_border_color": "var(--line)",
        "border_color_primary": "var(--line)",
        "border_color_accent": "var(--accent)",
        "color_accent_soft": "var(--accent-soft)",
        "input_background_fill": "var(--paper-2)",
        "input_border_color": "var(--line)",
        "input_border_color_focus": "var(--accent)",
        "input_placeholder_color": "var(--quiet)",
        "button_primary_background_fill": "var(--accent)",
        "button_primary_background_fill_hover": "var(--accent-strong)",
        "button_primary_text_color": "var(--on-accent)",
        "button_secondary_background_fill": "var(--paper-2)",
        "button_secondary_background_fill_hover": "var(--line)",
        "button_secondary_text_color": "var(--ink)",
        "checkbox_background_color": "var(--paper-2)",
        "checkbox_background_color_selected": "var(--accent)",
        "checkbox_border_color_selected": "var(--accent)",
        "link_text_color": "var(--accent-ink)",
        "link_text_color_hover": "var(--accent-ink)",
        "slider_color": "var(--accent)",
    }
    plain = {"block_border_width": "0px", "block_shadow": "none", "block_padding": "0px"}
    both = shared | {f"{name}_dark": value for name, value in shared.items()}
    theme.set(**both, **plain, color_accent="var(--accent)")
    return theme
