"""`load` on files that are damaged, foreign or hostile: refused, and nothing is run from them."""

from __future__ import annotations

import io
import json
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest

import metarl_fast as mf
from metarl_fast import checks

SMALL = mf.TaskDistribution(3, 2, horizon=4)


@pytest.fixture(params=[mf.AverageQ, mf.PolicyPrior, mf.Reptile], ids=lambda kind: kind.__name__)
def saved(request, tmp_path):
    """A good file."""
    fitted = request.param().fit(SMALL, mf.QLearning(), 2, num_iterations=1, num_tasks=2, rng=0)
    path = tmp_path / "meta.npz"
    fitted.replace(context={"family": "GoalGrid", "seed": 3}).save(path)
    assert mf.load(path).learner == fitted.learner
    return path


def assert_refused(path, *texts):
    with pytest.raises(
        ValueError, match="is not a file of metarl_fast settings, or it is damaged"
    ) as refused:
        mf.load(path)
    for text in (path.name, *texts):
        assert text in str(refused.value)


def test_truncations_are_refused(saved):
    data = saved.read_bytes()
    for length in (*range(0, len(data), 61), len(data) - 1):
        saved.write_bytes(data[:length])
        assert_refused(saved)


def test_changed_bytes_are_refused_if_anything(saved):
    """A change may go unseen, in a time that the archive does not check; nothing else may happen."""
    data = saved.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    places = range(0, len(data), 31)
    for place in places:
        changed = bytearray(data)
        changed[place] ^= int(rng.integers(1, 256))
        saved.write_bytes(changed)
        try:
            mf.load(saved)
        except ValueError:
            refused += 1
    assert refused > 0.7 * len(places)


def test_random_bytes_are_refused(tmp_path):
    path = tmp_path / "random.npz"
    rng = np.random.default_rng(0)
    for start in (b"", b"PK\x03\x04", b"PK\x05\x06", b"\x93NUMPY\x01\x00", b"\x80\x04"):
        for length in (0, 1, 22, 100, 5000):
            path.write_bytes(start + rng.bytes(length))
            assert_refused(path)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        mf.load(tmp_path)


class Trap:
    """Leaves a trace when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_pickles_are_refused_unopened(tmp_path):
    trace = tmp_path / "trace"
    path = tmp_path / "pickle.npz"
    trap = np.array([Trap(trace)], dtype=object)
    path.write_bytes(pickle.dumps(Trap(trace)))
    assert_refused(path)
    for name in ("header", "table"):
        with open(path, "wb") as file:
            np.savez(file, **{"header": np.array("{}"), name: trap})
        assert_refused(path, "allow_pickle=False")
    with open(path, "wb") as file:
        np.save(file, trap)
    assert_refused(path)
    assert not trace.exists()


def test_other_arrays_are_refused(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, weights=np.zeros(3))
    assert_refused(path, "weights")
    np.savez(path)
    assert_refused(path)
    with open(path, "wb") as file:
        np.save(file, np.zeros(3))
    assert_refused(path)


def test_other_archives_are_refused(tmp_path):
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert_refused(path, "readme.txt")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.npy", "hello")
    assert_refused(path)


def rewritten(path, change_header=None, **arrays):
    """Write the file again, with another header or other arrays."""
    with np.load(path) as file:
        content = {name: file[name] for name in file.files}
    header = json.loads(str(content["header"]))
    if change_header is not None:
        header = change_header(header)
    content.update(arrays, header=np.array(json.dumps(header)))
    np.savez(path, **{name: values for name, values in content.items() if values is not None})


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"format": "another program's"}, 'format is "another program\'s"'),
        ({"version": 1}, "file version is 1, this program reads 2"),
        ({"version": "2"}, "file version is 2"),
        ({"version": True}, "file version is True"),
        ({"settings": None}, "settings are None"),
        ({"settings": [1, {"dict": {}}]}, "settings are [1, {}]"),
        ({"settings": {"dict": {}}}, "settings are {}"),
        ({"settings": {"type": "Unknown", "with": {}}}, "type is 'Unknown', expected one of"),
        ({"settings": {"type": "TableMeta", "with": {}}}, "type is 'TableMeta', expected one of"),
        ({"settings": {"type": "os.system", "with": {}}}, "type is 'os.system'"),
        ({"settings": {"type": ["AverageQ"], "with": {}}}, "type is ['AverageQ']"),
        ({"settings": {"type": "AverageQ", "with": {}}}, "AverageQ has [], expected ['tasks_per_iteration']"),
        ({"settings": {"type": "AverageQ", "with": [1]}}, "its header holds"),
        ({"settings": {"type": "AverageQ"}}, "its header holds {'type': 'AverageQ'}"),
        ({"settings": {"type": "AverageQ", "with": {"tasks_per_iteration": 0}}}, "tasks_per_iteration is 0"),
        (
            {"settings": {"type": "Linear", "with": {"first": 1, "last": 0, "num_episodes": 2}}},
            "does not name",
        ),
    ],
)
def test_other_headers_are_refused(saved, change, text):
    rewritten(saved, lambda header: {**header, **change})
    assert_refused(saved, text)


@pytest.mark.parametrize(
    ("place", "value", "text"),
    [
        ("meta", 5, "meta is 5"),
        ("base", {"tuple": []}, "base is ()"),
        ("base", {"type": "Linear", "with": {"first": 1, "last": 0, "num_episodes": 2}}, ""),
        ("num_iterations", 2, "shape (1, 2), expected 2 rows"),
        ("num_iterations", 1.0, "num_iterations is 1.0"),
        ("key", -1, "key is -1"),
        ("context", 5, "context is 5"),
        ("state", {"dict": {}}, "state has []"),
        ("state", {"array": "state.returns", "shape": [2]}, "state is array"),
        ("history", {"array": "nowhere", "shape": [2]}, "it holds no array 'nowhere'"),
        ("history", {"array": "header", "shape": [2]}, "it holds no array 'header'"),
        ("history", {"array": ["x"], "shape": [2]}, "it holds no array ['x']"),
        ("history", {"array": "history.returns", "shape": 2}, "has shape 2, expected a list"),
        ("history", {"array": "history.returns", "shape": [-1]}, "shape of history.returns is -1"),
        ("history", {"array": "history.returns", "shape": [1, 2.0]}, "shape of history.returns is 2.0"),
        ("history", {"array": "history.returns", "shape": [2, 1]}, "has shape (1, 2), expected (2, 1)"),
    ],
)
def test_other_parts_are_refused(saved, place, value, text):
    def change(header):
        header["settings"]["with"][place] = value
        return header

    rewritten(saved, change)
    assert_refused(saved, text)


@pytest.mark.parametrize("header", [None, [], "text", 3, {}, [[[[]]]]])
def test_headers_that_are_no_headers_are_refused(saved, header):
    rewritten(saved, lambda _: header)
    assert_refused(saved)


def test_every_entry_of_the_header_is_needed(saved):
    with np.load(saved) as file:
        names = list(json.loads(str(file["header"])))
    data = saved.read_bytes()
    for name in names:
        saved.write_bytes(data)
        rewritten(saved, lambda header, name=name: {key: header[key] for key in header if key != name})
        assert_refused(saved, name)


def main_array(path):
    with np.load(path) as file:
        return next(name for name in ("state.mean", "state.theta") if name in file.files)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (np.full((3, 2), np.nan), "[0, 0] is nan"),
        (np.full((3, 2), -np.inf), "[0, 0] is -inf"),
        (np.full((3, 2), np.inf), "[0, 0] is inf"),
        (np.zeros((2, 3)), "shape (2, 3), expected (3, 2)"),
        (np.zeros((0, 2)), "shape (0, 2)"),
        (np.zeros((3, 2), complex), "complex128"),
        (np.full((3, 2), "0"), "<U1"),
        (np.full((3, 2), 0, "M8[s]"), "datetime64"),
        (None, "it holds no array"),
    ],
)
def test_other_arrays_in_a_good_file_are_refused(saved, values, text):
    rewritten(saved, **{main_array(saved): values})
    assert_refused(saved, text)


def test_more_arrays_than_expected_are_refused(saved):
    rewritten(saved, more=np.zeros(2))
    assert_refused(saved, "more")


def test_archives_that_unpack_beyond_memory_are_refused(saved, monkeypatch):
    monkeypatch.setattr(checks, "_system_memory", lambda: 2**20)
    packed = io.BytesIO()
    np.save(packed, np.zeros(2**20))
    with zipfile.ZipFile(saved, "a", zipfile.ZIP_DEFLATED) as archive:
        for k in range(10):
            archive.writestr(f"bomb{k}.npy", packed.getvalue())
    assert saved.stat().st_size < 2**20
    with pytest.raises(MemoryError, match=r"needs 0\.1 GB"):
        mf.load(saved)


def test_shapes_beyond_memory_are_refused(tmp_path):
    path = tmp_path / "huge.npz"
    shape = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    header = b"\x93NUMPY\x01\x00" + (len(shape) + 1).to_bytes(2, "little") + shape + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.npy", header)
    with pytest.raises((ValueError, MemoryError)):
        mf.load(path)


def test_compressed_files_are_read_and_damage_in_them_is_refused(saved):
    with np.load(saved) as file:
        np.savez_compressed(saved, **{name: file[name] for name in file.files})
    data = saved.read_bytes()
    assert mf.load(saved).learner.initial_q.shape == (3, 2)
    for place in range(30, len(data), 29):
        changed = bytearray(data)
        changed[place] ^= 0x55
        saved.write_bytes(changed)
        try:
            mf.load(saved)
        except ValueError as error:
            assert saved.name in str(error)  # noqa: PT017


def test_save_replaces_the_file_whole_or_not_at_all(saved):
    before = saved.read_bytes()
    fitted = mf.load(saved).replace(context={"cannot be": object()})
    with pytest.raises(TypeError, match=r"context\.cannot be is .*: object is not JSON"):
        fitted.save(saved)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_files_have_the_usual_permissions(saved):
    other = saved.with_name("other")
    other.touch()
    assert saved.stat().st_mode == other.stat().st_mode


def test_a_member_beyond_what_its_header_says_is_not_read(tmp_path):
    """A small file that unpacks to a thousand times its size is refused by what it declares."""
    path = tmp_path / "meta.npz"
    mf.save(path, mf.Table(np.zeros((3, 2))))
    with np.load(path) as file:
        header = file["header"]
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (2**24, 1)})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("values.npy", "w", force_zip64=True) as member:
            member.write(head.getvalue())
            for _ in range(2**27 // 2**23):
                member.write(bytes(2**23))
        packed = io.BytesIO()
        np.save(packed, header)
        archive.writestr("header.npy", packed.getvalue())
    assert path.stat().st_size < 1e6
    tracemalloc.start()
    try:
        with pytest.raises((ValueError, MemoryError), match=r"meta\.npz"):
            mf.load(path)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def test_headers_that_promise_more_than_the_file_holds_are_refused(saved):
    for size in (10**6, 2**40):

        def change(header, size=size):
            header["settings"]["with"]["history"]["dict"]["returns"]["shape"] = [size, size]
            return header

        rewritten(saved, change)
        assert_refused(saved, f"expected ({size}, {size})")


def test_headers_as_deep_as_a_well_are_refused(saved):
    deep = "[" * 100_000 + "]" * 100_000
    with np.load(saved) as file:
        content = {name: file[name] for name in file.files}
    np.savez(saved, **{**content, "header": np.array(deep)})
    assert_refused(saved)


def test_many_members_and_twice_the_same_are_refused(tmp_path):
    path = tmp_path / "many.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for k in range(1001):
            archive.writestr(f"{k}.npy", b"")
    assert_refused(path, "it holds 1001 members")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.npy", b"")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("header.npy", b"")
    assert_refused(path, "it holds 2 members of 1 names")
