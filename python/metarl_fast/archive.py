"""Arrays in an .npz file, read without trust: what they declare is checked before memory is taken for it."""

from __future__ import annotations

import math
import zipfile
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks

_MOST_MEMBERS = 1000
_HEADS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class Archive:
    """The arrays of an open .npz file; their numbers are not read before somebody asks for them.

    Raises
    ------
    MemoryError
        If its members would not fit into memory together.
    ValueError and a dozen others
        For damaged archives, and for arrays of Python objects, which are never unpickled.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(file)
        members = self._zip.infolist()
        self.num_bytes = sum(member.file_size for member in members)
        """Of all members when unpacked."""
        checks.memory(self.num_bytes, "reading it")
        if len(members) > _MOST_MEMBERS:
            raise ValueError(f"it holds {len(members)} members")
        for member in members:
            if not member.filename.endswith(".npy"):
                raise ValueError(f"it holds {checks.shown(member.filename)}, expected arrays")
        self._members = {member.filename.removesuffix(".npy"): member for member in members}
        if len(self._members) != len(members):
            raise ValueError(f"it holds {len(members)} members of {len(self._members)} names")
        for name, member in self._members.items():
            with self._zip.open(member) as packed:
                _head(packed, name, member.file_size)

    @property
    def names(self) -> list[str]:
        """What the arrays are called, in alphabetical order."""
        return sorted(self._members)

    def read(self, name: str, num_bytes: int) -> NDArray[Any]:
        """Return an array, read-only; refuse one of more than `num_bytes`."""
        member = self._members[name]
        with self._zip.open(member) as packed:
            shape, in_columns, dtype = _head(packed, name, member.file_size)
            declared = math.prod(shape) * dtype.itemsize
            if declared > num_bytes:
                raise ValueError(f"{name} has shape {shape} and dtype {dtype}, expected {num_bytes} bytes")
            order: Any = "F" if in_columns else "C"
            return np.ndarray(shape, dtype, packed.read(), order=order)


def _head(packed: IO[bytes], name: str, num_bytes: int) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read what precedes the numbers of an array in a member of `num_bytes`: shape, order and type."""
    version = np.lib.format.read_magic(packed)
    if version not in _HEADS:
        raise ValueError(f"{name} is of format version {version}")
    shape, in_columns, dtype = _HEADS[version](packed)
    if dtype.hasobject:
        raise ValueError(f"{name} has dtype {dtype}, which is never unpickled: allow_pickle=False")
    declared, held = math.prod(shape) * dtype.itemsize, num_bytes - packed.tell()
    if declared != held:
        raise ValueError(f"{name} has shape {shape} and dtype {dtype}, {declared} bytes, but holds {held}")
    return shape, in_columns, dtype
