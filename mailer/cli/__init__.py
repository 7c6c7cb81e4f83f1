"""Which verbs does the command `mimamori` know?

One module for each verb or group of verbs, listed in `root`; each is imported when it is called. Called by a link of
another name it is the program of that name; see `postfix_names`.
"""

import sys


def main() -> None:
    """Run the command with the arguments of this process and end the process."""
    from mailer.cli.postfix_names import program

    name, command = program(sys.argv[0])
    command(prog_name=name)
