"""Imports for the sandbox's child: the standard library and nothing else. Standard library only itself.

Python's own importer asks the file system about every path (stat). This one reads directory listings and opens files,
so that the kernel can refuse every question about a path, and it knows no site-packages.
"""

from __future__ import annotations

import _imp
import os
import sys

TYPE_CHECKING = False  # importing `typing` would cost more than the whole child
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType
    from typing import Any

_external = sys.modules["_frozen_importlib_external"]  # importlib._bootstrap_external, loaded in every interpreter
_bootstrap = sys.modules["_frozen_importlib"]
_PACKAGES = "-packages"  # site-packages and Debian's dist-packages lie within or beside the standard library
_LINKED = {
    "_hashlib": ("hashlib", "hmac", "secrets", "uuid"),
    "_decimal": ("decimal", "fractions", "statistics"),
    "zlib": ("zlib", "gzip", "zipfile", "tarfile"),
    "_bz2": ("bz2", "zipfile", "tarfile"),
    "_lzma": ("lzma", "zipfile", "tarfile"),
    "pyexpat": ("xml", "pyexpat", "plistlib"),
    "_uuid": ("uuid",),
}
"""Extension modules that may need shared libraries of the system, and the words that ask for them in a program: loaded
before it runs, because those libraries cannot be opened afterwards."""
_UNUSED = ("__pycache__", "test", "tests", "idlelib", "lib2to3", "ensurepip", "tkinter", "turtledemo")
"""Folders of the standard library that hold nothing for an answer's code."""


class _CodeLoader(_external.SourceFileLoader):  # type: ignore[misc, name-defined]  # a class of the frozen module
    """Loads a module from its cached bytecode, else from its source, without asking for the file's date."""

    def get_code(self, fullname: str) -> CodeType:
        try:
            data = self.get_data(_external.cache_from_source(self.path))
            _external._classify_pyc(data, fullname, {})
            code: CodeType = _external._compile_bytecode(memoryview(data)[16:], fullname, self.path, self.path)
        except (OSError, ImportError, EOFError, ValueError, NotImplementedError):
            return compile(self.get_data(self.path), self.path, "exec", dont_inherit=True)
        return code


class StdlibFinder:
    """Finds modules in the folders of the standard library, by listings."""

    def __init__(self, roots: Sequence[str]) -> None:
        self._listings = {root: frozenset(_entries(root)) for root in roots}
        for root in roots:
            self._list_packages(root)
        self._roots = tuple(roots)
        self._suffixes = tuple(_imp.extension_suffixes())

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module; None where the standard library has none of this name."""
        name = fullname.rpartition(".")[2]
        for folder in self._roots if path is None else path:
            spec = self._spec_in(folder, name, fullname)
            if spec is not None:
                return spec
        return None

    def _spec_in(self, folder: str, name: str, fullname: str) -> ModuleSpec | None:
        names = self._names(folder)
        place = folder + os.sep + name
        if name in names and "__init__.py" in self._names(place):
            return _spec(fullname, _CodeLoader(fullname, place + os.sep + "__init__.py"), [place])
        for suffix in self._suffixes:
            if name + suffix in names:
                return _spec(fullname, _external.ExtensionFileLoader(fullname, place + suffix))
        if name + ".py" in names:
            return _spec(fullname, _CodeLoader(fullname, place + ".py"))
        return None

    def _names(self, folder: str) -> frozenset[str]:
        return self._listings.get(folder, frozenset())

    def _list_packages(self, folder: str) -> None:
        """List the packages below a folder now: confined, the C library can list none (it asks about the folder)."""
        for name in self._listings[folder]:
            place = folder + os.sep + name
            if "." in name or name in _UNUSED or place in self._listings:
                continue
            try:
                self._listings[place] = frozenset(os.listdir(place))  # noqa: PTH208  # pathlib would be imported for it
            except OSError:  # no folder
                continue
            self._list_packages(place)


def install(code: str) -> list[str]:
    """Make the standard library all that `code` can import; return the files and folders that this needs to read."""
    roots = [path for path in sys.path if os.path.isdir(path) and not path.endswith(_PACKAGES)]  # noqa: PTH112  # pathlib would be imported just for this
    for name in [name for name, words in _LINKED.items() if any(word in code for word in words)]:
        try:
            __import__(name)
        except ImportError:  # not part of this build
            continue
    sys.meta_path[:] = [_bootstrap.BuiltinImporter, _bootstrap.FrozenImporter, StdlibFinder(roots)]
    sys.path_hooks.clear()
    sys.path_importer_cache.clear()
    return [root + os.sep + name for root in roots for name in _entries(root)]


def _entries(root: str) -> list[str]:
    """What a folder of the standard library holds of it: no folder of packages, no link that leads out."""
    home = os.path.realpath(root) + os.sep
    with os.scandir(root) as entries:
        return [
            entry.name
            for entry in entries
            if not entry.name.endswith(_PACKAGES)
            and not (entry.is_symlink() and not os.path.realpath(entry.path).startswith(home))
        ]


def _spec(fullname: str, loader: Any, locations: list[str] | None = None) -> ModuleSpec:
    spec: ModuleSpec = _external.spec_from_file_location(
        fullname, loader.path, loader=loader, submodule_search_locations=locations
    )
    return spec
