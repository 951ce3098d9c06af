# `just` lists these. Every recipe works from a fresh clone: it makes .venv by itself.

set shell := ["bash", "-euo", "pipefail", "-c"]

bin := justfile_directory() / ".venv/bin"

[private]
default:
    @just --list

# make .venv and install everything, the advisor included; an installed torch is kept
setup: install advisor
    @touch .venv/.ready

[private]
install:
    @test -x {{bin}}/python || python3 -m venv .venv
    {{bin}}/python -m pip install -q --disable-pip-version-check -e '.[train,dev]'

# build the advisor's llama.cpp (minutes; needs a C++ compiler), and go on without it where that fails
advisor:
    @{{bin}}/python -m pip install -q --disable-pip-version-check -e '.[advisor]' || echo "The advisor could not be built: it needs a C++ compiler (Debian: apt install g++). Everything else works."

[private]
ready:
    @test -f .venv/.ready || {{just_executable()}} setup

# the whole story in about two minutes, with nothing downloaded
demo *words: ready
    {{bin}}/openlora demo {{words}}

# open the app
run *words: ready
    {{bin}}/openlora-tui {{words}}

# everything that must hold: the checks, then the tests
test *words: check
    {{bin}}/python -m pytest {{words}}

# lint, format, types, import rules, contracts
check: ready
    {{bin}}/ruff check .
    {{bin}}/ruff format --check .
    {{bin}}/mypy
    {{bin}}/lint-imports
    {{bin}}/python -m pytest tests/contracts

# mend what lint and format can mend by themselves
fix: ready
    {{bin}}/ruff check --fix .
    {{bin}}/ruff format .

# renew the screens' pictures after a change that was meant
pictures: ready
    UPDATE_PICTURES=1 {{bin}}/python -m pytest tests/tui/test_pictures.py

# measure what docs/benchmarks.md claims
bench *words: ready
    {{bin}}/python -m tests.benchmarks {{words}}

# build the wheel
build: ready
    {{bin}}/python -m pip wheel -q --no-deps --no-build-isolation -w dist .

# write docs/recipe.md and docs/keys.md anew from their tables
docs: ready
    {{bin}}/python docs/make.py
