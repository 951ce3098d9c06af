"""`python -m engine.doctor`: one JSON array of checks a line, each group as soon as it is done."""

from __future__ import annotations

import msgspec

from engine.doctor.examine import examine


def main() -> None:
    """For the app, which shows what is known while the slow groups are looked at."""
    for checks in examine():
        print(msgspec.json.encode(checks).decode(), flush=True)


if __name__ == "__main__":
    main()
