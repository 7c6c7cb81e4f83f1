"""Does the mailer sign in the fastest way that OpenSSL has here, and never stand still for it?"""

import os
import platform
import subprocess
import sys

import pytest

from mailer import arithmetic
from mailer.arithmetic import AS_IT_IS, VARIABLE, WITHOUT_ADX, fastest, measured, signing_fast


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return the environment without the variable."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    return monkeypatch


@pytest.mark.parametrize(
    ("times", "value"),
    [
        ([0.0008, 0.0006], WITHOUT_ADX),
        ([0.0006, 0.0008], AS_IT_IS),
        ([0.000600, 0.000595], AS_IT_IS),  # no more than measuring errs
        ([], AS_IT_IS),
    ],
)
def test_the_faster_way_is_taken_where_it_is_clearly_faster(times: list[float], value: str) -> None:
    assert fastest(lambda values: times) == value


def test_the_variable_is_set_within_the_block_alone(unset: pytest.MonkeyPatch) -> None:
    unset.setattr(arithmetic, "measured", lambda values: [2.0, 1.0])
    with signing_fast():
        assert os.environ[VARIABLE] == WITHOUT_ADX
    assert VARIABLE not in os.environ


def test_what_an_operator_set_stays(unset: pytest.MonkeyPatch) -> None:
    unset.setenv(VARIABLE, ":~0x20")
    unset.setattr(arithmetic, "measured", lambda values: pytest.fail("nobody asked"))
    with signing_fast():
        assert os.environ[VARIABLE] == ":~0x20"
    assert os.environ[VARIABLE] == ":~0x20"


def test_other_processors_are_not_measured(unset: pytest.MonkeyPatch) -> None:
    unset.setattr(platform, "machine", lambda: "aarch64")
    unset.setattr(arithmetic, "measured", lambda values: pytest.fail("nobody asked"))
    with signing_fast():
        assert VARIABLE not in os.environ


def test_real_processes_measure() -> None:
    times = measured([AS_IT_IS, WITHOUT_ADX])
    assert all(0.00001 < seconds < 0.1 for seconds in times)
    assert len(times) == 2


def test_a_measurement_that_hangs_or_fails_keeps_no_mail_from_leaving(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arithmetic, "LONGEST_SECONDS", 0.001)
    assert measured([AS_IT_IS]) == []
    monkeypatch.setattr(arithmetic, "LONGEST_SECONDS", 30.0)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert measured([AS_IT_IS]) == []


def test_nothing_loads_openssl_of_the_signers_before_it_is_told_how_to_sign() -> None:
    """The verb's way until then: the command line, the office, and the module that tells."""
    loads = "import mailer.cli.serve, mailer.appliance, mailer.log, mailer.serve, mailer.arithmetic, sys"
    told = f"{loads}; print('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True).stdout == "False\n"
