"""What is wrong with bytes that pretend to be a report?"""


class Unreadable(ValueError):
    """A report cannot be read; the words say why. The only error that readers of reports raise."""
