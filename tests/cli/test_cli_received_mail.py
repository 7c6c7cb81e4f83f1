"""Is a report that comes in over the real port 25 kept, summed and shown?"""

import gzip
import smtplib
import socket

from tests.cli.test_cli_serve import serving, until
from tests.cli.town import CONFIG, Town
from tests.report.received_samples import OURS, file, mail, zipped

MAILS = (
    mail(gzip.compress(file("google.xml"))),
    mail(zipped(("outlook.xml", file("outlook.xml"))), "application/zip", "outlook.zip"),
    mail(gzip.compress(bytes(10_000_000))),
    mail(gzip.compress(file("google.xml"))),
    mail(gzip.compress(file("google.json")), "application/tlsrpt+gzip", "google.json.gz"),
)


def hand_over(port: int) -> None:
    """Hand the mails to port 25 as a stranger does."""
    with smtplib.SMTP("127.0.0.1", port, "peer.example") as peer:
        for content in MAILS:
            peer.sendmail("reports@google.com", f"postmaster@{OURS}", content)


def test_reports_come_in_over_port_25(town: Town) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    town.write("mimamori.toml", CONFIG.format(directory=town.directory, inbound=port, web=8080))
    with serving(town, "inbound"):
        hand_over(port)
        until(lambda: town.type("reports", "show", "3").exit_code == 0)
    found = [town.json("reports", "show", str(number)) for number in (1, 2, 3)]
    assert [(one["kind"], one["receiver"], one["mail_id"]) for one in found] == [
        *(("dmarc", "google", 1), ("dmarc", "microsoft", 2), ("tls", "google", 5)),
    ]
    assert town.type("reports", "show", "4").exit_code == 1
    assert [one["mail"] for one in town.json("bounce", "list", "--unread")] == [3]
