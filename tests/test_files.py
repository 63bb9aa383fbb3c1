"""Files: only regular ones are read or replaced, and they are written whole or not at all."""

from __future__ import annotations

import errno
import io
import os
import resource
import socket
import stat
from pathlib import Path

import numpy as np
import pytest

import metarl_fast as mf
from metarl_fast import files
from metarl_fast.config import read_table
from metarl_fast.files import check_writable, whole_file

SETTINGS = mf.QLearning(initial_q=mf.Table(np.zeros((3, 2))))


def save(path):
    mf.save(path, SETTINGS)


def write(path, data=b"new"):
    with whole_file(path) as file:
        file.write(data)


def device(path):
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero: it has no end
    except PermissionError:
        pytest.skip("devices are for the administrator")


def listening(path):
    server = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(path.parent)  # names of sockets are short
    server.bind(path.name)
    os.chdir(here)
    server.close()


MAKE = {"a pipe": os.mkfifo, "a socket": listening, "a device": device}
USE = {
    "load": mf.load,
    "save": save,
    "read_table": read_table,
    "check_writable": check_writable,
}


@pytest.mark.parametrize("use", USE)
@pytest.mark.parametrize("kind", MAKE)
def test_only_regular_files_are_read_or_replaced(kind, use, tmp_path):
    path = tmp_path / "special"
    MAKE[kind](path)
    mode = path.stat().st_mode
    link = tmp_path / "link"
    link.symlink_to(path)
    for name in (path, link):
        with pytest.raises(io.UnsupportedOperation, match=f"{name} is {kind}, expected a regular file"):
            USE[use](name)
    assert path.stat().st_mode == mode
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("use", USE)
def test_folders_are_refused_as_folders(use, tmp_path):
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        USE[use](tmp_path)


def test_the_devices_of_the_system_stay_what_they_are():
    for name in ("/dev/null", "/dev/zero"):
        before = os.stat(name)
        with pytest.raises(ValueError, match=f"{name} is a device"):
            save(name)
        with pytest.raises(OSError, match=f"{name} is a device"):
            mf.load(name)
        assert os.path.samestat(before, os.stat(name))


def test_a_link_stays_and_its_target_is_replaced(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    target, link, second = folder / "target", tmp_path / "link", tmp_path / "second"
    target.write_bytes(b"old")
    link.symlink_to(Path("folder") / "target")
    second.symlink_to("link")
    write(second)
    assert (link.is_symlink(), second.is_symlink(), target.is_symlink()) == (True, True, False)
    assert target.read_bytes() == b"new"
    target.unlink()
    write(link, b"again")  # as `open` does, to where the link points
    assert target.read_bytes() == b"again"
    assert [entry.name for entry in folder.iterdir()] == ["target"]
    link.unlink()
    link.symlink_to("link")
    with pytest.raises(OSError, match="link") as refused:
        write(link)
    assert refused.value.errno == errno.ELOOP


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_a_file_that_is_replaced_keeps_its_mode(mode, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    write(path)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", mode)


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_gets_the_usual_mode(mask, tmp_path):
    before = os.umask(mask)
    try:
        write(tmp_path / "file")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~mask


def test_what_goes_wrong_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    for error in (ValueError("of the writer"), KeyboardInterrupt()):
        with pytest.raises(type(error)), whole_file(path):
            raise error
    for name in ("fsync", "replace", "chmod"):
        with monkeypatch.context() as patched:

            def fails(*_, **__):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "another name")

            patched.setattr(files.os, name, fails)
            with pytest.raises(OSError, match="No space left on device") as refused:
                write(path)
            assert refused.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_left_over_is_recognised_by_its_name(tmp_path):
    path = tmp_path / ("x" * 255)  # the longest name; the first file's is its own
    with whole_file(path) as file:
        file.write(b"new")
        (temporary,) = tmp_path.iterdir()
        assert temporary.name.startswith(files.TEMPORARY_PREFIX)
        assert temporary.name.endswith(files.TEMPORARY_SUFFIX)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    with pytest.raises(OSError, match="x" * 256) as refused:
        write(tmp_path / ("x" * 256))
    assert refused.value.errno == errno.ENAMETOOLONG


def test_names_of_every_kind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", b"b", Path("c"), os.fsencode("\u00e9"), "~", str(tmp_path / "d"), "./e/../f"):
        Path("e").mkdir(exist_ok=True)
        save(name)
        assert mf.load(name) == SETTINGS
    assert sorted(os.listdir()) == sorted(["a", "b", "c", "d", "e", "f", "~", "\u00e9"])
    for name, error in (("", FileNotFoundError), ("new/", IsADirectoryError), ("no/x", FileNotFoundError)):
        with pytest.raises(error, match=f"'{name}'"):
            save(name)
    with pytest.raises(NotADirectoryError, match="a/x"):
        save("a/x")
    for name in (5, None, 1.0):
        with pytest.raises(TypeError, match=r"expected str, bytes or os\.PathLike"):
            save(name)
        with pytest.raises(TypeError, match=r"expected str, bytes or os\.PathLike"):
            mf.load(name)


def test_errors_of_the_system_keep_their_type_and_the_name_given(tmp_path, monkeypatch):
    path = tmp_path / "meta.npz"
    save(path)
    monkeypatch.setattr(os, "access", lambda name, mode: os.path.isdir(name))  # whoever runs this
    with pytest.raises(PermissionError, match=r"Permission denied: .*meta\.npz"):
        save(path)
    monkeypatch.setattr(os, "access", lambda name, mode: not os.path.isdir(name))
    with pytest.raises(PermissionError, match=r"Permission denied: .*meta\.npz"):
        save(path)
    monkeypatch.undo()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    found = []
    try:
        for use in (mf.load, save, read_table):
            try:
                use(path)
            except OSError as error:
                found.append((error.errno, error.filename))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert found == [(errno.EMFILE, str(path))] * 3
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_while_reading_is_not_taken_for_damage(tmp_path, monkeypatch):
    path = tmp_path / "meta.npz"
    save(path)

    def broken(*_, **__):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("metarl_fast.archive.zipfile.ZipFile", broken)
    with pytest.raises(OSError, match=r"Input/output error: .*meta\.npz"):
        mf.load(path)


def test_files_of_the_process_are_read_as_they_are():
    for name in ("/proc/self/status", "/proc/self/mem", "/proc/cpuinfo"):
        if os.path.exists(name):
            with pytest.raises((ValueError, OSError), match=name):
                mf.load(name)


SPOILS = {
    "is nan": lambda fitted: spoiled(fitted.state["mean"], np.nan),
    "is -inf": lambda fitted: spoiled(fitted.state["mean"], -np.inf),
    "context is": lambda fitted: vars(fitted).update(context=[1, 2]),
    "num_iterations is -1": lambda fitted: vars(fitted).update(num_iterations=-1),
}


def spoiled(values, number):
    values.flags.writeable = True
    values[:] = number


@pytest.mark.parametrize("spoil", SPOILS)
def test_save_never_writes_what_load_refuses(spoil, tmp_path):
    fitted = mf.AverageQ().fit(mf.TaskDistribution(3, 2, horizon=2), mf.QLearning(), 1, num_tasks=2, rng=0)
    SPOILS[spoil](fitted)
    with pytest.raises((ValueError, TypeError), match=spoil):
        fitted.save(tmp_path / "meta.npz")
    assert not list(tmp_path.iterdir())
