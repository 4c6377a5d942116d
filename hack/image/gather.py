"""Gathers the image's root file system from the build's: Python, the libraries that it needs, a virtual environment.

Runs inside the Dockerfile's first stage, with that stage's Python (any Debian one) and the standard library alone:

    python3 gather.py VENV PACKAGE TARGET

makes TARGET/python, TARGET/dependencies and TARGET/package, which become a layer each. Debian's packages from which
files come are written down where scanners look (/var/lib/dpkg/status.d), and their copyright files come along.
"""

import compileall
import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

LEFT_OUT = {
    "ensurepip", "idlelib", "lib2to3", "pydoc_data", "site-packages", "dist-packages", "test", "tests", "tkinter",
    "turtledemo", "venv", "__pycache__",
    "_pyrepl", "sqlite3", "curses", "dbm",  # no terminal and no database here
}  # fmt: skip
"""Directories of Python's library that no service needs."""

LEFT_OUT_FILES = re.compile(
    r"turtle\.py|pydoc\.py|.*\.(?:a|o|exe)"
    r"|_(?:test|ctypes_test|xxtestfuzz|xxsubinterpreters|xxinterpchannels|codecs_(?:cn|hk|jp|kr|tw|iso2022)).*\.so"
    r"|(?:_sqlite3|_tkinter|_curses|_curses_panel|_dbm|_gdbm|readline|nis|xxlimited|xxlimited_35)\..*so"
    # libyaml's binding is 2.6 MB; the configuration is read by PyYAML's own parser. TLS roots: the kubelet speaks over
    # unix sockets.
    r"|_yaml\..*so|roots\.pem"
)
LIBRARIES = ("libudev.so.1",)
"""What is loaded by name."""
MOUNT_POINTS = (
    "proc",
    "sys",
    "dev",
    "tmp",
    "run/udev",
    "var/lib/kubelet/device-plugins",
    "var/lib/kubelet/pod-resources",
)
USERS = {"etc/passwd": "root:x:0:0:root:/:/nonexistent\n", "etc/group": "root:x:0:\n"}


def main(venv: Path, package: str, target: Path) -> None:
    """Fill the three folders."""
    python, dependencies, own = (target / part for part in ("python", "dependencies", "package"))
    make_skeleton(python)
    copied = [*copy_python(python)]
    put_tree(venv, dependencies, {"pip", "__pycache__"})
    strip(path for root in (python, dependencies) for path in binaries(root))
    copied += copy_libraries(python, [Path(sys.executable).resolve(), *binaries(python), *binaries(dependencies)])
    describe_packages(python, copied)
    subprocess.run(["ldconfig", "-r", python], check=True)  # the cache by which ctypes finds libudev
    compile_all(python)
    compile_all(dependencies)
    take_out(package, dependencies, own)


def make_skeleton(root: Path) -> None:
    """The links of a merged /usr, places to mount at, and the one user."""
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        if os.path.islink(f"/{name}"):
            end = os.readlink(f"/{name}")
            (root / end.lstrip("/")).mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to(end)
    for name in MOUNT_POINTS:
        (root / name).mkdir(parents=True)
    for name, text in USERS.items():
        file = root / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)


def copy_python(root: Path) -> Iterator[Path]:
    """The interpreter with the names that lead to it, and its library."""
    executable = Path(sys.executable)
    for path in (executable, executable.with_name("python3"), executable.resolve()):
        yield from put(path, root)
    for kind in ("stdlib", "platstdlib"):
        library = Path(sysconfig.get_path(kind))
        if not (root / str(library).lstrip("/")).exists():
            put_tree(library, root, {*LEFT_OUT, *(folder.name for folder in library.glob("config-*"))})
            yield library / "os.py"
    yield from put(Path("/sbin/ldconfig"), root)  # what ctypes asks for a library's file
    for name in ("os-release", "debian_version"):  # for scanners
        yield from put(Path("/etc") / name, root)


def copy_libraries(root: Path, users: Iterable[Path]) -> Iterator[Path]:
    """All shared libraries that these files need, and those that are loaded by name."""
    cache = subprocess.run(["ldconfig", "-p"], check=True, stdout=subprocess.PIPE, text=True).stdout
    by_name = [line.rpartition("=> ")[2] for name in LIBRARIES for line in cache.splitlines() if f"\t{name} " in line]
    if len(by_name) != len(LIBRARIES):
        sys.exit(f"{', '.join(LIBRARIES)}: not in the base image; install what they belong to (Debian: libudev1)")
    wanted = {Path(path) for path in by_name}
    for user in [*users, *wanted]:
        wanted |= needed_by(user)
    for library in sorted(wanted):
        yield from put(library, root)


def needed_by(binary: Path) -> set[Path]:
    """What the dynamic linker would load for it."""
    listed = subprocess.run(
        ["ldd", binary], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ).stdout
    if "not found" in listed:
        sys.exit(f"{binary} needs a library that is not in the base image:\n{listed}")
    return {Path(path) for path in re.findall(r"(/\S+) \(0x", listed)}


def put(path: Path, root: Path) -> Iterator[Path]:
    """Copy a file to its place below the root; a link with its end. The files that were copied."""
    path = path.parent.resolve() / path.name
    place = root / str(path).lstrip("/")
    if place.is_symlink() or place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(path, place, follow_symlinks=False)
    yield path
    if path.is_symlink():
        yield from put(path.parent / os.readlink(path), root)


def put_tree(folder: Path, root: Path, left_out: set[str]) -> None:
    """Copy a folder to its place below the root, without what is left out."""

    def ignored(_folder: str, names: list[str]) -> set[str]:
        return {name for name in names if name in left_out or LEFT_OUT_FILES.fullmatch(name)}

    place = root / str(folder).lstrip("/")
    shutil.copytree(folder, place, symlinks=True, ignore=ignored, dirs_exist_ok=True)


def binaries(root: Path) -> list[Path]:
    """Shared objects below a folder."""
    return sorted(path for path in root.rglob("*.so*") if path.is_file() and not path.is_symlink())


def strip(paths: Iterable[Path]) -> None:
    """Remove symbols that only debuggers want, if there is a strip: slim images have none."""
    if program := shutil.which("strip"):
        for path in paths:
            subprocess.run([program, "--strip-unneeded", path], check=True)


def describe_packages(root: Path, copied: Iterable[Path]) -> None:
    """Debian's packages that the files are from, for scanners, and their licences."""
    status = root / "var/lib/dpkg/status.d"
    status.mkdir(parents=True)
    for name in sorted({owner for path in copied if (owner := owner_of(path))}):
        command = ["dpkg-query", "--status", name]
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        (status / name.partition(":")[0]).write_text(text)
        copyright_file = Path("/usr/share/doc") / name.partition(":")[0] / "copyright"
        if copyright_file.exists():
            place = root / str(copyright_file).lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(copyright_file, place)  # of a link, too, the text


def owner_of(path: Path) -> str | None:
    """The Debian package that a file belongs to; the database may know it from before /usr was merged."""
    for spelled in (str(path), str(path).removeprefix("/usr")):
        command = ["dpkg-query", "--search", spelled]
        found = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if found.returncode == 0:
            return found.stdout.partition(": ")[0].partition(",")[0]
    return None


def compile_all(root: Path) -> None:
    """Compile bytecode that is not compared with its source: layers do not change, and may lose files' times."""
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(root, quiet=1, stripdir=str(root), prependdir="/", invalidation_mode=unchecked)


def take_out(package: str, of: Path, into: Path) -> None:
    """Move what belongs to a package alone."""
    scripts = of.rglob(f"bin/{package.replace('_', '-')}")
    for path in [*of.rglob(f"site-packages/{package}"), *of.rglob(f"site-packages/{package}-*"), *scripts]:
        place = into / path.relative_to(of)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, place)
    for path in into.rglob(f"site-packages/{package}/testing"):  # the embedded kubelet: for tests, ours and others'
        shutil.rmtree(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
