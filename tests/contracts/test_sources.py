"""The sources stay short, named for what they do, and free of the machine that they were written on."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("engine", "openlora_tui")
SOURCES = sorted(path for folder in (*PACKAGES, "tests") for path in (ROOT / folder).rglob("*.py"))
PUBLIC = [path for path in SOURCES if path.relative_to(ROOT).parts[0] in PACKAGES]
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}
MACHINE = re.compile(
    r"/(?:work|farm)/\w|" + "index" + r"-url\s*=|https?://[^\s\"'>]*(?:pypi|simple)/?\b[^\s\"'>]*"
)
FOREIGN_TO_THE_MACHINE = re.compile(r"https?://(?:\w+\.)?pypi\.org\b|https://download\.pytorch\.org\b")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"


def test_no_module_and_no_folder_has_a_name_that_says_nothing() -> None:
    assert [_name(path) for path in SOURCES if VAGUE & {path.stem, *path.relative_to(ROOT).parts}] == []


@pytest.mark.parametrize("path", PUBLIC, ids=_name)
def test_every_module_says_in_a_line_what_it_is_for(path: Path) -> None:
    text = path.read_text()
    if path.name == "__init__.py" and not text.strip():
        return
    said = ast.get_docstring(ast.parse(text))
    assert said
    assert said.splitlines()[0].endswith((".", ":"))


def _tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False, timeout=60)
    if done.returncode != 0:
        pytest.skip("this is no git checkout, so nothing is tracked")
    return [ROOT / name for name in done.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def _machine_words(text: str) -> list[str]:
    return [found for found in MACHINE.findall(text) if not FOREIGN_TO_THE_MACHINE.match(found)]


def test_no_tracked_file_names_a_path_or_a_package_mirror_of_this_machine() -> None:
    found = {}
    for path in _tracked():
        data = path.read_bytes()
        if b"\0" in data or path == Path(__file__).resolve():
            continue
        words = _machine_words(data.decode("utf-8", "replace"))
        if words:
            found[_name(path)] = words
    assert found == {}


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("see /work" + "/main/x", False),
        ("cd /farm" + "/a", False),
        ("index" + "-url = http://10.0.0.1/x", False),
        ("https://mirror.example/pypi/simple", False),
        ("https://pypi.org/project/textual", True),
        ("https://github.com/x/y, in the workshop", True),
        ("a/worker/b and farms", True),
    ],
)
def test_this_test_knows_a_machines_words(text: str, clean: bool) -> None:
    assert (_machine_words(text) == []) is clean
