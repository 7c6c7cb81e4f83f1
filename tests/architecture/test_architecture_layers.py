"""Does every package import only what its layer allows?

ARCHITECTURE.md has this table by package; a new package is added to both first. A permission that nobody uses is taken
away: who needs it one day asks for it here.
"""

import pytest

from tests.architecture.source import Module, modules

PURE = ("mailer.smtp", "mailer.domain", "mailer.carrier", "mailer.message", "mailer.schedule", "mailer.bounce")
PURE_ALL = (*PURE, "mailer.standing", "mailer.report", "mailer.mime")
LEAVES = (
    "mailer.clock",
    "mailer.ids",
    "mailer.log",
    "mailer.language",
    "mailer.notify",
    "mailer.version",
    "mailer.files",
    "mailer.signatory",
)

#: A package (longest match wins) and the product packages that it may import besides itself.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "config": ("mailer.domain", "mailer.carrier", "mailer.bounce"),
    "mailer.smtp": (),
    "mailer.domain": ("mailer.smtp",),
    "mailer.carrier": (),
    "mailer.message": ("mailer.smtp", "mailer.domain"),
    "mailer.schedule": ("mailer.smtp", "mailer.domain", "mailer.carrier"),
    "mailer.mime": (),
    "mailer.bounce": ("mailer.smtp", "mailer.domain", "mailer.carrier", "mailer.mime"),
    "mailer.standing": (),
    "mailer.report": ("mailer.smtp", "mailer.domain", "mailer.message", "mailer.mime"),
    "mailer.store": PURE_ALL,
    "mailer.service": (*PURE_ALL, "mailer.store", "mailer.clock"),
    "mailer.net": ("mailer.smtp",),
    "mailer.dispatcher": (
        *PURE,
        "mailer.net",
        "mailer.service",
        "mailer.store.failure",
        "mailer.store.reader",
        "mailer.store.writer",
        *LEAVES,
    ),
    "mailer.arithmetic": ("mailer.message", "mailer.serve"),
    "mailer.liveness": ("mailer.files",),
    "mailer.alarms": ("mailer.domain", "mailer.language", "mailer.service", "mailer.store.writer"),
    "mailer.tls_tally": ("mailer.clock", "mailer.report", "mailer.service", "mailer.smtp", "mailer.store.writer"),
    "mailer.reporting": (
        "mailer.message",
        "mailer.net",
        "mailer.report",
        "mailer.service",
        "mailer.smtp",
        "mailer.store.writer",
    ),
    "mailer.replying": (
        "mailer.net",
        "mailer.reporting",
        "mailer.service",
        "mailer.store.reader",
        "mailer.store.writer",
    ),
    "mailer.announcing": ("mailer.service", "mailer.store.writer"),
    "mailer.forgetting": (
        "mailer.clock",
        "mailer.domain",
        "mailer.service",
        "mailer.store.reader",
        "mailer.store.writer",
    ),
    "mailer.errand": ("mailer.domain",),
    "mailer.handfuls": ("mailer.service", "mailer.store.writer"),
    "mailer.reserve": ("mailer.clock",),
    "mailer.sealed_room": ("mailer.bounce", "mailer.mime", "mailer.report"),
    "mailer.sealed": ("mailer.bounce", "mailer.sealed_room"),
    "mailer.reading": (
        "mailer.sealed",
        "mailer.sealed_room",
        "mailer.service",
        "mailer.store.failure",
        "mailer.store.reader",
        "mailer.store.writer",
    ),
    "mailer.timers": ("mailer.clock", "mailer.service", "mailer.store.failure", "mailer.store.writer"),
    "mailer.keeping": (),
    "mailer.clock": ("mailer.domain",),
    "mailer.log": ("mailer.clock", "mailer.smtp.quoted"),
    "webhook": ("mailer.service", "mailer.domain", "mailer.language"),
}
#: These put things together and may import everything of their side.
ASSEMBLE = (
    "mailer.alarm_ways",
    "mailer.app",
    "mailer.appliance",
    "mailer.cli",
    "mailer.inbound_app",
    "mailer.keyring",
    "mailer.rehearsal",
    "mailer.report_ways",
    "mailer.sentry",
    "mailer.serve",
    "mailer.worker",
    "mailer.transport_security",
    "webhook.app",
)
DATABASES = ("apsw", "peewee", "playhouse", "sqlite3")
KEYS_AND_SENDING = (
    "mailer.dispatcher",
    "mailer.keyring",
    "mailer.message.keys",
    "mailer.message.sign",
    "mailer.message.signer",
    "mailer.signatory",
    "mailer.net.dial",
    "mailer.net.transport",
    "mailer.smtp.client",
)
FORBIDDEN_TO_PURE = ("socket", "asyncio", "sqlite3", "apsw", "peewee", "random", "secrets", "time", "os", "subprocess")


def owner(name: str, table: tuple[str, ...] | dict[str, tuple[str, ...]]) -> str | None:
    """Return the longest entry of `table` that `name` is or stands under."""
    return max((key for key in table if name == key or name.startswith(key + ".")), key=len, default=None)


def product_imports(module: Module) -> list[str]:
    """Return the imported names that belong to the product."""
    return [name for name in module.imports() if name.split(".")[0] in ("config", "mailer", "webhook")]


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)
def test_imports_only_what_its_layer_allows(module: Module) -> None:
    if owner(module.name, ASSEMBLE) or module.name in ("mailer", "mailer.__main__"):
        return
    home = owner(module.name, MAY_IMPORT)
    assert home is not None or module.name in LEAVES, f"{module.name} is in no layer: add it to the table"
    allowed = (home or module.name, *MAY_IMPORT.get(home or "", ()))
    wrong = [name for name in product_imports(module) if owner(name, tuple(allowed)) is None]
    assert not wrong, f"{module.where} must not import {wrong}"


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)
def test_only_apps_and_cli_read_the_configuration(module: Module) -> None:
    if module.name.startswith("config") or owner(module.name, ASSEMBLE):
        return
    assert not [name for name in module.imports() if name.split(".")[0] == "config"]


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)
def test_nothing_in_the_mailer_imports_the_webhook(module: Module) -> None:
    if module.name.startswith("mailer"):
        assert not [name for name in module.imports() if name.split(".")[0] == "webhook"]


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)
def test_the_web_side_has_no_keys_and_opens_no_smtp_connection(module: Module) -> None:
    if module.name.startswith("webhook"):
        assert not [name for name in module.imports() if owner(name, KEYS_AND_SENDING)]


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)
def test_only_the_store_speaks_to_the_database(module: Module) -> None:
    if not module.name.startswith("mailer.store"):
        assert not [name for name in module.imports() if name.split(".")[0] in DATABASES]


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)
def test_pure_packages_touch_neither_clock_nor_chance_nor_machine(module: Module) -> None:
    if owner(module.name, PURE_ALL):
        assert not [name for name in module.imports() if name.split(".")[0] in FORBIDDEN_TO_PURE]


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)
def test_only_the_clock_asks_the_time(module: Module) -> None:
    if module.name != "mailer.clock":
        assert "datetime.now(" not in module.text
        assert "time.time(" not in module.text


def test_no_package_may_import_what_it_does_not() -> None:
    used: dict[str, set[str]] = {}
    for module in modules():
        home = owner(module.name, MAY_IMPORT)
        if home is not None and owner(module.name, ASSEMBLE) is None:
            used.setdefault(home, set()).update(owner(name, MAY_IMPORT[home]) or "" for name in product_imports(module))
    common = {*PURE_ALL, *LEAVES}  # given all together to those above them
    unused = {
        home: idle for home, allowed in MAY_IMPORT.items() if (idle := set(allowed) - used.get(home, set()) - common)
    }
    assert unused == {}
