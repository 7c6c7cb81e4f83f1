"""Are the ways out those of the configuration, and is the machine's trouble seen?"""

from pathlib import Path

from config import Settings
from mailer.alarm_ways import Command, Webhook, alarm_ways, troubles
from mailer.domain.alarm import Kind, Message
from tests.conftest import FakeClock

MESSAGE = Message("A1_raised", {}, b"{}")


def settings(directory: Path, **alarm: object) -> Settings:
    """Return settings with this state directory and these alarms."""
    return Settings.model_validate({"state": {"directory": str(directory)}, "alarm": alarm})


class Calm:
    """A writer that nothing is wrong with."""

    failure: Exception | None = None
    trouble: str = ""


def seen(found: Settings, calm: Calm) -> dict[Kind, str]:
    """Return the kinds of trouble, with words."""
    return {kind: words for (kind, _), words in troubles(found, calm, {"queue": calm}).items()}


def test_no_way_is_set(tmp_path: Path, clock: FakeClock) -> None:
    assert alarm_ways(settings(tmp_path), clock) == []


def test_both_ways_are_set(tmp_path: Path, clock: FakeClock) -> None:
    secret = tmp_path / "secrets" / "webhook.key"
    secret.parent.mkdir()
    secret.write_text("whsec_" + "A" * 43 + "=\n")
    secret.chmod(0o640)
    ways = alarm_ways(settings(tmp_path, webhook="https://monitor.example.jp/", command=["/bin/true"]), clock)
    assert ways == [Webhook("https://monitor.example.jp/", bytes(32), clock), Command(("/bin/true",))]


async def test_a_webhook_without_its_secret_says_so_and_stops_nothing_else(tmp_path: Path, clock: FakeClock) -> None:
    webhook, command = alarm_ways(
        settings(tmp_path, webhook="https://monitor.example.jp/", command=["/bin/true"]), clock
    )
    assert (webhook.name, command.name) == ("webhook", "command")
    assert "run `mimamori init`" in await webhook.tell(MESSAGE)
    assert await command.tell(MESSAGE) == ""


def test_the_machines_troubles(tmp_path: Path) -> None:
    calm, broken = Calm(), Calm()
    broken.failure, broken.trouble = OSError("disk I/O error"), "database is locked"
    assert seen(settings(tmp_path, free_megabytes=1), calm) == {}
    low = seen(settings(tmp_path, free_megabytes=1_000_000), calm)
    assert list(low) == [Kind.DISK_LOW]
    assert low[Kind.DISK_LOW].endswith(" MB")
    assert seen(settings(tmp_path, free_megabytes=1), broken) == {
        Kind.STORE_FAILED: "disk I/O error",
        Kind.QUEUE_STUCK: "database is locked",
    }
    assert list(seen(settings(tmp_path / "gone"), calm)) == [Kind.STORE_FAILED]
