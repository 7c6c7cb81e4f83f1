"""Does one provider in trouble delay the mails to nobody else (N3: Okayama, July 2018)?

The short form can only see a delay that people would notice: its mails leave in the time that some processes take to
start. With `--long` the whole case, 64,000 registrants and ten broadcasts in a row, three rounds; the medians are
compared, and what failed tells how far equal rounds lie apart. `-s` shows the figures.
"""

from pathlib import Path

import pytest

from tests.bench.okayama import BOUND, WELL, Town, play, rounds, told

WAYS = ("refuse", "silent")
#: What a busy machine may add to a run of a few seconds. Whoever waits behind a mute host waits for minutes.
LEEWAY_SECONDS = 10.0


@pytest.mark.timeout(300)
def test_one_bad_provider_delays_nobody_else_noticeably(tmp_path: Path) -> None:
    town = Town(registrants=1000, broadcasts=2)
    seconds = {}
    for way in (WELL, *WAYS):
        directory = tmp_path / way
        directory.mkdir()
        seconds[way] = play(directory, town, way)
    assert all(seconds[way] < seconds[WELL] + LEEWAY_SECONDS for way in WAYS), seconds


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
def test_one_bad_provider_delays_nobody_else_by_a_twentieth(tmp_path: Path) -> None:
    times = rounds(Town(registrants=64_000, broadcasts=10), WAYS, 3, tmp_path)
    print(told(times))
    assert all(times.median_longer(way) <= BOUND for way in WAYS), told(times)
