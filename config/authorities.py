"""Do the authorities that `[delivery] ca_file` names exist?

Raises ConfigError where the file is not there or holds no certificate.
"""

from config.problem import ConfigError, Problem
from config.schema import Settings


def check_authorities(settings: Settings) -> None:
    """Raise ConfigError unless the file, if one is named, can be used."""
    file = settings.delivery.ca_file
    if file is None:
        return
    import ssl

    try:
        ssl.create_default_context(cafile=file)
    except FileNotFoundError:
        raise ConfigError([Problem(file, None, "", "no_file")]) from None
    except ssl.SSLError:
        raise ConfigError([Problem(file, None, "", "no_certificate")]) from None
    except OSError as error:
        raise ConfigError([Problem(file, None, "", "unreadable", {"detail": error.strerror})]) from error
