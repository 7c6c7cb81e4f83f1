"""What may be typed for CODE, TIME, DATE and DURATION?"""

from datetime import date, datetime, timedelta
from typing import Any, NoReturn

import click

from mailer.cli.session import Session
from mailer.language import _

#: The largest number that a verb takes: more than there will be of anything, and the store can hold it.
MOST = 10**9


class Moment(click.ParamType[datetime]):
    """TIME: RFC 3339, Japan time if it names no zone."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the aware time."""
        from mailer.domain.moment import REASONS, MomentError, parse_moment

        if isinstance(value, datetime):
            return value
        try:
            return parse_moment(value)
        except MomentError as error:
            self.fail(f"{value!r}: {_(REASONS[error.reason])}", param, ctx)


class Day(click.ParamType[date]):
    """DATE: a day as 2026-04-01."""

    name = "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(_("{value!r}: A day is written like 2026-04-01.").format(value=value), param, ctx)


class Duration(click.ParamType[timedelta]):
    """DURATION: a number and s, m, h or d; `most` is how many days it may last."""

    name = "DURATION"

    def __init__(self, most: int | None = None) -> None:
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the length of time."""
        from mailer.domain.duration import REASONS, DurationError, parse_duration

        if isinstance(value, timedelta):
            return value
        try:
            length = parse_duration(value)
        except DurationError as error:
            if error.reason == "long_duration" and self._most is not None:
                self._fail_as_too_long(value, param, ctx)
            self.fail(f"{value!r}: {_(REASONS[error.reason])}", param, ctx)
        if self._most is not None and length > timedelta(days=self._most):
            self._fail_as_too_long(value, param, ctx)
        return length

    def _fail_as_too_long(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> NoReturn:
        words = _("{value!r} is too long: at most {most}d. Leave the option out to end it by hand.")
        self.fail(words.format(value=value, most=self._most), param, ctx)


class Code(click.ParamType[str]):
    """CODE: a school of schools.toml."""

    name = "CODE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the code as it is; another than those of schools.toml is refused with the list of them."""
        from config import load_schools

        if ctx is None or ctx.resilient_parsing:
            return str(value)
        schools = load_schools(ctx.ensure_object(Session).settings)
        if schools.get(value) is None:
            words = _("There is no school {code!r}. The schools are: {codes}")
            codes = ", ".join(f"{school.code} ({school.name})" for school in schools)
            self.fail(words.format(code=value, codes=codes), param, ctx)
        return str(value)
