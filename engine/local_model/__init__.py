"""The advisor's answers: by a local language model where there is one, else by rules, over one line.

`talk` is what is said; `serve` answers in a worker; only `child`, a process of its own, imports llama.cpp.
"""
