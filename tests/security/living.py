"""A home in which everything has been done once, in surroundings full of secrets."""

from __future__ import annotations

import os
import secrets
import threading
from pathlib import Path

from tests.engine.hub.server import Hub
from tests.security.driving import APP, PATIENCE, recipe, run, strange_model, trust
from tests.terminal import Terminal

NAME = "owner/tiny"


class LivedIn:
    """Attributes: the folder of all, its home, what was printed, and which secrets were about.

    Attributes:
        common: a folder that every user may enter.
        home: `OPENLORA_HOME`, made by the first command.
        planted: secrets by where they were.
        said: all that the commands and the app sent to their terminals and pipes.
        betrayed: command lines of processes in which a secret was seen.
    """

    def __init__(self, common: Path, model: Path) -> None:
        self.common, self.model = common, model
        self.home = common / "home"
        self.planted = {
            "HF_TOKEN": "hf_" + secrets.token_hex(17),
            "token file": "hf_" + secrets.token_hex(17),
            "WANDB_API_KEY": secrets.token_hex(20),
            "DATABASE_PASSWORD": "p" + secrets.token_urlsafe(18),
            "HTTPS_PROXY": "q" + secrets.token_hex(12),
        }
        self.said: dict[str, bytes] = {}
        self.betrayed: list[str] = []
        self.hub = Hub()
        self.env = self._surroundings()

    def live(self) -> None:
        """Fetch, train well and badly, talk, look at the machine and at the app."""
        files = {path.name: path.read_bytes() for path in self.model.iterdir() if path.is_file()}
        self.hub.add(NAME, files)
        self.hub.add("owner/gated", files, gated=True)
        (self.common / "hf").mkdir()
        (self.common / "hf/token").write_text(self.planted["token file"])
        (self.common / "hf/token").chmod(0o600)
        rows = self.common / "rows.jsonl"
        rows.write_text("".join(f'{{"prompt": "{i} + 1 ?", "completion": "{i + 1}."}}\n' for i in range(40)))
        mine = recipe(self.common / "mine.yaml", NAME, rows)
        strange = strange_model(self.model, self.common / "strange")
        bad = recipe(self.common / "bad.yaml", strange, rows, trust_remote_code=trust(strange))
        ended = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(ended,), daemon=True)
        watcher.start()
        before = os.umask(0)
        try:
            self._do("pull", NAME)
            self._do("pull", "owner/gated", status=1)
            self._do("train", str(mine), "--json")
            self._do("train", str(bad), "--json", status=1, OPENLORA_TALKATIVE="1")
            self._do("chat", "1", "--prompt", "1 + 1 ?", "--max-new-tokens", "4")
            self._do("runs", "show", "2")
            self._do("doctor", "--json", status=None)
            self._app()
        finally:
            os.umask(before)
            ended.set()
            watcher.join(10)

    def _do(self, *words: str, status: int | None = 0, **env: str) -> None:
        done = run(*words, env={**self.env, **env})
        name = " ".join(words[:2])
        self.said[f"{len(self.said)}: {name}"] = (done.stdout + done.stderr).encode()
        assert status is None or done.returncode == status, f"{name}: {done.stdout}{done.stderr}"

    def _app(self) -> None:
        """The run that failed, its log and its findings, and the recipe that is not saved."""
        with Terminal([*APP, "--ascii"], 120, 36, env=self.env) as app:
            app.until("mine", PATIENCE)
            app.press("\r")
            app.until("refused with", PATIENCE)
            app.press("l")
            app.pump(1.0)
            app.press("\x1b")
            app.press("f")
            app.pump(1.0)
            self.said["the app"] = bytes(app.raw)

    def _surroundings(self) -> dict[str, str]:
        planted = self.planted
        named = ("HF_TOKEN", "WANDB_API_KEY", "DATABASE_PASSWORD")
        return {
            **{name: planted[name] for name in named},
            "HTTPS_PROXY": f"http://somebody:{planted['HTTPS_PROXY']}@127.0.0.1:9",
            "NO_PROXY": "127.0.0.1,localhost",
            "OPENLORA_HOME": str(self.home),
            "HF_HOME": str(self.common / "hf"),
            "HF_ENDPOINT": self.hub.endpoint,
            "HF_MODULES_CACHE": str(self.common / "modules"),
            **{f"XDG_{name}_HOME": str(self.common / name.lower()) for name in ("CONFIG", "STATE", "CACHE")},
        }

    def _watch(self, ended: threading.Event) -> None:
        """Look at the words of every process again and again."""
        while not ended.wait(0.25):
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    line = (folder / "cmdline").read_bytes()
                except OSError:
                    continue
                if any(secret.encode() in line for secret in self.planted.values()):
                    self.betrayed.append(line.decode(errors="replace"))

    def files(self) -> list[Path]:
        """Everything that was written, but for the token's own file."""
        own = self.common / "hf/token"
        return [path for path in self.common.rglob("*") if path.is_file() and path != own]
