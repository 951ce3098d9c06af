"""The training loop and what it stands on; imported only in worker processes."""

import logging

# peft imports bitsandbytes, which warns on some CPUs of a kernel that no training uses.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
