"""Stands in for torchvision and PIL, which `import learn2learn` wants for data sets of pictures.

torchvision's wheels do not load beside every torch. Imported, or as the pytest plugin `-p no_pictures`.
"""

import importlib.abc
import importlib.machinery
import sys
import types


class Anything(types.ModuleType):
    """A module with any name in it: a class of nothing."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds these two alone."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torchvision", "PIL"):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return Anything(spec.name)

    def exec_module(self, module):
        """There is nothing to run."""


sys.meta_path.insert(0, Finder())
