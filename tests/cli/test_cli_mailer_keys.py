"""Does a mailer begin although the keys cannot be read ahead?"""

import pytest

from mailer import app
from mailer.keyring import Keyring
from mailer.service.office import Office
from mailer.store.writer import Writer


async def test_a_store_that_refuses_while_keys_are_read_ahead_ends_nothing(
    office: Office, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_office: Office) -> None:
        raise OSError("the store refuses")

    monkeypatch.setattr(app, "active_selectors", refuse)
    writer = Writer()
    try:
        await app.read_ahead(Keyring(lambda _selector: b""), office, writer)
    finally:
        writer.close()
    assert "the store refuses" in caplog.text
