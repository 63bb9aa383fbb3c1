"""Files: only regular ones are read or replaced, and they are written whole or not at all."""

from __future__ import annotations

import errno
import io
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, TypeAlias

Path: TypeAlias = "str | bytes | os.PathLike[str] | os.PathLike[bytes]"

TEMPORARY_PREFIX, TEMPORARY_SUFFIX = ".metarl_fast-", ".tmp"
"""Of the files that a write goes to first; one that is left over, after a power cut say, may be deleted."""

_OTHER_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def _system_error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)  # Python makes it the subclass of this number


def _check_regular(status: os.stat_result, path: str) -> None:
    """Refuse what is no regular file: a device has no end, a pipe waits for its other side."""
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        raise _system_error(errno.EISDIR, path)
    if kind != stat.S_IFREG:
        what = _OTHER_KINDS.get(kind, "no file of data")
        raise io.UnsupportedOperation(f"{path} is {what}, expected a regular file")


@contextmanager
def regular_file(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file to read from it.

    Raises
    ------
    OSError
        As `open` does; `io.UnsupportedOperation`, which is a ValueError too, for devices, pipes and sockets.
    """
    name = os.fsdecode(path)
    _check_regular(os.stat(name), name)
    # Without waiting: by now the name may be a pipe's.
    with open(name, "rb", opener=lambda p, flags: os.open(p, flags | getattr(os, "O_NONBLOCK", 0))) as file:
        _check_regular(os.fstat(file.fileno()), name)
        yield file


def check_writable(path: Path) -> os.stat_result | None:
    """Refuse now what `whole_file` would refuse, and return the status of the file to be replaced, if any."""
    name = os.fsdecode(path)
    try:
        status = os.stat(name)
    except FileNotFoundError:
        status = None
    target = os.path.realpath(name)
    if status is not None:
        _check_regular(status, name)
        if not os.access(target, os.W_OK):
            raise _system_error(errno.EACCES, name)
    elif not name or name.endswith(os.sep):
        raise _system_error(errno.EISDIR if name else errno.ENOENT, name)
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise _system_error(errno.ENOTDIR if os.path.exists(folder) else errno.ENOENT, name)
    if not os.access(folder, os.W_OK | os.X_OK):
        read_only = hasattr(os, "statvfs") and os.statvfs(folder).f_flag & os.ST_RDONLY
        raise _system_error(errno.EROFS if read_only else errno.EACCES, name)
    return status


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` that takes its place at the end: a reader never sees half of it.

    A link is followed, so that its target is replaced; a file that is replaced keeps its mode and owner, a
    new one gets the usual mode.

    Raises
    ------
    OSError
        With the path given, whatever step failed; nothing is changed then. `io.UnsupportedOperation`, which
        is a ValueError too, for devices, pipes and sockets.
    """
    name = os.fsdecode(path)
    replaced = check_writable(name)
    target = os.path.realpath(name)
    folder = os.path.dirname(target)
    # Not from `tempfile`, which would hide the file from other users; the name's length is not `path`'s.
    temporary = os.path.join(folder, f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}{TEMPORARY_SUFFIX}")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            if replaced is not None:
                _copy_owner_and_mode(replaced, temporary)
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, name) from error  # the name that the user gave
    finally:
        with suppress(OSError):
            os.unlink(temporary)
    _sync_folder(folder)


def _copy_owner_and_mode(status: os.stat_result, path: str) -> None:
    if hasattr(os, "chown"):
        with suppress(PermissionError):  # only the administrator gives files away
            os.chown(path, status.st_uid, status.st_gid)
    os.chmod(path, stat.S_IMODE(status.st_mode))


def _sync_folder(folder: str) -> None:
    """Make a new name last through a power cut, where the system can: the file itself is safe already."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
