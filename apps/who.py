"""Who is on the stage, as the page's script wants to know it (plain JSON)."""

from typing import TYPE_CHECKING, Any

from agent.persona import Persona, load_persona
from apps.choices import Choice
from apps.faces import Face, face_named
from emotion.labels import COMPOUNDS

if TYPE_CHECKING:
    from agent.models import ModelChoice
    from pipeline.assembly import Engines

BUILT_IN = "embedded"
SUGGESTIONS = ("Who are you?", "How are you today?", "Tell me something that moves you.")


def who_json(choice: Choice, faces: tuple[Face, ...]) -> dict[str, Any]:
    """Name, greeting and small picture of the persona and portrait in `choice`."""
    persona = load_persona(choice.persona)
    face = _face(choice, persona, faces)
    return {
        "persona_title": persona.name,
        "greeting": persona.greeting,
        "suggestions": list(SUGGESTIONS),
        "face": choice.own_face if choice.uploaded else face.picture if face else "",
        "portrait": face.name if face else "",
        "portrait_description": _description(choice, persona, face),
        "mixtures": {name: list(parts) for name, parts in COMPOUNDS.items()},
    }


def brain_json(engines: "Engines") -> dict[str, Any]:
    """The brain in use and how to connect each other one."""
    brain = engines.brain
    others = [
        {
            "title": other.title,
            "how": _how(other),
            "found": other.available,
        }
        for other in engines.brains
        if other.spec not in (brain.spec, BUILT_IN)
    ]
    built_in = brain.spec == BUILT_IN
    detail = (
        "It runs on this machine, needs no key and no network, and says so when asked. "
        "For wider knowledge connect one of these and start Limner again:"
        if built_in
        else "It answers through this model. Others that could:"
    )
    return {"title": brain.title, "built_in": built_in, "detail": detail, "connect": others}


def _how(choice: "ModelChoice") -> str:
    command = f"limner chat --model {choice.spec}"
    return command if choice.available else choice.how_to_connect


def _description(choice: Choice, persona: Persona, face: Face | None) -> str:
    if choice.uploaded:
        return f"Your own picture, as {persona.name}"
    return face.description if face else f"The portrait of {persona.name}"


def _face(choice: Choice, persona: Persona, faces: tuple[Face, ...]) -> Face | None:
    if choice.uploaded:
        return None
    return face_named(faces, choice.portrait or persona.portrait)
