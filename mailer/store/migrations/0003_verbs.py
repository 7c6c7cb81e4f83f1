"""What do operators stop for a time, where does each domain's mail go, and what was said in each session?

Tables for stops, for holds that end by themselves and for sessions; the site of a domain in our memory of it; the
transcript of an attempt. The table of attempts is made anew: a column is added behind the constraints of a table, and
what was made at once would differ from it.
"""

from peewee import (
    SQL,
    AutoField,
    BigIntegerField,
    CompositeKey,
    Database,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)
from playhouse.migrate import SchemaMigrator, migrate


class Table(Model):
    class Meta:
        legacy_table_names = False


class QueueItem(Table):
    id = AutoField()


class QueueStop(Table):
    id = AutoField()
    carrier = TextField()
    domains = TextField()
    site = TextField()
    domain = TextField()
    school = TextField()
    announcement = TextField()
    since = BigIntegerField()
    actor = TextField()
    why = TextField()
    until = BigIntegerField(null=True)


class TimedHold(Table):
    item = ForeignKeyField(QueueItem, primary_key=True, on_delete="CASCADE")
    until = BigIntegerField(index=True)


class SmtpSession(Table):
    id = BigIntegerField(primary_key=True)
    peer = TextField()
    began = BigIntegerField()
    connected = BigIntegerField(null=True)
    hostname = TextField()
    tls = TextField()
    opening = TextField()


class Attempt(Table):
    item = ForeignKeyField(QueueItem, index=False, on_delete="CASCADE")
    number = IntegerField()
    started_at = BigIntegerField()
    ended_at = BigIntegerField(null=True)
    verdict = TextField(null=True)
    host = TextField()
    stage = TextField()
    code = IntegerField()
    enhanced = TextField()
    reply = TextField()
    tls = TextField()
    reason = TextField()
    session_id = BigIntegerField(null=True)
    transcript = TextField(constraints=[SQL("DEFAULT ''")])

    class Meta:
        primary_key = CompositeKey("item", "number")


TABLES = (QueueItem, QueueStop, TimedHold, SmtpSession, Attempt)
COPY = """
INSERT INTO attempt (item_id, number, started_at, ended_at, verdict, host, stage, code, enhanced, reply, tls, reason)
SELECT item_id, number, started_at, ended_at, verdict, host, stage, code, enhanced, reply, tls, reason
FROM attempt_before
"""


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the tables and the columns."""
    migrate(migrator.sql("ALTER TABLE attempt RENAME TO attempt_before"))
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES[1:])
    migrate(migrator.sql(COPY), migrator.sql("DROP TABLE attempt_before"))
    site = TextField(constraints=[SQL("DEFAULT ''")])
    migrate(migrator.add_column("domain_memory", "site", site, allow_not_null=True))
