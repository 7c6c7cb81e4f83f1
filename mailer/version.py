"""Which version of mimamori is this? The same as in pyproject.toml; asking the package's metadata takes too long."""

VERSION = "0.1.0"
