"""Make the tables of the first release.

A frozen copy would be independent of the models; until the first release is out, the models are that copy.
"""


def up(migrator, db):  # type: ignore[no-untyped-def]  # called by peewee's runner with its own objects
    from mailer.store.models import TABLES

    db.create_tables(TABLES)
