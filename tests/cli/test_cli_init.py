"""Does an appliance come into being, whole, once, and never over another?"""

import json
import stat
from pathlib import Path

from tests.cli.town import Town


def modes(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): f"{stat.S_IMODE(path.stat().st_mode):04o}"
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_everything_that_is_missing_is_made_with_the_right_modes(bare_town: Town) -> None:
    made = bare_town.json("init")
    assert [key["algorithm"] for key in made["keys"]] == ["rsa", "ed25519"]
    assert {key["state"] for key in made["keys"]} == {"active"}
    kept = modes(bare_town.directory / "state")
    assert kept.pop("mimamori.db") == "0660"
    assert kept.pop("secrets/receipt.key") == kept.pop("secrets/verp.key") == "0640"
    assert set(kept) == {f"dkim/{key['selector']}.pem" for key in made["keys"]}
    assert set(kept.values()) == {"0600"}


def test_a_second_time_changes_nothing(town: Town) -> None:
    state = town.directory / "state"
    before = {path: path.read_bytes() for path in state.rglob("*") if path.suffix in (".key", ".pem")}
    assert town.json("init") == {"created": [], "keys": []}
    assert {path: path.read_bytes() for path in state.rglob("*") if path.suffix in (".key", ".pem")} == before
    assert "Nothing was missing" in town.done("init")


def test_what_is_lost_is_made_anew_and_the_rest_stays(town: Town) -> None:
    secret = town.directory / "state/secrets/verp.key"
    kept = (town.directory / "state/secrets/receipt.key").read_bytes()
    secret.unlink()
    assert town.json("init")["created"] == [str(secret)]
    assert len(bytes.fromhex(secret.read_text())) == 32
    assert (town.directory / "state/secrets/receipt.key").read_bytes() == kept


def test_private_keys_that_lie_there_are_registered(town: Town) -> None:
    listed = town.json("keys", "list")
    (town.directory / "state/mimamori.db").unlink()
    for beside in ("-wal", "-shm"):
        (town.directory / f"state/mimamori.db{beside}").unlink(missing_ok=True)
    registered = town.json("init")["keys"]
    assert {(key["selector"], key["state"]) for key in registered} == {(key["selector"], "active") for key in listed}
    assert {key["record"] for key in town.json("keys", "list")} == {key["record"] for key in listed}


def test_new_keys_are_pending_and_published(town: Town) -> None:
    made = town.json("keys", "new")
    assert [(key["algorithm"], key["state"]) for key in made] == [("rsa", "pending"), ("ed25519", "pending")]
    names = {record["name"]: record["value"] for record in town.json("dns", "records")}
    assert all(names[key["name"]] == key["record"] for key in town.json("keys", "list"))
    assert len(town.json("keys", "new", "--algorithm", "rsa")) == 1
    selectors = [key["selector"] for key in town.json("keys", "list")]
    assert len(selectors) == len(set(selectors)) == 5


def test_a_file_that_is_no_key_is_refused_in_a_sentence(town: Town) -> None:
    town.write("state/dkim/other.pem", "nonsense")
    result = town.type("init")
    assert result.exit_code == 1
    assert "PEM" in result.stderr


def test_check_finds_nothing_wrong(bare_town: Town) -> None:
    assert bare_town.json("check") == {"ok": True, "problems": []}


def test_check_names_file_line_and_key(bare_town: Town) -> None:
    bare_town.write("mimamori.toml", "[state]\ndirectoy = 1\n")
    result = bare_town.type("--json", "check")
    assert result.exit_code == 1
    problems = json.loads(result.stdout)["problems"]
    assert (problems[0]["line"], problems[0]["key"]) == (2, "state.directoy")
    assert f"{bare_town.config}:2: state.directoy:" in result.stderr


def test_check_names_the_certificate_that_is_not_there(bare_town: Town) -> None:
    files = "\n".join(f'{word} = "{bare_town.directory}/{word}.pem"' for word in ("certificate", "key"))
    bare_town.write("mimamori.toml", f"[inbound]\n{files}\n")
    result = bare_town.type("check")
    assert result.exit_code == 1
    assert all(f"{bare_town.directory}/{word}.pem: " in result.stderr for word in ("certificate", "key"))


def test_check_names_an_active_key_whose_file_is_missing(town: Town) -> None:
    assert town.json("check") == {"ok": True, "problems": []}
    rsa = next((town.directory / "state/dkim").glob("rsa*.pem"))
    rsa.unlink()
    result = town.type("--json", "check")
    assert result.exit_code == 1
    assert [problem["file"] for problem in json.loads(result.stdout)["problems"]] == [str(rsa)]
    assert "no such file" in result.stderr


def test_behind_a_translated_address_the_records_name_what_receivers_see(town: Town) -> None:
    delivery = '[delivery]\nsource_addresses = ["10.1.2.3"]\npublic_addresses = ["198.41.0.4"]\n'
    town.config.write_text(town.config.read_text().replace("[delivery]\n", delivery))
    records = town.json("dns", "records")
    assert "198.41.0.4" in {record["value"] for record in records if record["type"] == "A"}
    assert any("ip4:198.41.0.4" in record["value"] for record in records)
    assert not any("10.1.2.3" in record["value"] for record in records)


def test_the_records_come_as_a_zone(town: Town) -> None:
    zone = town.done("dns", "records", "--zone")
    assert "IN MX 10" in zone
    assert all(line.startswith(";") or " IN " in line for line in zone.splitlines())
