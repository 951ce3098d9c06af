"""The starter model and its lesson: what `openlora demo` needs, made on the spot from nothing.

Light but for `make`, which only the child process `python -m engine.starter` imports.
"""
