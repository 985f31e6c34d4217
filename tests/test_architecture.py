"""The house rules that a machine can check: sizes, imports, packaging, what import time costs."""

import ast
import json
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("agent", "apps", "avatar", "emotion", "pipeline", "speech")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
HEAVY = ("torch", "gradio", "cv2", "langchain", "langchain_core", "transformers", "onnxruntime")

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
MAX_PARAMETERS = 6
# Light modules promise to be cheap: contracts, configuration and the command line.
LIGHT = (
    "apps.cli", "pipeline.config", "pipeline.config_sources", "pipeline.plugins",
    "pipeline.packets", "emotion.types", "emotion.errors", "speech.types", "agent.types",
    "avatar.types",
)  # fmt: skip


def name_of(path):
    return str(path.relative_to(ROOT))


@pytest.fixture(scope="module")
def trees():
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}


def functions(tree):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def imported(tree):
    """(module, is at the top of the file) of every absolute import."""
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, id(node) in top


def test_files_are_short():
    scripts = [*(ROOT / "apps/ui").glob("*.js"), *(ROOT / "apps/ui").glob("*.css")]
    files = [*SOURCES, *scripts, *(ROOT / "tests").glob("*.py")]
    lines = {name_of(path): path.read_text(encoding="utf-8").count("\n") for path in files}
    assert {name: count for name, count in lines.items() if count > MAX_FILE_LINES} == {}
    assert lines["pipeline/session.py"] < 150, "the main path stays readable from top to bottom"


def test_functions_are_short_and_take_few_parameters(trees):
    long, wide = [], []
    for path, tree in trees.items():
        for node in functions(tree):
            where = f"{name_of(path)}:{node.lineno} {node.name}"
            if node.end_lineno - node.lineno >= MAX_FUNCTION_LINES:
                long.append(where)
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            counted = [a for a in given if a.arg not in ("self", "cls", "context")]
            # Commands of the CLI have one parameter an option.
            if len(counted) > MAX_PARAMETERS and path.name != "cli.py":
                wide.append(where)
    assert (long, wide) == ([], [])


def test_only_apps_imports_gradio(trees):
    guilty = [
        name_of(path)
        for path, tree in trees.items()
        if path.relative_to(ROOT).parts[0] != "apps"
        and any(module.split(".")[0] in ("gradio", "gradio_client") for module, _ in imported(tree))
    ]
    assert guilty == []


def edits_sys_path(node):
    """Assignments to sys.path or into it, and calls of its methods; reading it is fine."""
    if isinstance(node, ast.Assign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(ast.unparse(target).startswith("sys.path") for target in targets)
    return isinstance(node, ast.Call) and ast.unparse(node.func).startswith("sys.path.")


def test_no_import_tricks_and_no_swallowed_errors(trees):
    found = []
    for path, tree in trees.items():
        for node in ast.walk(tree):
            star = isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
            bare = isinstance(node, ast.ExceptHandler) and (
                node.type is None or (len(node.body) == 1 and isinstance(node.body[0], ast.Pass)
                    and isinstance(node.type, ast.Name) and node.type.id.endswith("Exception"))
            )  # fmt: skip
            if star or bare or edits_sys_path(node):
                found.append(f"{name_of(path)}:{node.lineno}")
    assert found == []


def test_no_source_names_the_folder_outside_the_checkout(trees):
    trace = "/".join(("", "shared", ""))
    assert [name_of(p) for p in trees if trace in p.read_text(encoding="utf-8")] == []


def test_every_third_party_import_is_declared(trees):
    requirements = list(PROJECT["project"]["dependencies"])
    for extra in PROJECT["project"]["optional-dependencies"].values():
        requirements += extra
    declared = {_distribution(text) for text in requirements}
    known = packages_distributions()
    undeclared = {}
    for path, tree in trees.items():
        for module, _ in imported(tree):
            root = module.split(".")[0]
            if root in PACKAGES or root in sys.stdlib_module_names:
                continue
            owners = {_distribution(name) for name in known.get(root, [OPTIONAL.get(root, root)])}
            if not owners & declared and root not in PROVIDED_BY_GRADIO:
                undeclared.setdefault(root, name_of(path))
    assert undeclared == {}


# gradio is built on these and cannot come without them.
PROVIDED_BY_GRADIO = ("starlette", "fastapi", "uvicorn", "anyio")
# Optional distributions whose import name is another, for where they are not installed.
OPTIONAL = {"whisper": "openai-whisper"}


def _distribution(requirement):
    name = requirement
    for mark in "[<>=!~; ":
        name = name.split(mark)[0]
    return name.lower().replace("_", "-").replace(".", "-")


def test_the_constraints_pin_every_dependency():
    lines = (ROOT / "constraints.txt").read_text().split()
    pinned = {_distribution(line) for line in lines if "==" in line}
    extras = PROJECT["project"]["optional-dependencies"]
    needed = {_distribution(t) for t in [*PROJECT["project"]["dependencies"], *extras["dev"]]}
    assert needed <= pinned
    assert [line for line in lines if "/" in line or "+" in line] == []


def test_packages_are_listed_with_their_subpackages():
    include = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    assert sorted(include) == sorted([*PACKAGES, *(f"{name}.*" for name in PACKAGES)])
    folders = {p.parent for p in SOURCES}
    assert [name_of(f) for f in folders if not (f / "__init__.py").is_file()] == []
    assert all((ROOT / package / "py.typed").is_file() for package in PACKAGES)
    # A tests package would shadow or be shadowed: tests stay flat, and are no package.
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_no_other_distribution_ships_our_package_names():
    owners = packages_distributions()
    for package in PACKAGES:
        assert set(owners.get(package, [])) <= {"limner"}, package


@pytest.mark.parametrize("module", LIGHT)
def test_light_modules_import_nothing_heavy(module):
    code = f"import sys, json, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    assert loaded & {*HEAVY, "sentence_transformers", "av", "scipy", "pandas"} == set()


def test_gate_scripts_call_make():
    run = (ROOT / ".ci/run").read_text().splitlines()
    assert run[0] == "#!/usr/bin/env bash" and run[-1] == "make test"
    assert "entry: make check" in (ROOT / ".pre-commit-config.yaml").read_text()
