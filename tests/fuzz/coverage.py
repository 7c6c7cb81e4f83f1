"""Which inputs lead a parser into code where no other input has been?

`python -m tests.fuzz.coverage TARGET [SECONDS]`: inputs guided by coverage, by Atheris. It is no dependency of this
project: `pip install atheris` into an environment of its own that has the product's dependencies too. Time is not
judged here, because code that is watched is slow. The exit code is 1 if a promise was broken.
"""

import os
import sys
import tempfile
from base64 import b64encode
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SECONDS = "60"
LONGEST = 4096


def main(arguments: Sequence[str]) -> int:
    """Fuzz one target; return the exit code. With Atheris the process ends in it."""
    if find_spec("atheris") is None or not arguments:
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["mailer"]):
        targets = import_module("tests.fuzz.targets").TARGETS
        probe = import_module("tests.fuzz.probe").probe
    target = next(target for target in targets if target.name == arguments[0])

    def once(content: bytes) -> None:
        failure = probe(target, content)[1]
        if failure is not None and failure.kind != "slow":
            print(
                f"{target.name}: {failure.kind}: {failure.words}\n  base64: {b64encode(content).decode()}", flush=True
            )
            os._exit(1)

    with tempfile.TemporaryDirectory() as directory:
        for number, seed in enumerate(target.seeds):
            (Path(directory) / str(number)).write_bytes(seed)
        seconds = arguments[1] if len(arguments) > 1 else SECONDS
        limits = (f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-rss_limit_mb=1024", "-timeout=60")
        atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={directory}/", directory], once)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
