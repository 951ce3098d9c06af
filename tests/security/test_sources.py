"""The sources call nothing that runs code out of data, but where this list says why."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for name in ("engine", "openlora_tui") for path in (ROOT / name).rglob("*.py"))
FORBIDDEN = {
    "pickle.load", "pickle.loads", "pickle.Unpickler", "cPickle.load", "dill.load", "dill.loads",
    "joblib.load",
    "cloudpickle.load", "cloudpickle.loads", "marshal.load", "marshal.loads", "shelve.open", "eval", "exec",
    "compile", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "input_yaml",
    "np.load", "numpy.load", "np.loadtxt", "importlib.reload", "runpy.run_path", "pd.read_pickle",
    "tempfile.mktemp", "os.tempnam",
}  # fmt: skip
ARGUMENTS = {"shell": True, "allow_pickle": True, "trust_remote_code": True, "weights_only": False}
YAML_KINDS = {"rt", "base", "safe"}
REASONS: dict[str, str] = {}
"""`file: call` that may stand all the same, and why."""


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return f"{_name(node.value)}.{node.attr}"
    return ""


def _wrong(call: ast.Call) -> str:
    name = _name(call.func)
    given = {word.arg: word.value for word in call.keywords}
    constants = {arg: value.value for arg, value in given.items() if isinstance(value, ast.Constant)}
    if name in FORBIDDEN:
        return name
    for argument, value in ARGUMENTS.items():
        if argument in constants and constants[argument] is value:
            return f"{name}({argument}={value})"
    if name == "torch.load" and constants.get("weights_only") is not True:
        return "torch.load without weights_only=True"
    if name.endswith("from_pretrained") and name.startswith("Auto") and "trust_remote_code" not in given:
        return f"{name} without trust_remote_code"
    if name == "YAML" and constants.get("typ") not in YAML_KINDS:
        return f"YAML({constants.get('typ')})"
    return ""


def _calls(path: Path) -> list[str]:
    tree = ast.parse(path.read_text())
    return [wrong for node in ast.walk(tree) if isinstance(node, ast.Call) and (wrong := _wrong(node))]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_here_runs_code_out_of_data(path: Path) -> None:
    where = path.relative_to(ROOT)
    assert [call for call in _calls(path) if f"{where}: {call}" not in REASONS] == []


@pytest.mark.parametrize(
    "source",
    [
        "pickle.load(f)", "torch.load(f)", "torch.load(f, weights_only=False)", "eval(x)", "exec(x)",
        "run(x, shell=True)", "np.load(f, allow_pickle=True)", "yaml.load(f)", "YAML(typ='unsafe')",
        "AutoModel.from_pretrained(x)", "AutoModel.from_pretrained(x, trust_remote_code=True)", "YAML()",
    ],
)  # fmt: skip
def test_this_test_knows_such_calls(tmp_path: Path, source: str) -> None:
    path = tmp_path / "source.py"
    path.write_text(source)
    assert _calls(path)


def test_nothing_unpickles_by_import() -> None:
    """The one module that pickles is multiprocessing's, behind the key of the bus."""
    importing = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                if name.split(".")[0] in ("pickle", "dill", "joblib", "cloudpickle", "marshal", "shelve"):
                    importing[str(path.relative_to(ROOT))] = name
    assert importing == {}
