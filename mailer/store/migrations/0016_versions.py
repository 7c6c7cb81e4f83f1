"""How does a store keep reports that bear one name and contradict each other, and complaints that nobody proves?

A frozen copy.

Before, the first of a name was kept and what came later was taken for its copy; what stands there already has an empty
digest, and goes on to be the only one of its name. The tables are made anew: a column cannot be put before the
constraints of a table, and those of the lines refer to that of the reports.
"""

from peewee import (
    AutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    Database,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)
from playhouse.migrate import SchemaMigrator, migrate

BEFORE = (
    "DROP INDEX received_report_day",
    "DROP INDEX received_report_received_at",
    "DROP INDEX received_report_mail_id",
    "DROP INDEX received_report_kind_reporter_report_id_domain",
    "DROP INDEX reported_mail_report_id",
    "DROP INDEX reported_tls_report_id",
    "ALTER TABLE received_report RENAME TO received_report_before",
    "ALTER TABLE reported_mail RENAME TO reported_mail_before",
    "ALTER TABLE reported_tls RENAME TO reported_tls_before",
)
COPY = (
    "INSERT INTO received_report SELECT id, kind, reporter, report_id, domain, x'', receiver, organisation, contact,"
    " policy, day, zone, begins_at, ends_at, received_at, mail_id, kind = 'complaint' AND EXISTS ("
    " SELECT 1 FROM bounce_event AS event WHERE event.mail_id = report.mail_id AND event.kind = 'complaint'"
    " AND event.proved AND SUBSTR(LOWER(event.recipient), -LENGTH(report.reporter) - 1) = '@' || report.reporter"
    ") FROM received_report_before AS report",
    "INSERT INTO reported_mail SELECT * FROM reported_mail_before",
    "INSERT INTO reported_tls SELECT * FROM reported_tls_before",
    "DROP TABLE reported_mail_before",
    "DROP TABLE reported_tls_before",
    "DROP TABLE received_report_before",
)


class Table(Model):
    class Meta:
        legacy_table_names = False


class InboundMail(Table):
    id = AutoField()


class ReceivedReport(Table):
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
    begins_at = BigIntegerField()
    ends_at = BigIntegerField()
    received_at = BigIntegerField(index=True)
    mail = ForeignKeyField(InboundMail, null=True, index=True, on_delete="SET NULL")
    proved = BooleanField()

    class Meta:
        indexes = ((("kind", "reporter", "report_id", "domain", "digest"), True),)


class ReportedMail(Table):
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


TABLES = (ReceivedReport, ReportedMail, ReportedTls)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the tables anew with the columns."""
    migrate(*(migrator.sql(change) for change in BEFORE))
    with db.bind_ctx((InboundMail, *TABLES)):
        db.create_tables(TABLES)
    migrate(*(migrator.sql(change) for change in COPY))
