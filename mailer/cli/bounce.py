"""What came back?"""

import click

from mailer.cli.verb import N_, Verbs

VERBS = {
    "suspended": "mailer.cli.suspended:suspended",
    "resume": "mailer.cli.suspended:resume",
    "list": "mailer.cli.bounce_list:list_",
    "parse": "mailer.cli.bounce_parse:parse",
    "show": "mailer.cli.bounce_list:show",
    "reading": "mailer.cli.bounce_reading:reading",
}


@click.group(cls=Verbs, later=VERBS, help=N_("What came back: returned mails, and what replies of mail servers mean."))
def bounce() -> None:
    """Group the verbs about what came back."""
