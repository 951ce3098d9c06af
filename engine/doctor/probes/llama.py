"""Whether llama.cpp can be loaded, and what it was built with."""

from __future__ import annotations

import json


def main() -> None:
    """Print its version and whether it was built for a GPU."""
    import llama_cpp

    gpu = bool(llama_cpp.llama_supports_gpu_offload())
    print(json.dumps({"version": llama_cpp.__version__, "gpu": gpu}))


if __name__ == "__main__":
    main()
