"""The file tree that plugins see: made once, read-only, copied into each worker's mount namespace.

The interpreter and its libraries are bound where they live, since an interpreter found at another path may load
another libpython. Of the host's files nothing else is in it but certificates, time zones and five devices.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys

from berth_runtime import linux
from berth_runtime.views import Views

_LOCKED = linux.MS_NOSUID | linux.MS_NODEV
_READ_ONLY = _LOCKED | linux.MS_RDONLY
_DEVICES = ("null", "zero", "full", "random", "urandom")
# Folders that each worker mounts something of its own on.
_MOUNT_POINTS = ("workspace", "site", "data", "tmp", "proc", "runtime", "run", "folders")
_SHARED = (
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/usr/lib/ssl",
    "/usr/lib/locale",
    "/usr/share/zoneinfo",
)
_SYSTEM_LIBRARIES = ("/lib64", "/usr/lib64")
_ETC = {
    "passwd": "root:x:0:0::/:/nonexistent\nplugin:x:1000:1000::/data:/nonexistent\n",
    "group": "root:x:0:\nplugin:x:1000:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "resolv.conf": "",
}
RUNTIME = "/runtime"
EGRESS = "/run/egress.sock"
FOLDERS = "/folders"
PLUGIN_ID = 1000  # uid and gid of the plugin as it sees itself, where a user namespace maps them


def _mapped_libraries() -> set[str]:
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as f:
        paths = {line.split(None, 5)[5].strip() for line in f if line.count("/")}
    return {p for p in paths if ".so" in os.path.basename(p) and os.path.isfile(p)}


def needed() -> list[str]:
    """Files and folders of the host that the interpreter needs, absolute, outermost first."""
    found = {os.path.realpath(sys.executable)}
    found.update(p for p in sys.path if p != RUNTIME and os.path.exists(p))
    prefix = os.path.realpath(sys.base_prefix)
    if prefix not in ("/", "/usr"):
        found.update(p for p in (f"{prefix}/lib", f"{prefix}/lib64") if os.path.isdir(p))
    for library in _mapped_libraries():
        folder = os.path.dirname(library)
        system = folder.startswith(("/lib", "/usr/lib", "/usr/local/lib"))
        found.add(folder if system else library)
    found.update(os.path.realpath(p) for p in _SYSTEM_LIBRARIES if os.path.isdir(p))
    found.update(p for p in _SHARED if os.path.exists(p))
    result: list[str] = []
    for path in sorted(found):
        if not any(path == r or path.startswith(r + "/") for r in result):
            result.append(path)
    return result


def build(root: str, runtime: str, besides: dict[str, str], views: Views) -> dict[str, str]:
    """Mounts the tree at `root`. To be called in a private mount namespace, privileged; one worker's copy of
    the namespace then has it too.

    runtime: folder with the Python files that workers import, seen at /runtime. besides: more folders to
    show, and where. What can't be shown in a view is shown as it is; these are returned, each with the kernel's
    words.
    """
    plain: dict[str, str] = {}
    linux.mount("berth", root, "tmpfs", _LOCKED, "mode=0755,size=1m,nr_inodes=4096")
    for name in _MOUNT_POINTS:
        os.mkdir(f"{root}/{name}", 0o755)
    _place_for_file(root + EGRESS)
    _links(root)
    for path in needed():
        _show(root, path, views, plain)
    for path in sys.path:
        for packages in ("site-packages", "dist-packages"):
            # The host's own packages are none of a plugin's business.
            if os.path.isdir(f"{root}{path}/{packages}"):
                linux.mount("empty", f"{root}{path}/{packages}", "tmpfs", _READ_ONLY, "mode=0755,size=4k")
    views.show(runtime, root + RUNTIME)
    for path, place in besides.items():
        os.makedirs(root + place, 0o755)
        views.show(path, root + place)
    _devices(root)
    os.makedirs(f"{root}/etc", 0o755, exist_ok=True)
    for name, text in _ETC.items():
        with open(f"{root}/etc/{name}", "w", encoding="ascii") as f:
            f.write(text)
    linux.mount("berth", root, None, linux.MS_REMOUNT | _READ_ONLY, "mode=0755,size=1m")
    return plain


def _links(root: str) -> None:
    """/lib -> usr/lib and its like, and the interpreter's other names."""
    for name in ("lib", "lib32", "lib64", "bin", "sbin"):
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), f"{root}/{name}")
    real = os.path.realpath(sys.executable)
    folder = os.path.dirname(real)
    os.makedirs(root + folder, 0o755, exist_ok=True)
    for name in ("python", "python3"):
        if name != os.path.basename(real):
            os.symlink(os.path.basename(real), f"{root}{folder}/{name}")


def _show(root: str, path: str, views: Views, plain: dict[str, str]) -> None:
    # Where /lib is a link to usr/lib the folder is shown under its real name.
    target = f"{root}{os.path.realpath(os.path.dirname(path))}/{os.path.basename(path)}"
    os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)
    if os.path.isdir(path):
        os.makedirs(target, 0o755, exist_ok=True)
    else:
        _place_for_file(target)
    real = os.path.realpath(path)
    try:
        views.show(real, target)
    except OSError as e:
        plain[path] = str(e)
        linux.bind(real, target, _READ_ONLY)


def _place_for_file(path: str) -> None:
    """Something to mount a file, socket or device on."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))


def _devices(root: str) -> None:
    os.mkdir(f"{root}/dev", 0o755)
    for name in _DEVICES:
        target = f"{root}/dev/{name}"
        _place_for_file(target)
        linux.bind(f"/dev/{name}", target, linux.MS_NOSUID | linux.MS_NOEXEC)
    for name, to in (
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("shm", "/tmp"),  # POSIX shared memory counts against the same sized tmpfs
    ):
        os.symlink(to, f"{root}/dev/{name}")


def detached(path: str, owner: int) -> int:
    """A folder as a mount that is nowhere yet, made when missing and given to its owner.

    Its last name is never followed if it is a link; the names before it are the host's own.
    """
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
    return owned(path, owner)


def owned(path: str, owner: int) -> int:
    """The same for a folder that is there."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(fd)
        if found.st_uid != owner or found.st_gid != owner:
            os.fchown(fd, owner, owner)
        if found.st_mode & 0o7777 != 0o700:
            os.fchmod(fd, 0o700)
        return linux.clone_tree(fd)
    finally:
        os.close(fd)


def shared(path: str, user: int | None, by_root: bool = False) -> int:
    """A folder of the host's, as a mount that is nowhere yet, for the plugin with this uid; None where it has no
    uid of its own.

    What belongs to the folder's owner outside belongs to the plugin inside, and what the plugin makes belongs to
    the folder's owner (id-mapped mount, since Linux 5.12, on the file systems that know it). Elsewhere the plugin
    is a stranger to the folder. by_root: as of linux.id_map.
    """
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        mount = linux.clone_tree(fd)
        if user is not None:
            found = os.fstat(fd)
            with contextlib.suppress(OSError):
                mapped = linux.id_map(found.st_uid, found.st_gid, user, by_root)
                try:
                    linux.apply_id_map(mount, mapped)
                finally:
                    os.close(mapped)
        return mount
    finally:
        os.close(fd)


def detached_socket(path: str) -> int:
    """The unix socket at `path`, as a mount that is nowhere yet."""
    fd = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            raise ValueError(f"{path} is not a socket")
        return linux.clone_tree(fd)
    finally:
        os.close(fd)
