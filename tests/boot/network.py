"""How does a bare tree reach the package index that this machine reaches?

By what pip knows here: its settings become variables of the environment, and files and directories that they name
are shown inside. The product's scripts know nothing of that.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

#: Which of pip's settings say where packages come from.
KEYS = ("cert", "default-timeout", "extra-index-url", "find-links", "index-url", "proxy", "trusted-host")
PROXIES = ("http_proxy", "https_proxy", "no_proxy")
INSIDE = "/mnt/host"


def environment() -> dict[str, str]:
    """Return the variables that let apt and pip in a tree use this machine's network."""
    proxies = {name: os.environ[name] for name in PROXIES if name in os.environ}
    pip = {f"PIP_{key.replace('-', '_').upper()}": _inside(value) for key, value in _settings().items()}
    return {**proxies, **pip}


def binds() -> Iterator[str]:
    """Yield `OUTSIDE:INSIDE` for every file and directory that the variables name."""
    for path in dict.fromkeys(path for value in _settings().values() for path in _paths(value)):
        if Path(path).exists():
            yield f"{path}:{INSIDE}{path}"


def _settings() -> Mapping[str, str]:
    listed = subprocess.run(
        (sys.executable, "-m", "pip", "config", "list"), capture_output=True, text=True, check=False, timeout=60
    )
    found = {}
    for line in listed.stdout.splitlines():
        name, _equals, value = line.partition("=")
        key = name.rpartition(".")[2]
        if key in KEYS:
            found[key] = " ".join(str(ast.literal_eval(value)).split())
    return found


def _paths(value: str) -> Iterator[str]:
    for word in value.split():
        path = word.removeprefix("file://")
        if path.startswith("/"):
            # What an index names may lie beside it.
            yield path.removesuffix("/simple")


def _inside(value: str) -> str:
    words = []
    for word in value.split():
        scheme = "file://" if word.startswith("file://") else ""
        path = word.removeprefix(scheme)
        words.append(f"{scheme}{INSIDE}{path}" if path.startswith("/") else word)
    return " ".join(words)
