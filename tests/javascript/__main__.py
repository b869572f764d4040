"""Fetches the packages of npm before the tests: a slow registry takes longer than a test may."""

import shutil

from tests.javascript import installed

PATIENCE = 600.0  # seconds

if shutil.which("npm"):
    print(f"==> packages of npm for tests: {installed(PATIENCE)}")
