"""How does a mail look whose parts are all at hand, but put together by chance?"""

from collections.abc import Sequence
from random import Random

_TYPES = ("text/plain", "text/html", "message/rfc822", "message/delivery-status", "text/rfc822-headers", "x", "")
_ENCODINGS = ("", "7bit", "base64", "quoted-printable", "BASE64 ", "x-uuencode")
_CHARSETS = ("", "utf-8", "iso-2022-jp", '"Shift_JIS"', "utf-7", "utf-16", "x-unknown", "us-ascii")
_BODIES = (
    b"The following address failed:\n\n  taro@docomo.ne.jp\n    550 5.1.1 user unknown\n",
    b"<html><style>a{}</style><p>taro@docomo.ne.jp<br>550 no such user &#xd800; &amp;</html>\n",
    b"GyRCJDMkTiVhITwlayRPSVRDThsoQg==\n",
    b"=E9=85=8D=\n=E4=BF=A1 +2AA- \x1b$B$3$N\x1b(B \x82\xb1\xff\n",
    b"<taro@docomo.ne.jp>: host mfsmax.docomo.ne.jp[203.0.113.1] said: 550 Unknown user\n    (in reply to RCPT TO)\n",
    b"Hi. This is the qmail-send program at mx.example.jp.\n\n<taro@docomo.ne.jp>:\nuser unknown (#5.1.1)\n",
    b"----- Original message -----\nMessage-ID: <1@mail.example.jp>\nTo: taro@docomo.ne.jp\n\nbody\n",
    b'{"mail":{},"bounce":{"bouncedRecipients":[{"emailAddress":"a@b.example"}]}}\n',
    b"",
)
_FIELDS = (
    b"From: MAILER-DAEMON@mx.example.jp",
    b"Subject: Undelivered Mail Returned to Sender",
    b"Subject: =?iso-2022-jp?B?GyRCSVRDThsoQg==?=",
    b"To: b-1-0123456789abcdef0123456789@mail.example.jp",
    b"Return-Path: <>",
    b"Auto-Submitted: auto-replied",
    b"X-Failed-Recipients: taro@docomo.ne.jp, hanako@ezweb.ne.jp",
    b"Message-ID: <2@mx.example.jp>",
    b"Precedence: bulk",
    b"Received: from a\n\tby b; Thu, 1 Jan 2026 00:00:00 +0900",
)
_GROUPS = (
    b"Reporting-MTA: dns; mx.example.jp",
    b"Final-Recipient: rfc822; taro@docomo.ne.jp\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no",
    b"Original-Recipient: rfc822;hanako@ezweb.ne.jp\nFinal-Recipient: x400; /O=1/\nAction: delayed\nStatus: 4.4.1",
    b"Feedback-Type: abuse\nOriginal-Rcpt-To: taro@yahoo.co.jp",
    b"Action: delivered\nFinal-Recipient: utf-8; \xe3\x81\x82@x.example",
)


def any_mail(chance: Random, depth: int = 0) -> bytes:
    """Return a mail, or a part of one, with parts inside, up to deeper than anybody reads."""
    deep = 20 if chance.random() < 0.02 else 3
    if depth < deep and chance.random() < 0.6:
        return _container(chance, depth, chance.choice((b"mixed", b"report", b"alternative", b"")))
    kind, body = chance.choice(_TYPES), chance.choice(_BODIES)
    if kind == "message/delivery-status":
        body = b"\n\n".join(_some(chance, _GROUPS))
    elif kind == "message/rfc822" and depth < deep:
        body = any_mail(chance, depth + 1)
    charset, encoding = chance.choice(_CHARSETS), chance.choice(_ENCODINGS)
    head = f"Content-Type: {kind}; charset={charset}\nContent-Transfer-Encoding: {encoding}".encode()
    return b"\n".join((*_some(chance, _FIELDS), head, b"", body))


def _container(chance: Random, depth: int, kind: bytes) -> bytes:
    boundary = chance.choice((b"b", b"=_%d" % depth, b"%d" % depth))
    said = chance.choice((b'"' + boundary + b'"', boundary, boundary, boundary, b""))
    head = b"Content-Type: multipart/" + kind + b"; boundary=" + said
    inner = (any_mail(chance, depth + 1) for _ in range(1 + int(chance.random() * 2.5)))
    body = b"".join(b"\n--" + boundary + b"\n" + part for part in inner)
    return b"\n".join((*_some(chance, _FIELDS), head, b"", body, b"--" + boundary + b"--", b""))


def returned_mail(chance: Random) -> bytes:
    """Return a mail that mostly looks like a returned one."""
    fields = b"\n".join((_FIELDS[0], *_some(chance, _FIELDS)))
    if chance.random() < 0.4:
        return fields + b"\n\n" + b"\n".join(_some(chance, _BODIES))
    report = chance.choice((b"message/delivery-status", b"message/delivery-status", b"message/feedback-report"))
    parts = (
        b"Content-Type: text/plain\n\n" + chance.choice(_BODIES),
        b"Content-Type: " + report + b"\n\n" + b"\n\n".join(_some(chance, _GROUPS)) + b"\n",
        b"Content-Type: message/rfc822\n\nTo: taro@docomo.ne.jp\nMessage-ID: <1@mail.example.jp>\n\nbody",
    )
    body = b"".join(b"--b\n" + part + b"\n" for part in parts)
    return fields + b"\nContent-Type: multipart/report; boundary=b\n\n" + body + b"--b--\n"


def _some(chance: Random, things: Sequence[bytes]) -> list[bytes]:
    return [thing for thing in things if chance.random() < 0.4]
