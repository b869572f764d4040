"""Packages of npm that tests read our messages with: those of package-lock.json, kept between runs."""

import fcntl
import os
import shutil
import subprocess
from functools import cache
from hashlib import sha256
from pathlib import Path

from tests.real import absent, require

HERE = Path(__file__).parent
_PATIENCE = 110.0  # seconds that a test waits for a registry


@cache
def installed(patience: float = _PATIENCE) -> Path | str:
    """The folder in which node_modules is, or why there is none."""
    lock = (HERE / "package-lock.json").read_bytes()
    kept = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "framewarden-tests"
    folder = kept / f"npm-{sha256(lock).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as one_at_a_time:  # tests run side by side
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            return _install(folder, patience)
    return folder


def _install(folder: Path, patience: float) -> Path | str:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    command = [require("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=patience, check=False, stdin=subprocess.DEVNULL
        )
        problem = done.stderr[-300:]
    except (subprocess.SubprocessError, OSError) as error:
        problem = str(error)
    else:
        if done.returncode == 0:
            (folder / "complete").touch()
            return folder
    return f"npm cannot install what tests/javascript/package-lock.json names: {problem}"


def npm_packages() -> Path:
    """A folder with node_modules in it. Skips, or fails where every real part must be there."""
    require("node")
    found = installed()
    return found if isinstance(found, Path) else absent(found)


def run_node(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a module of this folder among the packages; `arguments` are its own."""
    folder = npm_packages()
    placed = folder / script
    shutil.copy(HERE / script, placed)
    return subprocess.run(
        [require("node"), str(placed), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
