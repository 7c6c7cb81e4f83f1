"""Does a service read only the secrets that it needs?"""

from pathlib import Path

import pytest

from config import CredentialError, Settings
from mailer.appliance import make_secrets, open_office
from mailer.store.models import database


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Where a new installation is to stand."""
    return Settings.model_validate({"state": {"directory": str(tmp_path)}})


@pytest.mark.parametrize(("needs", "missing"), [((), "receipt"), ((), "verp"), (("verp",), "receipt")])
def test_what_is_not_needed_may_be_out_of_reach(settings: Settings, needs: tuple[str, ...], missing: str) -> None:
    make_secrets(settings)
    open_office(settings, create=True)
    database.close()
    (settings.state.directory / "secrets" / f"{missing}.key").unlink()
    first, second = (open_office(settings, needs=needs) for _ in range(2))
    assert first.receipt_key != second.receipt_key
    with pytest.raises(CredentialError):
        open_office(settings)
    database.close()
