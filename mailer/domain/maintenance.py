"""When may the service be out of reach, and what are guardians told about it?

A window is planned once; its notices leave at the lead times before it begins (F4, FAQ ②). People read
Japan time with the day of the week. The texts say what it means for them, and never that a mail was delivered.

Raises MaintenanceError for a plan that cannot stand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.domain.moment import JAPAN
from mailer.domain.typed import hidden_character

WEEKDAYS = "月火水木金土日"
WHOLE_SYSTEM = "児童見守りシステムの全サービス"
LONGEST = timedelta(days=31)
FIRST_LEAD = timedelta(days=90)
MOST_LEADS = 10
LONGEST_SERVICE = 60  # characters
#: Notices to a whole town leave within minutes, but a carrier that puts them off is asked again for longer than that.
SHORTEST_NOTICE = timedelta(hours=1)

#: What each refusal means, for whoever plans or cancels a window.
REASONS: Mapping[str, str] = {
    "ends_before_begin": "The maintenance ends before it begins.",
    "in_the_past": "The maintenance lies in the past.",
    "window_too_long": "A maintenance window may last at most 31 days.",
    "bad_lead": "A lead time must be longer than nothing and at most 90 days.",
    "too_many_leads": "At most 10 lead times are possible.",
    "bad_service": "The name of a service must be one visible line of at most 60 characters.",
    "overlapping": "Another maintenance is planned for that time; cancel that one first.",
    "unknown_window": "There is no maintenance window with this name.",
    "cancelled_already": "This maintenance was cancelled before.",
    "over_already": "This maintenance is over.",
}

#: What whoever plans a window is told although the plan stands.
WHY: Mapping[str, str] = {
    "no_notice": "No notice of this maintenance leaves: it has begun already, or no lead time is configured.",
    "at_once": "A lead time has passed already; that notice leaves at once.",
    "short_notice": (
        "Less than an hour lies between the first notice and the maintenance. What has not left when it begins never"
        " leaves: guardians may not be told beforehand."
    ),
}


class MaintenanceError(ValueError):
    """A window cannot be planned or cancelled: `reason` is a key of REASONS, `detail` the piece meant or empty."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(REASONS[reason] + (f" ({detail})" if detail else ""))
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Window:
    """A planned maintenance; no `services` means the whole system."""

    id: str
    begins_at: datetime
    ends_at: datetime
    services: tuple[str, ...]
    planned_at: datetime
    cancelled_at: datetime | None = None

    def runs(self, now: datetime) -> bool:
        """Tell whether the maintenance goes on at `now`."""
        return self.cancelled_at is None and self.begins_at <= now < self.ends_at


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice of a window, which leaves at `due_at`; `announcement_id` is set once it was announced."""

    id: int
    window_id: str
    due_at: datetime
    announcement_id: str | None


def check_window(window: Window) -> None:
    """Raise MaintenanceError unless the window ends after it begins, is not over, is no slip of the pen."""
    if window.ends_at <= window.begins_at:
        raise MaintenanceError("ends_before_begin")
    if window.ends_at <= window.planned_at:
        raise MaintenanceError("in_the_past")
    if window.ends_at - window.begins_at > LONGEST:
        raise MaintenanceError("window_too_long")
    for service in window.services:
        if not service.strip() or hidden_character(service) or len(service) > LONGEST_SERVICE:
            raise MaintenanceError("bad_service")


def due_times(window: Window, leads: Sequence[timedelta]) -> tuple[datetime, ...]:
    """Return when the notices of a window leave, in order; raise MaintenanceError for lead times that cannot be.

    Lead times that have passed already leave as one notice at once; none leaves once the window has begun.
    """
    if len(leads) > MOST_LEADS:
        raise MaintenanceError("too_many_leads")
    for lead in leads:
        if not timedelta() < lead <= FIRST_LEAD:
            raise MaintenanceError("bad_lead", str(lead))
    if window.begins_at <= window.planned_at:
        return ()
    return tuple(sorted({max(window.begins_at - lead, window.planned_at) for lead in leads}))


def warnings(window: Window, times: Sequence[datetime]) -> tuple[str, ...]:
    """Return the keys of WHY that hold for a window whose notices leave at these times, in order."""
    if not times:
        return ("no_notice",)
    found = {
        "at_once": times[0] <= window.planned_at,
        "short_notice": window.begins_at - times[0] < SHORTEST_NOTICE,
    }
    return tuple(reason for reason, holds in found.items() if holds)


def notice(window: Window) -> tuple[str, str]:
    """Return subject and text of the notice that goes out before a window."""
    subject = f"システムメンテナンスのお知らせ（{japanese_time(window.begins_at)}から）"
    return subject, NOTICE.format(period=_period(window), services=_services(window))


def called_off(window: Window, now: datetime) -> tuple[str, str]:
    """Return subject and text for those who were told of a window that is off, or over before its time."""
    if now < window.begins_at:
        return f"システムメンテナンス中止のお知らせ（{japanese_time(window.begins_at)}から）", CALLED_OFF.format(
            period=_period(window)
        )
    return "システムメンテナンス終了のお知らせ", ENDED_EARLY.format(period=_period(window))


def japanese_time(moment: datetime) -> str:
    """Return a time as it is written in Japan, with its day of the week: 9月12日（土）22:00."""
    local = moment.astimezone(JAPAN)
    return f"{local.month}月{local.day}日（{WEEKDAYS[local.weekday()]}）{local.hour}:{local.minute:02}"


def _period(window: Window) -> str:
    begin = f"{window.begins_at.astimezone(JAPAN).year}年{japanese_time(window.begins_at)}"
    end = f"{window.ends_at.astimezone(JAPAN).year}年{japanese_time(window.ends_at)}"
    return f"{begin} から {end} まで"


def _services(window: Window) -> str:
    return "、".join(window.services) or WHOLE_SYSTEM


NOTICE = """\
児童見守りシステムをご利用の皆さまへ

次の日時に、センター側でシステムメンテナンスを行います。

日時：{period}
対象：{services}

メンテナンス中は、児童見守りシステムのサービスをご利用いただけないことがあります。
・専用サイトや受信確認のページは開けません。終了後にもう一度開いてください。
・通常の連絡メールは、メンテナンスの終了後に順次送信します。
・児童の安全に関わる緊急のお知らせは、メンテナンス中でも送信することがあります。

お手続きは必要ありません。
ご不明な点は、児童見守りシステムサポート窓口までお問い合わせください。

このお知らせは、ご登録のすべてのメールアドレス（アドレス1～4）にお送りしています。
"""

CALLED_OFF = """\
児童見守りシステムをご利用の皆さまへ

先にお知らせした次のシステムメンテナンスは、中止になりました。

日時：{period}

この日時も、児童見守りシステムのサービスはいつもどおりご利用いただけます。
お手続きは必要ありません。

先のお知らせが届く前に中止になった方にも、このメールをお送りしています。
"""

ENDED_EARLY = """\
児童見守りシステムをご利用の皆さまへ

先にお知らせした次のシステムメンテナンスは、予定より早く終了しました。

日時：{period}

児童見守りシステムのサービスは、いつもどおりご利用いただけます。
お手続きは必要ありません。
"""
