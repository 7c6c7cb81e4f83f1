"""Is a good configuration read as it is meant, and everything that is wrong with a bad one named?"""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config import ConfigError, Problem, Settings, load
from config.schema import Inbound, State


def written(directory: Path, text: str) -> Path:
    """Write a configuration file."""
    file = directory / "mimamori.toml"
    file.write_text(text, encoding="utf-8")
    return file


def problems(file: Path) -> list[tuple[int | None, str, str]]:
    """Return line, key and reason of all that is wrong with a file."""
    with pytest.raises(ConfigError) as caught:
        load(file)
    return [(problem.line, problem.key, problem.reason) for problem in caught.value.problems]


def test_an_empty_file_is_good(tmp_path: Path) -> None:
    settings = load(written(tmp_path, ""))
    assert settings == Settings.model_validate({})
    assert settings.domain.hostname == settings.domain.name == "mail.mimamori-iwamizawa.jp"
    assert settings.database.url == "sqlite:///var/lib/mimamori/mimamori.db"
    assert settings.dns.nameservers == (("127.0.0.1", 53),)
    assert settings.maintenance.lead == (timedelta(days=7), timedelta(days=1))


def test_what_outside_tests_set(tmp_path: Path) -> None:
    settings = load(
        written(
            tmp_path,
            f"""
            [domain]
            name = "Mail.Example.test"
            hostname = "mx.mail.example.test"
            [state]
            directory = "{tmp_path}/state"
            [database]
            url = "sqlite:////srv/store.db"
            [dns]
            nameservers = ["127.0.0.1:5353", "[::1]:5354"]
            [delivery]
            port = 2525
            permit_private_destinations = true
            require_standing = false
            connections_per_site = 5
            messages_per_session = 10
            workers = 2
            source_addresses = ["127.0.0.2", "::1"]
            public_addresses = ["203.0.113.25"]
            [schools]
            file = "{tmp_path}/schools.toml"
            [inbound]
            listen = ["127.0.0.1:2526"]
            submission_listen = ["[::1]:2587"]
            timeout = 5
            [web]
            listen = ["127.0.0.1:8000"]
            base_url = "http://127.0.0.1:8000/"
            [admin]
            listen = ["localhost:8001"]
            [dkim]
            directory = "{tmp_path}/keys"
            """,
        )
    )
    assert settings.domain.name == "mail.example.test"
    assert settings.domain.hostname == "mx.mail.example.test"
    assert settings.state.directory == tmp_path / "state"
    assert settings.database.url == "sqlite:///srv/store.db"
    assert settings.dns.nameservers == (("127.0.0.1", 5353), ("::1", 5354))
    assert settings.delivery.source_addresses == ("127.0.0.2", "::1")
    assert settings.delivery.seen_addresses == ("203.0.113.25",)
    assert settings.delivery.workers == 2
    assert settings.inbound.submission_listen == (("::1", 2587),)
    assert settings.web.base_url == "http://127.0.0.1:8000"
    assert settings.admin.listen == (("localhost", 8001),)
    assert settings.dkim.directory == tmp_path / "keys"


def test_what_follows_from_other_settings(tmp_path: Path) -> None:
    settings = load(
        written(tmp_path, '[domain]\nname = "a.example.jp"\n[state]\ndirectory = "/srv/m"\n[dkim]\n[web]\n')
    )
    assert settings.domain.hostname == "a.example.jp"
    assert settings.web.base_url == "https://a.example.jp"
    assert settings.database.url == "sqlite:///srv/m/mimamori.db"
    assert settings.dkim.directory == Path("/srv/m/dkim")


def test_sections_made_in_a_program_are_followed_too() -> None:
    settings = Settings.model_validate({"state": State(directory=Path("/srv/m")), "inbound": Inbound(timeout=7)})
    assert settings.dkim.directory == Path("/srv/m/dkim")
    assert settings.inbound.timeout == 7


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings.model_validate({}).delivery.port = 26


def test_every_problem_is_named_with_its_line(tmp_path: Path) -> None:
    text = """\
hostname = "mail.mimamori-iwamizawa.jp"

[domian]
name = "x.example.jp"
[state]
directory = "data"
[delivery]
port = 70000
prot = 25
permit_private_destinations = "yes"
[inbound]
listen = [
  "127.0.0.1:25",
  "::1:25",
]
"""
    assert problems(written(tmp_path, text)) == [
        (1, "hostname", "unknown_near"),
        (3, "domian", "unknown_near"),
        (6, "state.directory", "path"),
        (8, "delivery.port", "whole"),
        (9, "delivery.prot", "unknown_near"),
        (10, "delivery.permit_private_destinations", "switch"),
        (14, "inbound.listen[2]", "endpoint"),
    ]


def test_the_words_name_file_line_key_and_what_is_allowed(tmp_path: Path) -> None:
    file = written(tmp_path, "[delivery]\nprot = 25\nport = 0\n[admin]\nqqq = 1\n")
    with pytest.raises(ConfigError) as caught:
        load(file)
    first, second, third = str(caught.value).splitlines()
    assert first.startswith(
        f"{file}:2: delivery.prot: there is no such setting; did you mean port? Allowed here: port, "
    )
    assert second == f"{file}:3: delivery.port: must be a whole number from 1 to 65535, not 0"
    assert third == f"{file}:5: admin.qqq: there is no such setting; allowed here: listen"


def test_a_key_in_the_wrong_section_is_shown_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"did you mean web\.base_url\?"):
        load(written(tmp_path, '[domain]\nbase_url = "https://x.example.jp"\n'))


@pytest.mark.parametrize(
    ("text", "line", "key", "reason"),
    [
        ('[domain]\nhostname = "mx.example.jp"', 2, "domain.hostname", "outside_domain"),
        ('[domain]\nname = "example.jp"\nhostname = "notexample.jp"', 3, "domain.hostname", "outside_domain"),
        ("[dns]\ntimeout = 10\nlifetime = 5", 3, "dns.lifetime", "shorter"),
        ('[suspension]\nkeep = "10d"', 2, "suspension.keep", "shorter"),
        ('[retention]\nsetbacks = "10d"', 2, "retention.setbacks", "shorter"),
        ('[retention]\nbroadcasts = "100d"', 2, "retention.broadcasts", "shorter"),
        ("[dns]\nnameservers = []", 2, "dns.nameservers", "empty_list"),
        ('[dns]\nnameservers = ["127.0.0.1:53", "127.0.0.1:53"]', 2, "dns.nameservers", "twice"),
        ('[inbound]\nlisten = ["127.0.0.1:8080"]', None, "web.listen", "in_use"),
        ('[web]\nlisten = ["127.0.0.1:1", "127.0.0.1:1"]', 2, "web.listen", "twice"),
        ("[maintenance]\nlead = []", 2, "maintenance.lead", "empty_list"),
        ('domain = "example.jp"', 1, "domain", "not_a_section"),
        ("[[web]]\nlisten = []", 1, "web", "not_a_section"),
        ('[web]\nlisten = "127.0.0.1:1"', 2, "web.listen", "not_a_list"),
        ('[web]\nlisten = { a = "127.0.0.1:1" }', 2, "web.listen", "not_sections"),
        ('["delivery"]\n"port" = true', 2, "delivery.port", "whole"),
        ("delivery.port = -1", 1, "delivery.port", "whole"),
        ("[appliance]\nlanguage = 'fr'", 2, "appliance.language", "choice"),
        ("[delivery]\nworkers = 0", 2, "delivery.workers", "whole"),
        ("[delivery]\nport = 25\nport = 26", 3, "", "syntax"),
        ("[delivery]\nport = ", 2, "", "syntax"),
        ("[delivery]\nport = 25\n\n[delivery]", 4, "", "syntax"),
    ],
)
def test_single_problems(tmp_path: Path, text: str, line: int | None, key: str, reason: str) -> None:
    assert problems(written(tmp_path, text)) == [(line, key, reason)]


def test_what_follows_from_a_wrong_setting_is_not_reported_as_well(tmp_path: Path) -> None:
    assert problems(written(tmp_path, "[state]\ndirectory = 5\n[domain]\nname = []\n[dkim]\n")) == [
        (2, "state.directory", "path"),
        (4, "domain.name", "domain"),
    ]


def test_a_state_directory_that_no_store_can_stand_in(tmp_path: Path) -> None:
    assert [reason for _, _, reason in problems(written(tmp_path, '[state]\ndirectory = "/srv/a?b"'))] == ["database"]


@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbf[web]\r\nlisten = ['127.0.0.1:1']\r\n", b"[web]\r\nlisten=['127.0.0.1:1']"]
)
def test_files_from_windows(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "mimamori.toml"
    file.write_bytes(content)
    assert load(file).web.listen == (("127.0.0.1", 1),)


def test_a_shift_jis_file_is_told_from_utf_8(tmp_path: Path) -> None:
    file = tmp_path / "mimamori.toml"
    file.write_bytes("[web]\n# 設定\n".encode("cp932"))
    assert problems(file) == [(2, "", "not_utf8")]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert problems(tmp_path / "none.toml") == [(None, "", "no_file")]
    assert problems(tmp_path) == [(None, "", "unreadable")]
    with pytest.raises(ConfigError, match=r"none\.toml: there is no such file"):
        load(tmp_path / "none.toml")


def test_problems_come_in_the_order_of_the_lines() -> None:
    file = Path("/etc/mimamori/mimamori.toml")
    error = ConfigError(
        [Problem(file, 7, "b", "missing"), Problem(file, None, "", "no_file"), Problem(file, 2, "a", "missing")]
    )
    assert [problem.line for problem in error.problems] == [None, 2, 7]


@given(st.text(max_size=200) | st.lists(st.sampled_from([*"[]{}=\".#\n\\'a1,", "port", "[delivery]"])).map("".join))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_gives_settings_or_our_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "any.toml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(ConfigError):
        assert load(file) == Settings.model_validate({})


@pytest.mark.parametrize("depth", [100, 300, 400, 450, 470, 490, 5_000])
def test_a_text_nested_beyond_all_measure(tmp_path: Path, depth: int) -> None:
    for text in ("x = " + "[" * depth + "]" * depth, "x = " + "{a = " * depth + "1" + "}" * depth):
        assert [reason for _, _, reason in problems(written(tmp_path, text))] in (["unknown_key"], ["syntax"])


def test_former_names_of_terms_hold_where_the_new_are_not_said(tmp_path: Path) -> None:
    former = '[inbound]\nkeep = "30d"\nkeep_for_a_person = "40d"\n[suspension]\nkeep = "2000d"\n'
    kept = load(written(tmp_path, former)).kept
    terms = (kept.received, kept.received_for_a_person, kept.setbacks, kept.broadcasts)
    assert [term.days for term in terms] == [30, 40, 2000, 2000]
    kept = load(written(tmp_path, former + '[retention]\nreceived = "50d"\n')).kept
    assert (kept.received.days, kept.received_for_a_person.days) == (50, 40)
