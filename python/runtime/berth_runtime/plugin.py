"""Loads a plugin: its module by file, its class by name."""

from __future__ import annotations

import errno
import importlib.util
import os
import sys
import traceback
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import Any, Dict, List, Optional, Tuple

from berth_runtime import codec
from berth_runtime.messages import Raised

_HERE = os.path.dirname(os.path.abspath(__file__))
_TRACEBACK_CHARS = 16_384
_MESSAGE_CHARS = 2_000
_MOST_FRAMES = 16
_FEW_BLOCKS = 64  # ext4 keeps some back for what it is about to write

_DATA, _TMP, _SHM, _FOLDERS = "/data", "/tmp", "/dev/shm", "/folders"

_package = "/workspace/"
"""What the files of the package begin with."""


class Fault(Exception):
    """Something of the plugin's failed. ``kind`` is the host's word for it."""

    def __init__(self, kind: str, message: str, raised: Optional[Raised] = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.raised = raised

    @classmethod
    def of(cls, kind: str, error: BaseException, prefix: str = "") -> Fault:
        raised = Raised(type(error).__name__, frames_of(error), trace_of(error), full_limits(error))
        return cls(kind, prefix + describe(error), raised)


def describe(error: BaseException) -> str:
    """As codec.described, at most _MESSAGE_CHARS long."""
    return codec.described(error)[:_MESSAGE_CHARS]


def trace_of(error: BaseException) -> str:
    """The traceback from the plugin's first frame on, its end if it is long."""
    try:
        lines = traceback.format_exception(type(error), error, _own_frames(error.__traceback__))
        return "".join(lines).rstrip("\n")[-_TRACEBACK_CHARS:]
    except BaseException:  # An exception class of the plugin's may raise while it is shown, SystemExit too.
        return describe(error)


def frames_of(error: BaseException) -> List[str]:
    """Where in the package it went through, ``main.py:3 execute``, the innermost last and _MOST_FRAMES at most.

    Each place is named once, so that a recursion that goes too deep looks the same however deep it was.
    """
    places: Dict[Tuple[str, int, str], None] = {}
    try:
        at = error.__traceback__
        while at is not None:
            code = at.tb_frame.f_code
            if code.co_filename.startswith(_package):
                places[code.co_filename, at.tb_lineno, code.co_name] = None
            at = at.tb_next
        if isinstance(error, SyntaxError) and str(error.filename).startswith(_package):
            places[str(error.filename), int(error.lineno or 0), "<module>"] = None
    except BaseException:
        pass  # An exception class of the plugin's may raise anything when it is read. What was seen so far will do.
    return [f"{file[len(_package) :]}:{line} {name}" for file, line, name in list(places)[-_MOST_FRAMES:]]


def full_limits(error: BaseException) -> List[str]:
    """The limits on files that are used up, where ``error`` says that there is no room: ``data_mb``,
    ``data_files``, ``tmp_mb``, ``tmp_files``; ``folders`` where it is a folder of the host's.

    A failed write says nothing of its file, so this looks at what is full. Empty when nothing is, as after a plugin
    has cleaned up.
    """
    try:
        if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return []
    except BaseException:  # An exception class of the plugin's may raise anything when it is read.
        return []
    found = [f"{name}_{kind}" for name, path in (("data", _DATA), ("tmp", _TMP)) for kind in _used_up(path)]
    if "mb" in _used_up(_SHM) and "tmp_mb" not in found:
        found.append("tmp_mb")  # of the same size, where it is not a part of it
    try:
        shared = os.listdir(_FOLDERS)
    except OSError:
        shared = []
    if any(_used_up(os.path.join(_FOLDERS, name)) for name in shared):
        found.append("folders")
    return found


def _used_up(path: str) -> List[str]:
    """Whether the file system there is out of bytes (``mb``), of inodes (``files``), or of both."""
    try:
        room = os.statvfs(path)
    except OSError:
        return []
    bytes_out = room.f_blocks > 0 and room.f_bavail <= _FEW_BLOCKS
    return ["mb"] * bytes_out + ["files"] * (room.f_files > 0 and room.f_favail == 0)


def _own_frames(trace: Optional[TracebackType]) -> Optional[TracebackType]:
    at = trace
    while at is not None:
        file = at.tb_frame.f_code.co_filename
        if not file.startswith((_HERE, "<frozen importlib")):
            return at
        at = at.tb_next
    return None


def set_path(paths: List[str]) -> None:
    """Make ``sys.path`` the package's folder, the standard library, then the other ``paths``.

    This is the order of a plain Python: nothing installed beside a plugin replaces a standard module.
    """
    global _package
    _package = os.path.join(paths[0], "")
    library = os.path.dirname(os.path.abspath(os.__file__))
    standard = [
        entry
        for entry in sys.path
        if entry.endswith(".zip") or entry in (library, os.path.join(library, "lib-dynload"))
    ]
    sys.path[:] = [*paths[:1], *standard, *paths[1:]]
    sys.path_importer_cache.clear()


def load_class(folder: str, main: str, class_name: str) -> Any:
    """The class ``class_name`` that the module at ``folder``/``main`` defines; raises Fault."""
    module = _load_module(folder, main)
    found = vars(module).get(class_name)
    if not isinstance(found, type) or found.__module__ != module.__name__:
        own = [n for n, v in vars(module).items() if isinstance(v, type) and _is_own(module, v)]
        what = "is not defined" if found is None else "is not a class defined"
        there = f" It defines: {', '.join(sorted(own)[:20])}." if own else " It defines no class."
        raise Fault(
            "plugin_class_missing",
            f"{class_name} {what} in {main}.{there} Set 'class' in plugin.yaml to the plugin's class.",
        )
    if not callable(getattr(found, "execute", None)):
        raise Fault(
            "plugin_class_missing",
            f"{class_name} in {main} has no method execute(self, context). Add it.",
        )
    return found


def _is_own(module: ModuleType, kind: type) -> bool:
    return kind.__module__ == module.__name__


class _SourceLoader(SourceFileLoader):
    """Looks for no cached bytecode: the main file is imported once, and its folder can't be written to."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def _load_module(folder: str, main: str) -> ModuleType:
    stem = os.path.splitext(os.path.basename(main))[0]
    # A plugin's json.py must not become everyone's json.
    name = f"plugin_{stem}" if stem in sys.modules else stem
    path = os.path.join(folder, main)
    loader = _SourceLoader(name, path)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    if spec is None or not path.endswith(".py") or not os.path.isfile(path):
        raise Fault("plugin_import_error", f"{main} is not a Python file in the package.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException as e:  # SystemExit included: a module that calls exit() has not loaded.
        sys.modules.pop(name, None)
        kind = "plugin_syntax_error" if isinstance(e, SyntaxError) else "plugin_import_error"
        raise Fault.of(kind, e) from None
    return module


def construct(kind: Any, config: Dict[str, Any]) -> Any:
    """``kind(config)``; raises Fault."""
    try:
        return kind(config)
    except BaseException as e:
        raise Fault.of("plugin_start_failed", e, f"{kind.__name__}.__init__ raised ") from None
