"""What all tests share: an environment without surprises, and what only some machines have."""

import os
import shutil
from pathlib import Path

import pytest

from tests.live_page import opened
from tests.live_server import CHROMIUM_FLAGS, live_server

PRIVATE = ("LIMNER_", "OPENAI_", "OLLAMA_")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    """A developer's own LIMNER_* and OPENAI_* variables must not decide about tests."""
    for name in [n for n in os.environ if n.startswith(PRIVATE) and n != "LIMNER_SHARED"]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _children_find_the_fakes():
    """Worker processes import what is installed; the tests' engines are not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        yield


@pytest.fixture(scope="session")
def shared():
    """Folder of recordings and pictures outside the checkout, named by LIMNER_SHARED."""
    folder = os.environ.get("LIMNER_SHARED", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("LIMNER_SHARED names no folder of recordings and pictures")
    return Path(folder)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The product, running, for the tests of one module."""
    with live_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def playwright():
    """What drives browsers; skips where it is not installed."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright):
    """A headless Chromium."""
    found = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS)
    yield found
    found.close()


@pytest.fixture
def page(browser, server):
    """The page in a window of its own; its portrait moves."""
    yield from opened(browser, server)


def pytest_collection_modifyitems(items):
    if any(shutil.which(name) for name in CHROMIUM):
        return
    skip = pytest.mark.skip(reason="no Chromium here (apt-get install chromium)")
    for item in items:
        if "browser" in item.keywords:
            item.add_marker(skip)
