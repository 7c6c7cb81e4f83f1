"""Which verbs does the command `mimamori` know?

One module for each verb or group of verbs, listed in `root`; each is imported when it is called. Called by a link of
another name it is the program of that name; see `postfix_names`.
"""

import gc
import os
import sys

#: The collector of cycles looks once so many objects more have been made than freed. With Python's own 700 it took 7 %
#: of the time of sending a broadcast to 10,000; little here makes cycles.
COLLECT_AFTER = 50_000


def main() -> None:
    """Run the command with the arguments of this process and end the process."""
    # No plugin of another package has business in our configuration, and looking for them keeps each command waiting.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")
    gc.set_threshold(COLLECT_AFTER)
    from mailer.cli.postfix_names import program

    name, command = program(sys.argv[0])
    command(prog_name=name)
