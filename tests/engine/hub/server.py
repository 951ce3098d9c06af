"""A small hub: the calls that a fetch makes, answered from memory the way the real one answers them."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN, OWNER = "hf_" + "x" * 34, "somebody"
_LARGE = (".safetensors", ".bin", ".gguf", ".h5", ".jsonl")


@dataclass
class Repository:
    """One model, or dataset (named `datasets/…`): its commits, the newest last, each with all its files."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: bool = False
    bare: bool = False
    """Lists names alone, without sizes, as some mirrors do."""

    def commit(self, files: dict[str, bytes]) -> str:
        digest = hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()
        self.commits[digest] = files
        return digest

    def files_at(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        commit = list(self.commits)[-1] if revision == "main" else revision
        return (commit, self.commits[commit]) if commit in self.commits else None


class Hub:
    """Serves repositories; can cut a connection, or hold it until it is told to go on."""

    def __init__(self) -> None:
        self.models: dict[str, Repository] = {}
        self.asked: list[tuple[str, str, str]] = []
        """Method, path and range of each request."""
        self.cut_after: int | None = None
        """Bytes after which large files break off, each time they are asked for."""
        self.cuts = 1 << 30
        self.hiccups = 0
        """How often the list of files is refused with a status that passes."""
        self.hold_after: int | None = None
        self.let_go = threading.Event()
        hub = self

        class Handler(_Handler):
            served_by = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.endpoint = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()

    def add(self, name: str, files: dict[str, bytes], **kind: bool) -> str:
        """Commit files to a model, which is made where it is not there; the commit's hash."""
        return self.models.setdefault(name, Repository(**kind)).commit(files)

    def fetched(self, ending: str = "") -> list[str]:
        """Names of the files whose content was asked for."""
        names = [path.partition("/resolve/")[2].partition("/")[2] for method, path, _ in self.asked
                 if method == "GET" and "/resolve/" in path]  # fmt: skip
        return [name for name in names if name.endswith(ending)]

    def ranges(self) -> list[str]:
        """The parts of large files that were asked for, in order."""
        return [part for method, path, part in self.asked if method == "GET" and "/content/" in path]


class _Handler(BaseHTTPRequestHandler):
    served_by: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.served_by.asked.append((self.command, path, self.headers.get("Range", "")))
        if path == "/api/whoami-v2":
            known = self._token == TOKEN
            self._json({"name": OWNER, "type": "user"}) if known else self._refuse(401, "", "Invalid token")
        elif found := re.fullmatch(r"/api/(?:models/|(?=datasets/))(.+?)(?:/revision/(.+))?", path):
            self._info(found[1], found[2] or "main")
        elif found := re.fullmatch(r"/content/(.+)/([0-9a-f]{40})/(.+)", path):
            self._content(found[1], found[2], found[3])
        elif found := re.fullmatch(r"/(.+?)/resolve/([^/]+)/(.+)", path):
            self._resolve(found[1], found[2], found[3])
        else:
            self._refuse(404)

    @property
    def _token(self) -> str | None:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None

    def _info(self, name: str, revision: str) -> None:
        if self.served_by.hiccups > 0:
            self.served_by.hiccups -= 1
            self._refuse(503)
            return
        model = self.served_by.models.get(name)
        if model is None:
            self._refuse(401 if self._token is None else 404, "RepoNotFound", "Repository not found")
            return
        found = model.files_at(revision)
        if found is None:
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        commit, files = found
        siblings = [_listed(file, data, bare=model.bare) for file, data in files.items()]
        gated = "manual" if model.gated else False
        self._json({"id": name, "sha": commit, "siblings": siblings, "gated": gated, "private": False})

    def _resolve(self, name: str, revision: str, file: str) -> None:
        model = self.served_by.models[name]
        found = model.files_at(revision)
        if model.gated:
            said = f"Access to model {name} is restricted."
            self._refuse(401 if self._token is None else 403, "GatedRepo", said)
        elif found is None or file not in found[1]:
            self._refuse(404, "EntryNotFound", "Entry not found")
        else:
            commit, files = found
            headers = {"X-Repo-Commit": commit, "ETag": f'"{_git_hash(files[file])}"'}
            if not file.endswith(_LARGE):
                self._send(files[file], headers)
                return
            headers |= {
                "X-Linked-Size": str(len(files[file])),
                "X-Linked-ETag": f'"{hashlib.sha256(files[file]).hexdigest()}"',
                # Another host, as the hub's own store of large files is one.
                "Location": f"http://localhost:{self.served_by.port}/content/{name}/{commit}/{file}",
            }
            self._begin(302, headers, 0)

    def _content(self, name: str, commit: str, file: str) -> None:
        if self._token is not None:
            self._refuse(400, "", "Only one auth mechanism allowed")  # as a signed address answers
            return
        self._send(self.served_by.models[name].commits[commit][file], {"Accept-Ranges": "bytes"})

    def _send(self, data: bytes, headers: dict[str, str]) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        if asked:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._begin(206 if asked else 200, headers, len(data) - start)
        if self.command == "GET":
            self._pour(data[start:])

    def _pour(self, data: bytes) -> None:
        hub, large = self.served_by, "/content/" in self.path
        if large and hub.hold_after is not None:
            self.wfile.write(data[: hub.hold_after])
            self.wfile.flush()
            hub.let_go.wait(60)
            data = data[hub.hold_after :]
        if large and hub.cut_after is not None and hub.cuts > 0:
            hub.cuts -= 1
            self.wfile.write(data[: hub.cut_after])
            self.close_connection = True
            return
        self.wfile.write(data)

    def _json(self, document: object) -> None:
        data = json.dumps(document).encode()
        self._begin(200, {"Content-Type": "application/json"}, len(data))
        self.wfile.write(data)

    def _refuse(self, status: int, code: str = "", said: str = "") -> None:
        self._begin(status, {"X-Error-Code": code, "X-Error-Message": said} if code or said else {}, 0)

    def _begin(self, status: int, headers: dict[str, str], length: int) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(length)}).items():
            self.send_header(name, value)
        self.end_headers()


def _listed(file: str, data: bytes, *, bare: bool) -> dict[str, object]:
    listed: dict[str, object] = {"rfilename": file}
    if bare:
        return listed
    listed |= {"size": len(data), "blobId": _git_hash(data)}
    if file.endswith(_LARGE):
        listed["lfs"] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "pointerSize": 134}
    return listed


def _git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
