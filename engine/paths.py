"""Where OpenLoRA keeps its state, and the socket by which its processes meet."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from pathlib import Path
from typing import Final

import platformdirs
import psutil

from engine.problem import Problem

_NETWORK: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "lustre", "ceph", "beegfs", "gpfs",
                             "afs", "glusterfs", "fuse.sshfs", "fuse.glusterfs"})  # fmt: skip


def home_path() -> Path:
    """The folder of all state, there or not: `OPENLORA_HOME`, else the user's data folder.

    Raises:
        Problem: where neither is known.
    """
    set_by_user = os.environ.get("OPENLORA_HOME")
    try:
        path = Path(set_by_user).expanduser() if set_by_user else platformdirs.user_data_path("openlora")
    except RuntimeError as error:
        raise Problem(
            "Where runs are kept is not known.",
            why="HOME is not set, and this user has no account that says where home is.",
            do="Set OPENLORA_HOME to a folder that you can write.",
        ) from error
    return path.absolute()


def home() -> Path:
    """The folder of all state, made if need be.

    Raises:
        Problem: where it cannot be made or written, or others may write there.
    """
    path = home_path()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        (path / "runs").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise Problem(
            "The folder for runs cannot be made.",
            where=str(path),
            why=f"{error.strerror or error}.",
            do="Set OPENLORA_HOME to a folder that you can write.",
        ) from error
    able = os.access(path / "runs", os.W_OK | os.X_OK) and not _open_to_all(path)
    if able and (_mine(path) or _maps_owners(path)):
        return path
    raise Problem(
        "The folder for runs cannot be used.",
        where=str(path),
        why=_why_not(path),
        do="Set OPENLORA_HOME to a folder that you can write.",
    )


def _why_not(path: Path) -> str:
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        return "It lies on a file system that can only be read."
    if not _mine(path):
        # Two users' engines would each take the home's runs for theirs alone.
        return f"It belongs to user {path.stat().st_uid}, and you are user {os.getuid()}."
    if _open_to_all(path):
        return f"All others may write there; `chmod o-w {path} {path / 'runs'}` keeps them out."
    return "You may not write in it."


def _open_to_all(path: Path) -> bool:
    """True where anyone could put a link in the place of a file of ours."""
    return any(folder.stat().st_mode & stat.S_IWOTH for folder in (path, path / "runs"))


def _mine(path: Path) -> bool:
    return path.stat().st_uid == os.getuid()


def _maps_owners(path: Path) -> bool:
    """True where whatever this user makes gets another owner, as on a share that maps users."""
    import tempfile  # here, because nearly no one comes here

    try:
        with tempfile.NamedTemporaryFile(dir=path, prefix=".owner-") as probe:
            return os.fstat(probe.fileno()).st_uid == path.stat().st_uid
    except OSError:
        return False


def private(path: str, flags: int) -> int:
    """An opener for `open`: a file that it makes is for this user alone, whatever the umask."""
    return os.open(path, flags, 0o600)


def runs_folder(root: Path) -> Path:
    """Where the run directories of a home lie."""
    return root / "runs"


def tokens_folder(root: Path) -> Path:
    """Where the encoded rows of a home lie, shared by its runs."""
    return root / "tokens"


def socket_path() -> Path:
    """Where the sockets of this user's engines lie, there or not."""
    return Path("/tmp") / f"openlora-{os.getuid()}"


def socket_folder() -> Path:
    """`/tmp/openlora-$UID`, mode 0700 and ours; logind deletes `$XDG_RUNTIME_DIR` at logout.

    Raises:
        Problem: where someone else owns the folder or may enter it.
    """
    path = socket_path()
    with contextlib.suppress(FileExistsError):  # a file or a link in its place is told of below
        path.mkdir(mode=0o700)
    found = path.lstat()
    safe = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    if not safe:
        raise _not_private(path, found)
    return path


def _not_private(path: Path, found: os.stat_result) -> Problem:
    if found.st_uid != os.getuid():
        why = f"It belongs to another user (id {found.st_uid}), who could listen."
        do = "Have it removed by that user or an administrator."
    elif stat.S_ISDIR(found.st_mode):
        why, do = "Others may enter it.", f"`chmod 700 {path}`, if all that lies in it is yours."
    else:
        why, do = "It is no folder.", "Remove it."
    what = "The folder for OpenLoRA's socket is not private."
    return Problem(what, where=str(path), why=why, do=do)


def engine_name(root: Path) -> str:
    """A short name for the engine of this home: two homes have two engines."""
    return hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:12]


def engine_link(root: Path) -> Path:
    """The symlink that points to the living engine's socket."""
    return socket_folder() / f"{engine_name(root)}.sock"


def file_system(path: Path) -> str:
    """The type of the file system that holds `path`, such as ext4 or nfs4; empty if unknown."""
    best, kind = "", ""
    target = str(path.resolve())
    for part in psutil.disk_partitions(all=True):
        mount = part.mountpoint.rstrip("/") or "/"
        inside = mount == "/" or target == mount or target.startswith(mount + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, part.fstype
    return kind


def on_network(path: Path) -> bool:
    """True where `path` is on a file system whose locks SQLite's WAL cannot trust."""
    return file_system(path).lower() in _NETWORK
