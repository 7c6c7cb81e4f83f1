"""Can the certificate of port 25 be used that `[inbound]` names?

Raises ConfigError where a file is not there, or the two are no certificate and its key. Files that only the service may
read are left to it.
"""

from pathlib import Path

from config.problem import ConfigError, Problem
from config.schema import Settings


def check_certificate(settings: Settings) -> None:
    """Raise ConfigError unless the certificate and its key, if they are named, can be used."""
    chain, key = settings.inbound.certificate, settings.inbound.key
    if chain is None or key is None:
        return
    try:
        _insist(chain, key)
    except PermissionError:
        return


def _insist(chain: Path, key: Path) -> None:
    import ssl

    missing = [Problem(file, None, "", "no_file") for file in (chain, key) if not file.exists()]
    if missing:
        raise ConfigError(missing)
    try:
        # Without a password OpenSSL would ask for one at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key, password="")
    except ssl.SSLError:
        raise ConfigError([Problem(chain, None, "", "no_pair", {"key": key})]) from None
