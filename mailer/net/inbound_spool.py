"""Where does a mail wait while it arrives?

In memory while it is small, then in a file without a name, so that many large mails at once do not fill the
memory of the appliance. A disk that is full or broken is noted, not raised: the peer must still be read to
the final dot before he can be told.
"""

import logging
from tempfile import SpooledTemporaryFile

_log = logging.getLogger(__name__)


class Spool:
    """The content of one mail; close it when the mail is stored or refused. `failure` is why it is not whole."""

    def __init__(self, in_memory: int, directory: str) -> None:
        self.failure: OSError | None = None
        self._file = SpooledTemporaryFile(max_size=in_memory, dir=directory)  # noqa: SIM115  # closed by close()

    def close(self) -> None:
        """Forget the mail."""
        self._file.close()

    def write(self, data: bytes) -> None:
        """Keep some more bytes, unless an earlier write failed."""
        if self.failure is not None:
            return
        try:
            self._file.write(data)
        except OSError as error:
            _log.warning("a mail could not be spooled: %s", error)
            self.failure = error

    def content(self, octets: int = -1) -> bytes:
        """Return everything that was kept, or its first `octets`."""
        self._file.seek(0)
        return self._file.read(octets)
