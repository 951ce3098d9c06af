"""A process of llama.cpp: loads one GGUF, answers one prompt at a time, and may crash without harm.

`words` is what is said, `process` its parent's side of it, `gguf` reads a file's head; all are light. Only
`model` imports llama_cpp, in that process alone.
"""
