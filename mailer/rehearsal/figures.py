"""What do the events of a rehearsal say about time?

Pure arithmetic: who announced what when, and what the town's journal tells, become curves. Guardians of a
rehearsal open `haste` times sooner than real ones; here their delay is stretched back. All times are seconds
since the broadcast was sent.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import ceil

PERCENTS = (50, 90, 99, 100)


@dataclass(frozen=True, slots=True)
class Curve:
    """How recipients (or households) of one kind came to be accepted and confirmed; both series are sorted seconds.

    `open` counts those that were neither accepted nor given up when the watching ended.
    """

    name: str
    label: str
    recipients: int
    open: int
    accepted: tuple[float, ...]
    confirmed: tuple[float, ...]

    def until(self, percent: int) -> float | None:
        """Return the seconds until `percent` of those that can be reached were accepted; None if they never were."""
        return _until(self.accepted, percent, len(self.accepted) + self.open)

    def until_confirmed(self, percent: int) -> float | None:
        """Return the seconds until `percent` of the accepted ones were confirmed; None if they never were."""
        return _until(self.confirmed, percent, len(self.accepted))

    @property
    def refused(self) -> int:
        """How many were given up without being accepted."""
        return self.recipients - len(self.accepted) - self.open

    @property
    def confirmed_share(self) -> float:
        """The share (0 to 1) of the accepted ones that were confirmed."""
        return len(self.confirmed) / len(self.accepted) if self.accepted else 0.0


def _until(series: Sequence[float], percent: int, of: int) -> float | None:
    needed = ceil(of * percent / 100)
    return series[needed - 1] if 0 < needed <= len(series) else None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a rehearsal predicts: all recipients, the households they stand for, each carrier (the largest first).

    `horizon`: confirmations are known until so many seconds. `haste`: how much sooner guardians opened.
    """

    total: Curve
    households: Curve
    carriers: tuple[Curve, ...]
    horizon: float
    haste: float


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient of the broadcast: its address, its carrier's name and label, whom it stands for, still open?"""

    address: str
    carrier: str
    label: str
    households: tuple[int, ...]
    open: bool


@dataclass(slots=True)
class Events:
    """When each address was first received, answered and opened, in seconds since 1970."""

    received: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    opened: dict[str, float] = field(default_factory=dict)

    def note(self, kind: str, address: str, at: float) -> None:
        """Remember the first time of a journal's line; kinds that say nothing about time are passed over."""
        if kind in ("received", "answered", "opened"):
            getattr(self, kind).setdefault(address, at)


@dataclass(frozen=True, slots=True)
class Watch:
    """When the broadcast was sent and the watching ended, in seconds since 1970, and the guardians' haste."""

    sent: float
    ended: float
    haste: float


def predict_from(recipients: Sequence[Recipient], events: Events, watch: Watch) -> Prediction:
    """Return what the events say about these recipients."""
    accepted = {address: at - watch.sent for address, at in events.answered.items()}
    horizon = _plain(max(accepted.values(), default=0.0) + _watched(events, watch))
    confirmed = {address: at for address, at in _confirmations(events, watch) if address in accepted and at <= horizon}
    carriers = [
        _curve(found[0].carrier, found[0].label, found, accepted, confirmed) for found in _by_carrier(recipients)
    ]
    return Prediction(
        total=_curve("total", "", recipients, accepted, confirmed),
        households=_households(recipients, accepted, confirmed),
        carriers=tuple(sorted(carriers, key=lambda curve: (-curve.recipients, curve.name))),
        horizon=horizon,
        haste=watch.haste,
    )


def _watched(events: Events, watch: Watch) -> float:
    """Return for how long the guardian who got the mail last was watched, in a real guardian's seconds."""
    last = max(events.answered.values(), default=watch.ended)
    return max(0.0, watch.ended - last) * watch.haste


def _plain(seconds: float) -> float:
    """Return a time that is easily said: beyond ten minutes in steps of ten, rounded down."""
    return seconds if seconds < 600 else seconds // 600 * 600


def _confirmations(events: Events, watch: Watch) -> Iterable[tuple[str, float]]:
    """Yield addresses and when a guardian without haste would have opened."""
    for address, at in events.opened.items():
        got = min(events.received.get(address, at), at)
        yield address, got - watch.sent + (at - got) * watch.haste


def _by_carrier(recipients: Iterable[Recipient]) -> Iterable[list[Recipient]]:
    ordered = sorted(recipients, key=lambda one: one.carrier)
    return (list(found) for _name, found in groupby(ordered, key=lambda one: one.carrier))


def _curve(
    name: str, label: str, found: Sequence[Recipient], accepted: Mapping[str, float], confirmed: Mapping[str, float]
) -> Curve:
    return Curve(
        name=name,
        label=label,
        recipients=len(found),
        open=sum(one.open and one.address not in accepted for one in found),
        accepted=tuple(sorted(accepted[one.address] for one in found if one.address in accepted)),
        confirmed=tuple(sorted(confirmed[one.address] for one in found if one.address in confirmed)),
    )


def _households(
    recipients: Iterable[Recipient], accepted: Mapping[str, float], confirmed: Mapping[str, float]
) -> Curve:
    """Return the curve of the households: the first of their addresses counts."""
    members: dict[int, list[Recipient]] = {}
    for one in recipients:
        for household in one.households:
            members.setdefault(household, []).append(one)
    reached = _first(members.values(), accepted)
    return Curve(
        name="households",
        label="",
        recipients=len(members),
        open=sum(
            any(one.open for one in each) and not any(one.address in accepted for one in each)
            for each in members.values()
        ),
        accepted=reached,
        confirmed=_first(members.values(), confirmed),
    )


def _first(households: Collection[Sequence[Recipient]], times: Mapping[str, float]) -> tuple[float, ...]:
    firsts = (min((times[one.address] for one in each if one.address in times), default=None) for each in households)
    return tuple(sorted(at for at in firsts if at is not None))
