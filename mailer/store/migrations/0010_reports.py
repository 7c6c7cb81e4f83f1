"""Which tables keep what others report about our mail? A frozen copy."""

from peewee import AutoField, BigIntegerField, BooleanField, Database, ForeignKeyField, IntegerField, Model, TextField
from playhouse.migrate import SchemaMigrator


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

    class Meta:
        indexes = ((("kind", "reporter", "report_id", "domain"), True),)


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
    """Make the tables."""
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES)
