"""A recipe survives being written, read and changed; a mistake names its place."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mapping.mapping import Mapping, Turn
from engine.problem import Problem
from engine.recipe import FIELDS, Field, Recipe, RecipeFile, changed, override, read, template
from engine.recipe.check import Mistake, parsed
from engine.recipe.together import clashes
from engine.recipe.yaml import parse

COMMENTED = """\
# my best recipe
model: models/tiny   # the small one

data:
  - a.jsonl  # first
  - b.jsonl

# --- the adapter ---
lora_r: 8            # rank
# lora_alpha: 16

target_modules: [q_proj, v_proj]  # two are enough
learning_rate: 2e-4
# the end
"""


def _texts() -> st.SearchStrategy[str]:
    characters = st.characters(exclude_categories=["Cc", "Cs"])
    odd = st.sampled_from(["a: b", "# no", "it's", '"q"', "- x", "[a", "null", "yes", "1e5", "2024-01-01",
                           "*a", "&a", "!t", "{}", "مرحبا", "a\u2028b", "\ufeffx", "x ", " x", "%a", "@",
                           "a\tb", "0x1f", "=", "<<", "a #b", "\\n", "🤗 tune", "~", "..."])  # fmt: skip
    return odd | st.text(characters, min_size=1, max_size=30)


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _values(field: Field) -> st.SearchStrategy[object]:
    """Valid values of a field, found from the table alone."""
    default, listed = field.default, st.lists(_texts(), min_size=1, max_size=3)
    if field.choices:
        return st.sampled_from(field.choices)
    if isinstance(default, bool):
        return st.booleans()
    if isinstance(default, float):
        return st.floats(field.low, field.high, allow_nan=False)
    if isinstance(default, int):
        return st.integers(int(field.low or 0), int(field.high or 1))
    if field.name == "layers_to_transform":
        return st.lists(st.integers(0, 99), min_size=1, max_size=3, unique=True).map(sorted)
    if isinstance(default, dict):
        whole = st.integers(1, 4096)
        numbers = whole if field.name == "rank_pattern" else whole.map(float)
        return st.dictionaries(_texts(), numbers, min_size=1, max_size=3)
    if isinstance(default, list):
        return listed
    if field.name == "mapping":
        turns = st.builds(Turn, role=st.just("assistant"), content=_texts().map(_escaped))
        return st.builds(
            Mapping,
            messages=st.lists(turns, min_size=1, max_size=2),
            system=_texts().map(_escaped),
            labels=st.dictionaries(_texts(), _texts(), max_size=2),
            strip=st.lists(st.sampled_from(["html", "signatures"]), max_size=2),
        )
    if field.name == "devices":
        cards = st.lists(st.integers(0, 9) | st.just("GPU-8f3a"), min_size=1, max_size=3, unique=True)
        return st.sampled_from(["auto", "cpu", "cpu:2", "cuda:1", "0,1"]) | st.integers(1, 64) | cards
    if field.name in ("data", "eval_data", "target_modules"):
        return _texts() | listed
    return _texts()


def _default(name: str) -> object:
    return next(field.default for field in FIELDS if field.name == name)


CHOSEN = st.fixed_dictionaries(
    {field.name: _values(field) for field in FIELDS if field.required},
    optional={field.name: _values(field) for field in FIELDS if not field.required},
).filter(lambda values: not list(clashes(lambda name: values.get(name, _default(name)))))


@given(CHOSEN, st.booleans())
def test_a_template_is_read_back_as_the_values_it_was_made_of(
    values: dict[str, object], expert: bool
) -> None:
    recipe = parse(template(values, expert=expert)).recipe
    assert {name: getattr(recipe, name) for name in values} == values
    rest = [field for field in FIELDS if field.name not in values]
    assert all(getattr(recipe, field.name) == field.default for field in rest)


@given(CHOSEN)
def test_a_changed_recipe_keeps_every_comment_and_the_order(values: dict[str, object]) -> None:
    after = changed(parse(COMMENTED), values)
    assert {name: getattr(after.recipe, name) for name in values} == values
    gone_with_their_item = {"# first"} if "data" in values else set()
    comments = ["# my best recipe", "# the small one", "# first", "# --- the adapter ---", "# rank",
                "# lora_alpha: 16", "# two are enough", "# the end"]  # fmt: skip
    places = [after.text.index(comment) for comment in comments if comment not in gone_with_their_item]
    assert places == sorted(places)
    names = [line.partition(":")[0] for line in after.text.splitlines() if line[:1].isalpha()]
    assert names[:5] == ["model", "data", "lora_r", "target_modules", "learning_rate"]


def test_changing_nothing_but_a_number_leaves_every_other_byte() -> None:
    assert changed(parse(COMMENTED), {"lora_r": 64}).text == COMMENTED.replace("lora_r: 8 ", "lora_r: 64 ")


@pytest.mark.parametrize(
    "layout",
    [
        "{model: m, data: d, lora_r: 8}\n",
        "model: &m m\nadapter: *m\ndata: d\n",
        "model: m\ndata:\n- a\n- b\n# kept\nlora_r: 8",
        "model: >-\n  m\n\n# kept\ndata: |\n  d\n",
        "---\nmodel: m\nrun_name:   # kept\ndata: d\nadapter:\n",
        "model: m\r\ndata:\r\n  - d\r\n# kept\r\n",
        "<<: {model: m}\ndata: d\n",
        '"model": "m" # kept\n\'data\' : d\n',
    ],
)
def test_any_layout_of_yaml_can_be_changed(layout: str) -> None:
    after = changed(parse(layout), {"data": ["x: y", "z"], "model": "n", "run_name": "#1", "seed": 7})
    recipe = after.recipe
    assert (recipe.data, recipe.model, recipe.run_name, recipe.seed) == (["x: y", "z"], "n", "#1", 7)
    assert after.text.count("# kept") == layout.count("# kept")


@pytest.mark.parametrize("text", ["2e-4", "2E-4", "0.0002", "2.0e-04", "0.2e-3"])
def test_a_rate_is_a_number_however_it_is_written(text: str) -> None:
    assert parse(f"model: m\ndata: d\nlearning_rate: {text}\n").recipe.learning_rate == 2e-4
    assert override(parse("model: m\ndata: d\n"), {"learning_rate": text}).recipe.learning_rate == 2e-4


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("lora_r", "1_000", 1000),
        ("max_steps", "1,000", 1000),
        ("lora_r", "16.0", 16),
        ("gradient_checkpointing", "yes", True),
        ("gradient_checkpointing", "False", False),
        ("run_name", "none", None),
        ("devices", "2", 2),
        ("devices", "[0, 3]", [0, 3]),
        ("devices", "[GPU-8f3a, 1]", ["GPU-8f3a", 1]),
        ("devices", "cuda:1", "cuda:1"),
        ("data", "a, b.txt", "a, b.txt"),
        ("data", "[a.txt, 'b, c.txt']", ["a.txt", "b, c.txt"]),
        ("sample_prompts", "Hello, world", ["Hello, world"]),
        ("sample_prompts", '["Hello, world", 2]', ["Hello, world", "2"]),
        ("model", "Qwen/Qwen2.5-1.5B", "Qwen/Qwen2.5-1.5B"),
    ],
)
def test_what_a_person_types_becomes_the_fields_value(field: str, text: str, value: object) -> None:
    after = override(parse(COMMENTED), {field: text}).recipe
    assert getattr(after, field) == value
    assert type(getattr(after, field)) is type(value)


def test_a_decimal_comma_is_refused_rather_than_read_as_thousands() -> None:
    with pytest.raises(Problem, match="lora_alpha"):
        override(parse(COMMENTED), {"lora_alpha": "1,5"})


@pytest.mark.parametrize(
    ("line", "field", "words"),
    [
        ("learning_rte: 1e-4", "learning_rte", "Did you mean `learning_rate`?"),
        ("lora_r: 0", "lora_r", "1 to 4,096"),
        ("lora_r: 8.5", "lora_r", "8.5 is not a whole number"),
        ("lora_r: true", "lora_r", "true is not a whole number"),
        ("devices: 0", "devices", "Write [0] for the card 0"),
        ("devices: -1", "devices", "-1 is no number of devices"),
        ("devices: banana", "devices", "'banana' names no device"),
        ("devices: [0, 0]", "devices", "a card is named twice"),
        ("devices: [0.5]", "devices", "is not auto, cpu, a number of devices or a list of cards"),
        ("devices: true", "devices", "true is not auto"),
        ("lora_r: eight", "lora_r", "'eight' is not a whole number"),
        ("lora_r: " + "9" * 400, "lora_r", "out of bounds"),
        ("lora_r:", "lora_r", "nothing is not a whole number"),
        ("learning_rate: .nan", "learning_rate", "not a finite number"),
        ("learning_rate: .inf", "learning_rate", "not a finite number"),
        ("learning_rate: false", "learning_rate", "false is not a number"),
        ("learning_rate: " + "9" * 400, "learning_rate", "is not a number"),
        ("gradient_checkpointing: 1", "gradient_checkpointing", "true or false"),
        ("lr_scheduler_type: cosin", "lr_scheduler_type", "Did you mean cosine?"),
        ("mixed_precision: int3", "mixed_precision", "auto, no, bf16, fp16"),
        ("run_name: 5", "run_name", "5 is not text"),
        ("run_name: {a: b}", "run_name", "not text"),
        ("eval_data: [a, [b]]", "eval_data", "list of texts"),
        ("target_modules: []", "target_modules", "empty"),
        ('run_name: "a\\0b"', "run_name", "control character"),
        ('run_name: "\\ud800"', "run_name", "half"),
        ("seed: -1", "seed", "0 to 4,294,967,295"),
    ],
)
def test_a_mistake_names_file_line_field_reason_and_what_would_be_right(
    tmp_path: Path, line: str, field: str, words: str
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(f"# a comment\nmodel: m\n\ndata: d\n{line}\n")
    with pytest.raises(Problem) as caught:
        read(path)
    assert caught.value.where == f"{path}:5"
    assert f"`{field}`" in caught.value.what
    assert words in str(caught.value)
    assert caught.value.exit_status == 2
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("field", ["model", "data"])
@pytest.mark.parametrize("value", ["", " ", ' ""'])
def test_a_recipe_without_model_or_data_says_which(tmp_path: Path, field: str, value: str) -> None:
    path = tmp_path / "r.yaml"
    lines = {"model": "m", "data": "d"}
    del lines[field]
    path.write_text("".join(f"{name}: {text}\n" for name, text in lines.items()))
    with pytest.raises(Problem, match=f"`{field}`") as missing:
        read(path)
    assert str(path) in missing.value.where
    with path.open("a") as file:
        file.write(f"{field}:{value}\n")
    with pytest.raises(Problem, match=f"`{field}`") as empty:
        read(path)
    assert empty.value.where == f"{path}:2"


def test_the_same_field_twice_is_a_mistake_on_the_second_line() -> None:
    with pytest.raises(Problem, match="duplicate key") as caught:
        parse("model: m\ndata: d\nlora_r: 1\nlora_r: 2\n")
    assert caught.value.where == "recipe:4"


def _laughs(last: str) -> str:
    rows = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    return "\n".join(["a0: &a0 [lol, lol]", *rows, f"model: m\ndata: {last}\n"])


STRANGE = {
    "empty": "",
    "only a comment": "# nothing\n",
    "a list": "- model\n- data\n",
    "a word": "model",
    "two documents": "model: m\n---\ndata: d\n",
    "a billion laughs": _laughs("*a11"),
    "a billion laughs in a field": _laughs("d").replace("a11:", "eval_data:"),
    "laughs by merging": "a0: &a0 {a: b}\n"
    + "".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 9)),
    "a list in itself": "model: &a [*a]\ndata: d\n",
    "a recipe in itself": "&a\nmodel: *a\ndata: d\n",
    "a merge with itself": "&a\n<<: *a\nmodel: m\n",
    "thousands of brackets": "model: " + "[" * 50_000,
    "thousands of dashes": "- " * 50_000,
    "a staircase": "\n".join(" " * i + "a:" for i in range(1000)),
    "a long list": "model: m\ndata: [" + "x, " * 25_000 + "]",
    "a foreign tag": "model: !!python/object/apply:os.system [ls]\ndata: d\n",
    "not a number": "model: !!int x\ndata: d\n",
    "a version to come": "%YAML 9.9\n---\nmodel: m\n",
    "a control character": "model: \x1b[31m\ndata: d\n",
    "a date": "model: 2024-01-01\ndata: d\n",
    "a list for a key": "model: m\ndata: d\n? [a]\n: b\n",
    "a number without end": "model: m\ndata: d\nlora_r: " + "9" * 5000,
}


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_yaml_that_is_no_recipe_ends_soon_in_a_problem_and_takes_little_memory(text: str) -> None:
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(Problem) as caught:
            parse(text)
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 20  # a bomb takes hours
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"model: m\ndata: \xff\xfe\n", "not UTF-8"),
        (b"\x7fELF\x02\x01\x01\x00\x00", "not valid YAML"),
        ("model: m".encode("utf-16"), "not UTF-8"),
        (b"x" * (2 << 20), "larger than 1 MiB"),
    ],
)
def test_a_file_that_is_no_text_says_so(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(data)
    with pytest.raises(Problem, match=words) as caught:
        read(path)
    assert caught.value.where.startswith(str(path))


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no such file"):
        read(tmp_path / "absent.yaml")
    with pytest.raises(Problem, match="it is a folder"):
        read(tmp_path)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(b"\xef\xbb\xbfmodel: m\r\ndata: d\r\n")
    assert read(path).recipe.model == "m"


PIECES = ["model", "data", "lora_r", ": ", ":", "\n", "  ", "- ", "[", "]", "{", "}", "&a ", "*a", "<<",
          "!t ", "|", ">", "'", '"', "# c", "---\n", "...", "%YAML 1.1\n", "? ", ",", "1", "1e9", "\t", "~",
          "\x00", "\ud800", "\u2028", "é", "=", "!!omap ", "!!binary ", "!!set ", "!!int ", "\\"]  # fmt: skip


@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_no_text_makes_the_reader_raise_anything_but_a_problem(text: str) -> None:
    try:
        file = parse(text)
    except Problem:
        return
    assert file.recipe.model


@given(
    st.sampled_from(FIELDS), st.text(max_size=30) | st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
)
def test_no_typed_value_raises_anything_but_a_mistake(field: Field, text: str) -> None:
    try:
        value = parsed(field, text)
    except Mistake:
        return
    assert getattr(changed(parse("model: m\ndata: d\n"), {field.name: value}).recipe, field.name) == value


def test_paths_start_at_the_recipes_folder_and_hub_ids_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "recipes"
    (folder / "models" / "tiny").mkdir(parents=True)
    path = folder / "r.yaml"
    path.write_text("model: models/tiny\ndata: [../a.txt, /abs/b.txt]\neval_data: e.txt\noutput_dir: out\n")
    monkeypatch.chdir(tmp_path)
    found = read(Path("recipes/r.yaml")).resolved()
    assert found.model == str(folder / "models" / "tiny")
    assert [entry.path for entry in found.data_entries] == [str(tmp_path / "a.txt"), "/abs/b.txt"]
    assert [entry.path for entry in found.eval_entries] == [str(folder / "e.txt")]
    assert found.output_dir == str(folder / "out")
    path.write_text("model: Qwen/Qwen2.5-1.5B\ndata: ~/rows.jsonl\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read(path).resolved().model == "Qwen/Qwen2.5-1.5B"
    assert read(path).resolved().data == [str(tmp_path / "rows.jsonl")]
    assert read(path).name == "r"


@pytest.mark.parametrize("model", ["x" * 5000, "a/" * 3000])
def test_a_name_too_long_for_a_file_is_no_local_model(model: str) -> None:
    assert RecipeFile(Recipe(model=model, data="d"), "").resolved().model == model


def test_a_home_that_nobody_has_is_a_problem() -> None:
    with pytest.raises(Problem, match="leads nowhere"):
        RecipeFile(Recipe(model="m", data="~no-such-user/rows.txt"), "").resolved()


def test_overriding_names_the_nearest_field() -> None:
    with pytest.raises(Problem, match="Did you mean `lora_alpha`") as caught:
        override(parse(COMMENTED), {"lora_alhpa": "3"})
    assert "lora_alhpa" in caught.value.where


@pytest.mark.parametrize(
    "other",
    ["method: vera", "objective: dpo", "load_in_4bit: true", "use_dora: true", "init_lora_weights: pissa"],
)
def test_a_base_that_has_to_be_whole_is_not_spread(other: str) -> None:
    with pytest.raises(Problem, match="needs the base whole"):
        parse(f"model: m\ndata: d\nfsdp: always\n{other}\n")
    parse(f"model: m\ndata: d\nfsdp: auto\n{other}\n")
