"""Do the services live and end together under their parent?"""

import asyncio
import ctypes
import logging
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailer import serve

PROMPT = """
    import signal, sys, time
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("ready", flush=True)
    time.sleep(60)
"""


def child(source: str) -> tuple[str, ...]:
    return (sys.executable, "-c", textwrap.dedent(source))


async def test_ready_once_all_children_are_and_a_stop_ends_them() -> None:
    stop, ready = asyncio.Event(), asyncio.Event()
    parent = asyncio.create_task(serve.Parent({"a": child(PROMPT), "b": child(PROMPT)})(ready.set, stop))
    await asyncio.wait_for(ready.wait(), 10)
    stop.set()
    await asyncio.wait_for(parent, 10)


async def test_a_child_that_refuses_to_start_ends_all() -> None:
    commands = {"a": child(PROMPT), "b": child("raise SystemExit(1)")}
    with pytest.raises(serve.ChildRefused, match="b"):
        await asyncio.wait_for(serve.Parent(commands)(lambda: None, asyncio.Event()), 20)


async def test_a_child_that_dies_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(serve, "FIRST_PAUSE_SECONDS", 0.01)
    dies_twice = f"""
        import os, pathlib, signal
        lives = pathlib.Path({str(tmp_path)!r})
        (lives / str(os.getpid())).touch()
        if len(list(lives.iterdir())) < 3: os.kill(os.getpid(), signal.SIGKILL)
    """
    stop, ready = asyncio.Event(), asyncio.Event()
    parent = asyncio.create_task(
        serve.Parent({"a": child(textwrap.dedent(dies_twice) + textwrap.dedent(PROMPT))})(ready.set, stop)
    )
    await asyncio.wait_for(ready.wait(), 10)
    stop.set()
    await asyncio.wait_for(parent, 10)
    said = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert [text.partition(";")[0] for text in said] == ["a ended with status -9"] * 2


async def test_a_child_that_ignores_the_end_is_killed() -> None:
    deaf = """
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("ready", flush=True)
        time.sleep(60)
    """
    stop, ready = asyncio.Event(), asyncio.Event()
    parent = asyncio.create_task(serve.Parent({"a": child(deaf)}, grace=0.1)(ready.set, stop))
    await asyncio.wait_for(ready.wait(), 10)
    stop.set()
    await asyncio.wait_for(parent, 5)


ALONE = """
    import asyncio, sys
    from mailer.serve import run
    async def service(ready, stop):
        ready()
        await stop.wait()
        print("ended", flush=True)
    run(service, lambda: print("ready", flush=True), ends_with_stdin="watch" in sys.argv)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_service_in_order(number: signal.Signals) -> None:
    with subprocess.Popen(child(ALONE), stdout=subprocess.PIPE, env=serve.child_environment()) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.stdout.read() == b"ended\n"
    assert process.returncode == 0


def test_what_a_service_starts_with_is_left_alone_by_the_collector_of_cycles() -> None:
    counting = "import gc\n    print(gc.get_freeze_count() > 1000, flush=True)\n    await stop.wait()"
    source = textwrap.dedent(ALONE).replace("await stop.wait()", counting, 1)
    with subprocess.Popen(child(source), stdout=subprocess.PIPE, env=serve.child_environment()) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        assert process.stdout.readline() == b"True\n"
        process.terminate()


def test_a_second_signal_while_it_ends_is_passed_over_in_silence() -> None:
    closing = """
    import os, signal
    from mailer import serve
    class Loop(asyncio.SelectorEventLoop):
        def close(self):
            super().close()
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
    serve._loop_factory = lambda: Loop
    """
    source = textwrap.dedent(ALONE).replace("async def", textwrap.dedent(closing) + "async def", 1)
    with subprocess.Popen(
        child(source), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=serve.child_environment()
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == b"ended\n"
    assert process.returncode == 0


def test_a_child_ends_with_its_parent() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([*child(ALONE), "watch"], stdin=pipe, stdout=pipe, env=serve.child_environment()) as process:
        assert process.stdout
        assert process.stdin
        assert process.stdout.readline() == b"ready\n"
        process.stdin.close()
        began = time.monotonic()
        assert process.stdout.read() == b"ended\n"
    assert time.monotonic() - began < 5


async def test_a_child_that_beats_and_falls_silent_is_killed_and_started_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(serve, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(serve, "FIRST_PAUSE_SECONDS", 0.01)
    hangs = """
        import time
        print("alive", flush=True)
        time.sleep(60)
    """
    ended = asyncio.Event()

    async def note(_name: str) -> None:
        ended.set()

    stop = asyncio.Event()
    parent = asyncio.create_task(serve.Parent({"a": child(hangs), "b": child(PROMPT)}, ended=note)(lambda: None, stop))
    await asyncio.wait_for(ended.wait(), 60)
    assert "a hangs and is killed" in caplog.text
    assert "b hangs" not in caplog.text
    stop.set()
    await asyncio.wait_for(parent, 30)


async def test_a_child_that_should_beat_and_never_begins_to_is_killed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(serve, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(serve, "FIRST_PAUSE_SECONDS", 0.01)
    ended, stop = asyncio.Event(), asyncio.Event()

    async def note(_name: str) -> None:
        ended.set()

    parent = asyncio.create_task(
        serve.Parent({"a": child("import time; time.sleep(60)")}, ended=note, beat=True)(lambda: None, stop)
    )
    await asyncio.wait_for(ended.wait(), 60)
    assert "a hangs and is killed" in caplog.text
    stop.set()
    await asyncio.wait_for(parent, 30)


def test_a_child_whose_end_went_unheard_is_started_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, in a kill test, a dead worker stood unasked for a minute: what tells of its end is one signal."""
    uvloop = pytest.importorskip("uvloop")
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(serve, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(serve, "FIRST_PAUSE_SECONDS", 0.01)
    ended = asyncio.Event()

    async def note(_name: str) -> None:
        ended.set()

    async def one_dies_unheard() -> None:
        stop, ready = asyncio.Event(), asyncio.Event()
        parent = asyncio.create_task(serve.Parent({"a": child(PROMPT)}, ended=note)(ready.set, stop))
        await asyncio.wait_for(ready.wait(), 20)
        (pid,) = re.findall(r"a runs as process (\d+)", caplog.text)
        kill_unheard(int(pid))
        await asyncio.wait_for(ended.wait(), 20)
        stop.set()
        await asyncio.wait_for(parent, 30)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(one_dies_unheard())
    assert "the end of a went unheard" in caplog.text


def test_a_child_that_hangs_and_whose_end_went_unheard_is_started_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    uvloop = pytest.importorskip("uvloop")
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(serve, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(serve, "FIRST_PAUSE_SECONDS", 0.01)
    ended = asyncio.Event()

    async def note(_name: str) -> None:
        ended.set()

    async def one_hangs_and_dies_unheard() -> None:
        stop, hangs = asyncio.Event(), child("import time; time.sleep(60)")
        parent = asyncio.create_task(serve.Parent({"a": hangs}, ended=note, beat=True)(lambda: None, stop))
        await said("a runs as process")
        with deaf():
            await said("a hangs and is killed")
            wait_unheard(int(re.findall(r"a runs as process (\d+)", caplog.text)[0]))
        await asyncio.wait_for(ended.wait(), 60)
        stop.set()
        await asyncio.wait_for(parent, 30)

    async def said(words: str) -> None:
        while words not in caplog.text:  # noqa: ASYNC110 -- the log sets no event
            await asyncio.sleep(0.01)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(one_hangs_and_dies_unheard())


def kill_unheard(pid: int) -> None:
    """Kill a child while nobody hears of it."""
    with deaf():
        os.kill(pid, signal.SIGKILL)
        wait_unheard(pid)


def wait_unheard(pid: int) -> None:
    """Return when a child has ended, and leave it to others to ask how."""
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


@contextmanager
def deaf() -> Iterator[None]:
    """Keep the loop's own handler of SIGCHLD, which Python knows nothing of, away."""
    libc, kept = ctypes.CDLL(None), ctypes.create_string_buffer(256)
    assert libc.sigaction(signal.SIGCHLD, None, kept) == 0
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        assert libc.sigaction(signal.SIGCHLD, kept, None) == 0
