"""Do the shell scripts ask for what is missing, and for nothing else?

What they do on real Debian trees stands in `tests/boot`; here apt, dpkg and Python are stand-ins that take notes.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "deploy").glob("*.sh"))
LOCK = "deploy/requirements/runtime.txt"
TOOLS = ("sh", "cat", "cksum", "cp", "chmod", "grep", "mkdir", "mktemp", "rm")

#: Answers for the questions that the scripts ask Python, and writes down the orders.
PYTHON = """#!/bin/sh
case "$*" in
-c*) exit 0 ;;
*"pip --version"* | *"--disable-pip-version-check --version") exit 0 ;;
"-m venv --clear "*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
esac
echo "$*" >>"$NOTES"
"""
DPKG = '#!/bin/sh\ncase " $INSTALLED " in *" $4 "*) echo installed ;; *) exit 1 ;; esac\n'
APT = '#!/bin/sh\necho "$*" >>"$NOTES"\n'


class Machine:
    """A PATH of stand-ins. `run` lets the scripts' functions work on it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.notes = directory / "notes"
        self.programs = directory / "bin"
        self.programs.mkdir()
        for tool in TOOLS:
            (self.programs / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
        self.program("dpkg-query", DPKG)
        self.program("apt-get", APT)
        self.user(0)

    def program(self, name: str, text: str) -> None:
        """Put a program into the PATH."""
        path = self.programs / name
        path.write_text(text)
        path.chmod(0o755)

    def user(self, number: int) -> None:
        """Say who types."""
        self.program("id", f"#!/bin/sh\necho {number}\n")

    def run(self, commands: str, installed: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Run shell commands after setup.sh was read."""
        own = {"PATH": str(self.programs), "NOTES": str(self.notes), "INSTALLED": installed}
        command = ("/bin/sh", "-euc", f". deploy/setup.sh\n{commands}")
        return subprocess.run(
            command, cwd=ROOT, env={**own, **variables}, capture_output=True, text=True, check=False, timeout=30
        )

    def noted(self) -> list[str]:
        """Return the orders that the stand-ins were given."""
        return self.notes.read_text().splitlines() if self.notes.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_is_plain_shell(script: Path) -> None:
    assert subprocess.run(("/bin/sh", "-n", script), check=False, timeout=30).returncode == 0


def test_what_is_there_is_not_installed(machine: Machine) -> None:
    machine.program("python3", PYTHON)
    done = machine.run("need systemd opendkim-tools", installed="systemd opendkim-tools ca-certificates")
    assert (done.returncode, machine.noted()) == (0, [])


def test_root_gets_what_is_missing(machine: Machine) -> None:
    machine.program("python3", PYTHON)
    done = machine.run("need systemd chromium", installed="systemd")
    orders = ["-qq update", "-qq -y --no-install-recommends install chromium"]
    assert (done.returncode, machine.noted()) == (0, orders)


def test_an_ordinary_user_is_told_everything_at_once(machine: Machine) -> None:
    machine.user(1000)
    done = machine.run("need systemd chromium", installed="systemd")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "Install them as root: apt-get install python3 python3-venv chromium"
    assert machine.noted() == []


def test_what_apt_says_is_shown_when_it_fails(machine: Machine, tmp_path: Path) -> None:
    machine.program("python3", PYTHON)
    machine.program("apt-get", "#!/bin/sh\necho E: no such package\nexit 100\n")
    done = machine.run("need chromium", TMPDIR=str(tmp_path))
    assert done.returncode == 1
    assert "E: no such package\nThese Debian packages could not be installed: chromium" in done.stderr
    assert not list(tmp_path.glob("tmp.*"))


def test_a_python_that_is_too_old_is_passed_over(machine: Machine) -> None:
    machine.program("python3.13", "#!/bin/sh\nexit 1\n")
    machine.program("python3", PYTHON)
    assert machine.run("find_python").stdout == f"{machine.programs}/python3\n"


def test_a_finished_environment_is_left_as_it_is(machine: Machine, tmp_path: Path) -> None:
    machine.program("python3", PYTHON)
    order = f"make_venv {tmp_path}/venv {LOCK} --editable ."
    assert machine.run(order).returncode == 0
    made = machine.noted()
    assert made[0] == f"-m venv --clear {tmp_path}/venv"
    assert made[-2].endswith("install --no-deps --no-build-isolation --editable .")
    assert sum("--require-hashes" in line for line in made) == len(made) - 3 == 2
    assert machine.run(order).returncode == 0
    assert machine.noted() == made


def test_an_environment_without_its_python_is_made_anew(machine: Machine, tmp_path: Path) -> None:
    machine.program("python3", PYTHON)
    order = f"make_venv {tmp_path}/venv {LOCK} ."
    machine.run(order)
    made = machine.noted()
    (tmp_path / "venv/bin/python").unlink()
    assert machine.run(order).returncode == 0
    assert machine.noted() == made * 2


def test_a_set_up_that_was_interrupted_is_ended(machine: Machine, tmp_path: Path) -> None:
    machine.program(
        "python3", PYTHON.replace("case", 'case "$*" in *runtime.txt*) [ -z "${BREAK:-}" ] || exit 1 ;; esac\ncase', 1)
    )
    order = f"make_venv {tmp_path}/venv {LOCK} ."
    assert machine.run(order, BREAK="yes").returncode == 1
    assert machine.run(order).returncode == 0
    assert machine.noted()[-2].endswith("--no-build-isolation .")


def test_the_installer_wants_root() -> None:
    """As root it would install, so an ordinary user is asked to try."""
    ordinary = ("setpriv", "--reuid=65534", "--clear-groups") if os.geteuid() == 0 else ()
    text = (ROOT / "deploy/install.sh").read_text(encoding="utf-8")
    command = (*ordinary, "/bin/sh", "-c", text, "/deploy/install.sh")
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stderr) == (1, "Run this as root.\n")
