"""Control groups, version 1 (one tree per controller) and version 2 (one tree), see cgroups(7).

All groups of one launcher lie in `berth-<installation>-<instance>` below the group the host itself runs in, so that
the host's own limits hold for its plugins too. Groups of other instances of the installation are left over from a
host that died; they are emptied and removed.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field

_WANTED = ("memory", "pids", "cpu", "cpuacct")
_PERIOD_US = 100_000
_PARKING_SHARES = 32
_STALE_SECONDS = 5.0
# In version 1 what TCP and UDP sockets hold is no part of a group's memory, but has a limit of its own.
_SOCKETS = "memory.kmem.tcp.limit_in_bytes"
_SOCKET_BYTES = 16 << 20


def read(path: str) -> str:
    """A file of the kernel's, whole. Groups' files are read often, and open() takes several times as long."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces = []
        while piece := os.read(fd, 65536):
            pieces.append(piece)
        return b"".join(pieces).decode("ascii")
    finally:
        os.close(fd)


def write(path: str, value: object) -> None:
    """Into one of them, in one piece."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, str(value).encode())
    finally:
        os.close(fd)


@dataclass(frozen=True)
class Limits:
    """What holds for every worker alike."""

    pids: int
    cpus: float


@dataclass
class Group:
    """One worker's control groups: controller -> folder. In version 2 all are the same folder."""

    folders: dict[str, str]
    unified: bool

    def _file(self, controller: str, v1: str, v2: str) -> str:
        return os.path.join(self.folders[controller], v2 if self.unified else v1)

    def create_and_join(self, limits: Limits) -> None:
        """Makes the group and moves the calling process in, which has one thread. In version 1 it joins as a
        thread: before it moves a process the kernel waits for a grace period of RCU, 7 to 20 ms, which a thread
        that moves itself is spared (cgroup_procs_write_start, kernel/cgroup/cgroup.c)."""
        for folder in sorted(set(self.folders.values())):
            os.mkdir(folder, 0o755)
        if "pids" in self.folders:
            write(os.path.join(self.folders["pids"], "pids.max"), limits.pids + 1)  # one for the init
        if "cpu" in self.folders:
            quota = max(1000, int(limits.cpus * _PERIOD_US))
            if self.unified:
                write(os.path.join(self.folders["cpu"], "cpu.max"), f"{quota} {_PERIOD_US}")
            else:
                write(os.path.join(self.folders["cpu"], "cpu.cfs_period_us"), _PERIOD_US)
                write(os.path.join(self.folders["cpu"], "cpu.cfs_quota_us"), quota)
            # Until it has a plugin it makes itself ready, which is nothing that a running plugin should notice.
            self.weigh(_PARKING_SHARES)
        for folder in sorted(set(self.folders.values())):
            write(os.path.join(folder, "cgroup.procs" if self.unified else "tasks"), 0)

    def bound(self, memory_bytes: int) -> None:
        """Limits its memory, counted with swap: swap must not stretch it."""
        if "memory" in self.folders:
            folder = self.folders["memory"]
            with_swap = os.path.join(folder, "memory.memsw.limit_in_bytes")
            counts_swap = not self.unified and os.path.exists(with_swap)
            if counts_swap:
                write(with_swap, -1)  # at no time may it be less than the other limit
            write(self._file("memory", "memory.limit_in_bytes", "memory.max"), memory_bytes)
            if self.unified:
                for name, value in (("memory.swap.max", 0), ("memory.oom.group", 1)):
                    if os.path.exists(os.path.join(folder, name)):
                        write(os.path.join(folder, name), value)
            else:
                if counts_swap:
                    write(with_swap, memory_bytes)
                if os.path.exists(os.path.join(folder, _SOCKETS)):
                    write(os.path.join(folder, _SOCKETS), min(_SOCKET_BYTES, memory_bytes))

    def weigh(self, cpu_shares: int) -> None:
        """Sets the weight against other workers, as Docker counts it: 1024 is one share."""
        if "cpu" in self.folders:
            shares = min(max(cpu_shares, 2), 262144)
            if self.unified:
                # As the kernel counts: 1024 shares of version 1, an ordinary thread's weight, are 100 in version 2.
                # The mapping of older container engines, 1024 to 39, would put plugins behind the host.
                weight = min(max(round(shares * 100 / 1024), 1), 10_000)
                write(os.path.join(self.folders["cpu"], "cpu.weight"), weight)
            else:
                write(os.path.join(self.folders["cpu"], "cpu.shares"), shares)

    def threads(self) -> list[int]:
        """Thread ids of all that is in it now, by the group for CPU time; empty when it is gone."""
        try:
            path = os.path.join(self.folders["cpu"], "cgroup.threads" if self.unified else "tasks")
            return [int(thread) for thread in read(path).split()]
        except (OSError, KeyError):
            return []

    def around(self) -> Group:
        """What it lies in, together with others."""
        return Group({c: os.path.dirname(folder) for c, folder in self.folders.items()}, self.unified)

    def oom_kills(self) -> int:
        """How many of its processes the kernel killed at the memory limit."""
        if "memory" not in self.folders:
            return 0
        try:
            text = read(self._file("memory", "memory.oom_control", "memory.events"))
        except OSError:
            return 0
        for line in text.splitlines():
            key, _, value = line.partition(" ")
            if key == "oom_kill":
                return int(value)
        return 0

    def remove(self) -> bool:
        """Removes what is left of it; False when the kernel is not done with it yet."""
        done = True
        for folder in set(self.folders.values()):
            try:
                os.rmdir(folder)
            except FileNotFoundError:
                pass
            except OSError:
                done = False
        return done


@dataclass
class Cgroups:
    """The place for this instance's groups.

    bases: controller -> folder of the instance. missing: limit -> why it can't be had.
    """

    bases: dict[str, str] = field(default_factory=dict)
    unified: bool = False
    missing: dict[str, str] = field(default_factory=dict)

    def group(self, name: str) -> Group:
        return Group({c: self._folder(c, name) for c in self.bases}, self.unified)

    def _folder(self, controller: str, name: str) -> str:
        base = self.bases[controller]
        # Without the governor, which needs to see who used how much, one folder's weight is what bounds them all.
        beside = base == self.bases.get("cpu") and self.common() is not None
        return f"{base}-{name}" if beside else os.path.join(base, name)

    def common(self) -> Group | None:
        """What counts the CPU time of all workers together, and perhaps of others; None where nothing does."""
        if "cpu" not in self.bases or not (self.unified or "cpuacct" in self.bases):
            return None
        if self.unified:
            return Group({"cpu": os.path.dirname(self.bases["cpu"])}, True)
        base = self.bases["cpuacct"]
        return Group({"cpuacct": os.path.dirname(base) if base == self.bases["cpu"] else base}, False)

    def swap_limited(self) -> bool:
        """Whether swap counts against the memory limit, or there is none to count."""
        base = self.bases.get("memory")
        if base is None:
            return False
        name = "memory.swap.max" if self.unified else "memory.memsw.limit_in_bytes"
        if os.path.exists(os.path.join(base, name)):
            return True
        try:
            return len(read("/proc/swaps").splitlines()) <= 1
        except OSError:
            return False

    def sockets_limited(self) -> bool:
        """Whether what sockets hold is bounded: in version 2 it is part of the memory."""
        base = self.bases.get("memory")
        return base is not None and (self.unified or os.path.exists(os.path.join(base, _SOCKETS)))

    def close(self) -> None:
        """Removes the instance's folders; what is in use stays and is swept by the next host."""
        for folder in set(self.bases.values()):
            try:
                os.rmdir(folder)
            except OSError:
                pass


@dataclass(frozen=True)
class _Tree:
    """A mounted hierarchy and the folder in it where this process is."""

    controllers: frozenset[str]
    mount: str
    own: str


def _trees(mountinfo: str, membership: str) -> tuple[list[_Tree], _Tree | None]:
    """Version 1 trees with a controller we want, and the version 2 tree."""
    paths: dict[str, str] = {}
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            paths[controller] = path
    v1: list[_Tree] = []
    v2: _Tree | None = None
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        kind, _, options = right.split(" ", 2)
        root, point = fields[3], fields[4].replace("\\040", " ")
        if kind == "cgroup2" and v2 is None and "" in paths:
            v2 = _Tree(frozenset(), point, _own(point, root, paths[""]))
        elif kind == "cgroup":
            here = frozenset(set(options.split(",")) & set(_WANTED) & set(paths))
            if here and not any(here & tree.controllers for tree in v1):
                v1.append(_Tree(here, point, _own(point, root, paths[min(here)])))
    return v1, v2


def _own(point: str, root: str, path: str) -> str:
    """Where a group of the hierarchy lies below its mount, which may show only a part of it."""
    prefix = "" if root == "/" else root
    inside = path[len(prefix) :] if path.startswith(prefix) else ""
    return os.path.normpath(point + "/" + inside.lstrip("/"))


def _enable(folder: str, wanted: set[str]) -> set[str]:
    """Switches controllers on for the groups below; which of them are on then."""
    control = os.path.join(folder, "cgroup.subtree_control")
    for controller in sorted(wanted - set(read(control).split())):
        try:
            write(control, "+" + controller)
        except OSError:
            pass
    return wanted & set(read(control).split())


def _descends(pid: int, ancestor: int) -> bool:
    while pid > 1:
        if pid == ancestor:
            return True
        try:
            pid = int(read(f"/proc/{pid}/stat").rpartition(")")[2].split()[1])
        except OSError:
            return True  # gone meanwhile
    return False


def _unified_parent(tree: _Tree, host: int) -> tuple[str, set[str], str]:
    """A folder of the version 2 tree whose groups have controllers: (folder, controllers, why not)."""
    wanted = {"memory", "pids", "cpu", "io"} & set(read(os.path.join(tree.own, "cgroup.controllers")).split())
    if not wanted:
        return "", set(), "the host's control group has no controllers to hand on"
    if not os.path.exists(os.path.join(tree.own, "cgroup.type")):  # the root of all groups
        return tree.own, _enable(tree.own, wanted), ""
    # A group with processes of its own can't hand controllers on: the host's processes move one level
    # down, which is theirs to do only when nobody else is in the group.
    pids = [int(p) for p in read(os.path.join(tree.own, "cgroup.procs")).split()]
    if os.access(os.path.join(tree.own, "cgroup.procs"), os.W_OK) and all(_descends(p, host) for p in pids):
        leaf = os.path.join(tree.own, "berth-host")
        os.makedirs(leaf, exist_ok=True)
        for pid in pids:
            try:
                write(os.path.join(leaf, "cgroup.procs"), pid)
            except ProcessLookupError:
                pass
        return tree.own, _enable(tree.own, wanted), ""
    if os.access(os.path.join(tree.mount, "cgroup.subtree_control"), os.W_OK) and not os.path.exists(
        os.path.join(tree.mount, "cgroup.type")
    ):
        return tree.mount, _enable(tree.mount, wanted), ""
    return "", set(), "other processes share the host's control group, so it can't be divided"


def mounted() -> str:
    """The lines of mountinfo (proc_pid_mountinfo(5)) that are about control groups, which stay as they are. Of the
    others there are many where an engine is at work, and a line may come torn while they change."""
    lines = read("/proc/self/mountinfo").splitlines()
    return "\n".join(line for line in lines if " - cgroup" in line and len(line.split(" ")) >= 10)


def of_process(pid: int, mountinfo: str) -> Group | None:
    """The group that an engine has made for a process, with what concerns CPU time; None where that can't be seen.

    Raises OSError when the process is gone.
    """
    v1, v2 = _trees(mountinfo, read(f"/proc/{pid}/cgroup"))
    folders = {c: tree.own for tree in v1 for c in tree.controllers & {"cpu", "cpuacct"}}
    if not folders and v2 is not None:
        folders = {"cpu": v2.own}
        return Group(folders, True) if os.path.exists(os.path.join(v2.own, "cpu.weight")) else None
    return Group(folders, False) if len(folders) == 2 else None


def prepare(installation: str, instance: str, host: int) -> Cgroups:
    """Finds a place for this instance's groups, removes those of dead instances.

    installation, instance: parts of folder names, letters and digits. host: process id of the host.
    """
    return prepare_in(read("/proc/self/mountinfo"), read("/proc/self/cgroup"), installation, instance, host)


def prepare_in(mountinfo: str, membership: str, installation: str, instance: str, host: int) -> Cgroups:
    """As prepare, of these mounts and this membership."""
    v1, v2 = _trees(mountinfo, membership)
    result = Cgroups()
    why = "no control group tree has this controller"
    failed: dict[str, str] = {}
    parents: dict[str, str] = {c: tree.own for tree in v1 for c in tree.controllers}
    folder = ""
    if not parents and v2 is not None:
        result.unified = True
        try:
            folder, controllers, why = _unified_parent(v2, host)
            parents = {c: folder for c in controllers}
        except OSError as e:
            why = f"{e.filename or v2.own}: {e.strerror}"
    prefix = f"berth-{installation}-"
    for controller, parent in sorted(parents.items()):
        try:
            _sweep(parent, prefix)
            base = os.path.join(parent, prefix + instance)
            os.makedirs(base, mode=0o755, exist_ok=True)
            if result.unified:
                _enable(base, set(parents))
            result.bases[controller] = base
        except OSError as e:
            failed[controller] = f"{e.filename or parent}: {e.strerror}"
    for controller, limit in (
        ("memory", "memory_limit"),
        ("pids", "process_limit"),
        ("cpu", "cpu_limit"),
    ):
        if controller not in result.bases:
            result.missing[limit] = (
                failed.get(controller) or why or f"{folder} doesn't hand on the controller {controller}"
            )
    return result


def _sweep(parent: str, prefix: str) -> None:
    for name in os.listdir(parent):
        if name.startswith(prefix):
            _empty(os.path.join(parent, name))


def _empty(folder: str) -> None:
    """Kills every process below the folder and removes it. There is no event to wait for in version 1, hence
    the short naps; bounded, and only after a host that died."""
    deadline = time.monotonic() + _STALE_SECONDS
    while True:
        busy = False
        for path, _, _ in os.walk(folder, topdown=False):
            try:
                for pid in read(os.path.join(path, "cgroup.procs")).split():
                    os.kill(int(pid), signal.SIGKILL)
                os.rmdir(path)
            except (FileNotFoundError, ProcessLookupError):
                busy = busy or os.path.isdir(path)
            except OSError:
                busy = True
        if not busy or time.monotonic() > deadline:
            return
        time.sleep(0.01)
