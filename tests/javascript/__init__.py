"""Packages of npm that tests read our messages with: those of package-lock.json, kept between runs."""

import os
import shutil
import subprocess
from functools import cache
from hashlib import sha256
from pathlib import Path

from tests.real import absent, require

HERE = Path(__file__).parent
_TRIES = 2


@cache
def _installed() -> Path | str:
    """The folder in which node_modules is, or why there is none."""
    lock = (HERE / "package-lock.json").read_bytes()
    kept = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "framewarden-tests"
    folder = kept / f"npm-{sha256(lock).hexdigest()[:12]}"
    if (folder / "complete").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    command = [require("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)]
    problem = ""
    for _ in range(_TRIES):
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=110, check=False, stdin=subprocess.DEVNULL
            )
        except (subprocess.SubprocessError, OSError) as error:
            problem = str(error)
            continue
        if done.returncode == 0:
            (folder / "complete").touch()
            return folder
        problem = done.stderr[-300:]
    return f"npm cannot install what tests/javascript/package-lock.json names: {problem}"


def npm_packages() -> Path:
    """A folder with node_modules in it. Skips, or fails where every real part must be there."""
    require("node")
    found = _installed()
    return found if isinstance(found, Path) else absent(found)


def run_node(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a module of this folder among the packages; `arguments` are its own."""
    folder = npm_packages()
    placed = folder / script
    shutil.copy(HERE / script, placed)
    return subprocess.run(
        [require("node"), str(placed), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
