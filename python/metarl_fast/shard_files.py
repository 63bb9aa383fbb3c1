"""Datasets of many files: each is written whole or not at all, and an index says which there are."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path as Folder
from typing import Any, BinaryIO

from metarl_fast.files import Path, whole_file

_INDEX = "index.json"


class Shards:
    """The files of a dataset in a folder, which is made if it is not there.

    Raises
    ------
    ValueError
        If the folder holds another dataset.
    OSError
        If it cannot be read or made.
    """

    def __init__(self, folder: Path, digest: str, recipe: Mapping[str, Any]) -> None:
        self.root = Folder(os.fsdecode(folder))
        self.root.mkdir(parents=True, exist_ok=True)
        try:
            index: dict[str, Any] = json.loads((self.root / _INDEX).read_text(encoding="utf-8"))
            files = dict(index["files"]).items()
            index["files"] = {name: found for name, found in files if self._is_whole(name, found)}
        except FileNotFoundError:
            index = {"hash": digest, "recipe": dict(recipe), "files": {}}
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise ValueError(
                f"{self.root / _INDEX} is no index of a dataset, or it is damaged: {error!s:.200}"
            ) from error
        if index.get("hash") != digest:
            raise ValueError(f"{self.root} holds another dataset, {index.get('hash')!r}: this is {digest!r}")
        self._index = index

    def _is_whole(self, name: str, found: Mapping[str, Any]) -> bool:
        """Whether a file is there, of the size that it was written with."""
        try:
            return (self.root / name).stat().st_size == found.get("bytes")
        except FileNotFoundError:
            return False

    def __contains__(self, name: str) -> bool:
        """Whether the file is there, and whole."""
        return name in self._index["files"]

    @contextmanager
    def writing(self, name: str, num_tasks: int, num_steps: int) -> Iterator[BinaryIO]:
        """Write a file, and then the index."""
        content = io.BytesIO()
        yield content
        self.write(name, content.getvalue())
        self.keep(name, num_tasks, num_steps)
        self.write_index()

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all."""
        with whole_file(str(self.root / name)) as file:
            file.write(content)

    def keep(self, name: str, num_tasks: int, num_steps: int) -> None:
        """Say that a file is there; the index that is written next says so."""
        size = (self.root / name).stat().st_size
        self._index["files"][name] = {"tasks": num_tasks, "steps": num_steps, "bytes": size}

    def write_index(self) -> None:
        """Write what is there."""
        self.write(_INDEX, json.dumps(self._index, indent=1).encode())
