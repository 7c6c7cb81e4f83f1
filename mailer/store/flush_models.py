"""Which table keeps what operators flushed?"""

from peewee import IntegerField, TextField

from mailer.store.models import Table


class Flush(Table):
    """A receiving domain, and the number of the last flush that named it; numbers go up."""

    domain = TextField(primary_key=True)
    number = IntegerField(index=True)
