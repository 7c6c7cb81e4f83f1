"""Which tables keep what others report about our mail?

A complaint has no rows: it is about one mail.
"""

from peewee import AutoField, BlobField, BooleanField, ForeignKeyField, IntegerField, TextField

from mailer.store.models import InboundMail, Instant, Table


class ReceivedReport(Table):
    """One report, kept once however often it comes; `receiver` is what we call whoever reports.

    `digest` tells apart what bears the same name: whoever guesses the name of a report cannot keep the true one out.
    `day` is the day that it is about, as `2026-04-10`, in `zone` (Japan or UTC); `mail` is the one it came in.
    Of complaints alone some are `proved`: only who got a mail of ours can have written them.
    """

    id = AutoField()
    kind = TextField()
    reporter = TextField()
    report_id = TextField()
    domain = TextField()
    digest = BlobField()
    receiver = TextField()
    organisation = TextField()
    contact = TextField()
    policy = TextField()
    day = TextField(index=True)
    zone = TextField()
    begins_at = Instant()
    ends_at = Instant()
    received_at = Instant(index=True)
    mail = ForeignKeyField(InboundMail, null=True, index=True, on_delete="SET NULL")
    proved = BooleanField()

    class Meta:
        indexes = ((("kind", "reporter", "report_id", "domain", "digest"), True),)


class ReportedMail(Table):
    """So many mails from one address fared alike; only those that bear our domain, `about_us`, are summed."""

    id = AutoField()
    report = ForeignKeyField(ReceivedReport, index=True, on_delete="CASCADE")
    about_us = BooleanField()
    sender = TextField()
    source = TextField()
    messages = IntegerField()
    disposition = TextField()
    dkim = BooleanField()
    spf = BooleanField()
    header_from = TextField()
    envelope_from = TextField()
    dkim_said = TextField()
    spf_said = TextField()
    reasons = TextField()


class ReportedTls(Table):
    """So many sessions under one policy ended alike; only those with us, `about_us`, are summed."""

    id = AutoField()
    report = ForeignKeyField(ReceivedReport, index=True, on_delete="CASCADE")
    about_us = BooleanField()
    policy = TextField()
    domain = TextField()
    sessions = IntegerField()
    failure = TextField()
    host = TextField()
    source = TextField()
    reason = TextField()


TABLES: tuple[type[Table], ...] = (ReceivedReport, ReportedMail, ReportedTls)
