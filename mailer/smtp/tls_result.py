"""How did the attempt to speak TLS with one mail host end, and what had its domain asked for?

One `TlsResult` for each session that was negotiated or failed to be: what a TLS report counts (RFC 8460).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """What a domain asks for: `kind` is `sts`, `tlsa` or `no-policy-found`.

    `domain` is the domain that the policy belongs to, `strings` the policy as found (the lines of an MTA-STS policy,
    TLSA records in presentation form), `mx_patterns` the mx lines of an MTA-STS policy. TLSA records belong to a mail
    host: then `mail_domain` is the domain whose mail it was.
    """

    kind: str
    domain: str
    strings: tuple[str, ...] = ()
    mx_patterns: tuple[str, ...] = ()
    mail_domain: str = ""

    @property
    def reported(self) -> str:
        """Return the domain that hears of it: whoever takes the mail asks for reports, wherever its hosts stand."""
        return self.mail_domain or self.domain


@dataclass(frozen=True, slots=True)
class TlsResult:
    """One session: `failure` is empty for a success, else a result type of RFC 8460 such as `starttls-not-supported`.

    `reason` may say more (a failure-reason-code), `address` and `source` are IP addresses.
    """

    policy: TlsPolicy
    mx_host: str
    address: str
    source: str
    failure: str = ""
    reason: str = ""
