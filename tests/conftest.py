"""What all tests share: an environment without surprises, and what only some machines have."""

import os
import shutil
from pathlib import Path

import pytest

PRIVATE = ("LIMNER_", "OPENAI_", "OLLAMA_")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    """A developer's own LIMNER_* and OPENAI_* variables must not decide about tests."""
    for name in [n for n in os.environ if n.startswith(PRIVATE) and n != "LIMNER_SHARED"]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def shared():
    """Folder of recordings and pictures outside the checkout, named by LIMNER_SHARED."""
    folder = os.environ.get("LIMNER_SHARED", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("LIMNER_SHARED names no folder of recordings and pictures")
    return Path(folder)


def pytest_collection_modifyitems(items):
    if any(shutil.which(name) for name in CHROMIUM):
        return
    skip = pytest.mark.skip(reason="no Chromium here (apt-get install chromium)")
    for item in items:
        if "browser" in item.keywords:
            item.add_marker(skip)
