"""Which verbs does the command `mimamori` know?

One module for each verb or group of verbs, listed in `root`; each is imported when it is called.
"""


def main() -> None:
    """Run the command with the arguments of this process and end the process."""
    from mailer.cli.root import root

    root(prog_name="mimamori")
