"""How many kills, and which ones? `--kills N --seed S`, where a path in this directory is named."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=1000, help="how often the long crash test kills the mailer")
    parser.addoption("--seed", type=int, default=20261126, help="which moments it chooses")
