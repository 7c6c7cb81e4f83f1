"""What do the tests of reports report?"""

from datetime import date

from mailer.report.tls import Counted, Report, Reporter
from mailer.smtp.tls_result import TlsPolicy, TlsResult

DAY = date(2026, 4, 10)
OURS = "mail.mimamori-iwamizawa.jp"
REPORTER = Reporter(OURS, "desk@city.example.jp")
STS = TlsPolicy("sts", "town.example", ("version: STSv1", "mode: testing", "mx: *.town.example"), ("*.town.example",))
TLSA = TlsPolicy("tlsa", "mx.host.example", ("3 1 1 ab",), mail_domain="town.example")
GOOD = TlsResult(STS, "mx.town.example", "203.0.113.5", "198.51.100.7")
BAD = TlsResult(STS, "mx.town.example", "203.0.113.5", "198.51.100.7", "certificate-expired", "expired " * 100)
WRONG = TlsResult(TLSA, "mx.host.example", "2001:db8::5", "2001:db8::7", "tlsa-invalid")
LOST = TlsResult(TLSA, "mx.host.example", "", "", "dnssec-invalid", "SERVFAIL")
REPORT = Report(REPORTER, "town.example", DAY, (Counted(GOOD, 5), Counted(BAD, 2), Counted(WRONG, 1), Counted(LOST, 3)))
