"""Why was a mail not taken, whom does that concern, and what can be done?

A closed list: every reply and every bounce becomes one of these. The item is the number in the FAQ's check-list
「送られてきません」(① is 1, 0 for none). Only a hard reason may switch an address off; a reason of the operator's is
our own fault and never held against an address (N9).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """The reasons, in the order of the FAQ item they point to."""

    ADDRESS_UNKNOWN = "address_unknown"
    DOMAIN_UNKNOWN = "domain_unknown"
    MOVED = "moved"
    NOT_ACCEPTING = "not_accepting"
    SUSPENDED = "suspended"
    RELAY_DENIED = "relay_denied"
    RECIPIENT_FILTER = "recipient_filter"
    MAILBOX_FULL = "mailbox_full"
    EXPIRED = "expired"
    COMPLAINT = "complaint"
    SENDER_REFUSED = "sender_refused"
    SOURCE_BLOCKED = "source_blocked"
    AUTH_FAILED = "auth_failed"
    RATE_LIMITED = "rate_limited"
    CONTENT_REFUSED = "content_refused"
    TOO_BIG = "too_big"
    PROTOCOL_ERROR = "protocol_error"
    SUPPRESSED = "suppressed"
    REMOTE_TROUBLE = "remote_trouble"
    NETWORK_TROUBLE = "network_trouble"
    UNCLEAR = "unclear"
    AUTOREPLY = "autoreply"
    DELIVERED = "delivered"

    @property
    def meaning(self) -> "Meaning":
        """Return what is known of the reason."""
        return MEANINGS[self]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a reason means: its usual kind (hard, soft, complaint, autoreply, delivered), the FAQ item, who acts
    (guardian, operator, remote or nobody), and words for the support desk.

    `tried_again` says that even a permanent (5xx) reply with this reason is worth another try later.
    """

    kind: str
    faq_item: int
    acts: str
    label: str
    advice: str
    english: str
    tried_again: bool = False


MEANINGS: Mapping[Reason, Meaning] = {
    Reason.ADDRESS_UNKNOWN: Meaning(
        "hard",
        4,
        "guardian",
        "宛先不明",
        "そのメールアドレスは存在しません。アドレスを変更していないかご確認ください（④）。",
        "the address's local part does not exist",
    ),
    Reason.DOMAIN_UNKNOWN: Meaning(
        "hard",
        4,
        "guardian",
        "ドメイン不明",
        "アドレスの＠より後ろが存在しません。入力誤りをご確認ください（④）。",
        "the domain does not exist (NXDOMAIN, host unknown)",
    ),
    Reason.MOVED: Meaning(
        "hard",
        4,
        "guardian",
        "アドレス移転",
        "アドレスが変更されたと通知されました。変更登録をお願いします（④）。",
        "the mailbox has moved, no forwarding",
    ),
    Reason.NOT_ACCEPTING: Meaning(
        "hard",
        4,
        "guardian",
        "メール受信なしドメイン",
        "そのドメインはメールを受け取りません。入力誤りをご確認ください（④）。",
        "the domain takes no mail (null MX, no MX); soft if the report says temporary",
    ),
    Reason.SUSPENDED: Meaning(
        "soft",
        4,
        "guardian",
        "利用停止中",
        "受信側でアドレスが停止または休止中です。契約・アドレスをご確認ください（④）。",
        "the account is disabled, locked, frozen or inactive; hard is right too",
    ),
    Reason.RELAY_DENIED: Meaning(
        "soft",
        4,
        "guardian",
        "受信側が担当外",
        "受信サーバがこの宛先を扱っていません。アドレスをご確認ください（④）。",
        "the server does not serve that domain; if many domains answer so, our own routing is wrong",
    ),
    Reason.RECIPIENT_FILTER: Meaning(
        "soft",
        1,
        "guardian",
        "受信拒否設定",
        "携帯電話のドメイン指定受信・受信拒否設定で止められています（①）。",
        "refused by the reader's own settings; carriers answer 'unknown user' after DATA for it",
    ),
    Reason.MAILBOX_FULL: Meaning(
        "soft",
        3,
        "guardian",
        "メールボックス満杯",
        "メールボックスの空きがありません。不要なメールを削除し、携帯事業者へお問合せください（③）。",
        "quota exceeded",
    ),
    Reason.EXPIRED: Meaning(
        "soft",
        3,
        "guardian",
        "配信期限切れ",
        "期限まで再送しましたが届きませんでした（③）。",
        "retried until the time limit; also a warning of a delay (kind delayed)",
    ),
    Reason.COMPLAINT: Meaning(
        "complaint",
        5,
        "guardian",
        "迷惑メール報告",
        "受信者が迷惑メールとして報告しました。受信意思（⑤の設定）を確認してください。",
        "a feedback report (ARF)",
    ),
    Reason.SENDER_REFUSED: Meaning(
        "soft",
        7,
        "operator",
        "差出人拒否",
        "差出人アドレスまたはドメインが拒否されました。",
        "our envelope sender or From domain was refused",
        tried_again=True,
    ),
    Reason.SOURCE_BLOCKED: Meaning(
        "soft",
        7,
        "operator",
        "送信元ブロック",
        "当サーバのIPアドレスまたはホスト名が拒否されています（逆引き、評判、ブロックリスト）。",
        "our address, PTR or reputation was refused",
        tried_again=True,
    ),
    Reason.AUTH_FAILED: Meaning(
        "soft",
        7,
        "operator",
        "送信認証不合格",
        "SPF・DKIM・DMARC、またはTLS・SMTP認証の要求で拒否されました。",
        "SPF, DKIM, DMARC, STARTTLS or SMTP AUTH demanded",
        tried_again=True,
    ),
    Reason.RATE_LIMITED: Meaning(
        "soft",
        7,
        "operator",
        "流量制限・再送要求",
        "短時間の接続数・通数・宛先数の制限（宛先ひとつの制限を含む）、または後で再送するよう求める応答（グレイリスト）です。送信間隔を空けて再送します。",
        "too much at a time, for the server or for this one mailbox; or asked to come again later (greylisting)",
        tried_again=True,
    ),
    Reason.CONTENT_REFUSED: Meaning(
        "soft",
        7,
        "operator",
        "内容拒否",
        "本文・ヘッダ・迷惑メール判定・方針により拒否されました。",
        "spam, virus, header, policy",
    ),
    Reason.TOO_BIG: Meaning(
        "soft",
        7,
        "operator",
        "サイズ超過",
        "メールが大きすぎます。",
        "message too big",
    ),
    Reason.PROTOCOL_ERROR: Meaning(
        "soft",
        7,
        "operator",
        "手順の誤り",
        "SMTPの手順の誤りです。",
        "a syntax or sequence error in SMTP",
        tried_again=True,
    ),
    Reason.SUPPRESSED: Meaning(
        "soft",
        7,
        "operator",
        "送信抑止",
        "送信側の抑止リストに載っています。",
        "on a suppression list of a relay",
    ),
    Reason.REMOTE_TROUBLE: Meaning(
        "soft",
        7,
        "remote",
        "受信側障害",
        "受信サーバの障害です。",
        "system, disk or program error at the far end",
        tried_again=True,
    ),
    Reason.NETWORK_TROUBLE: Meaning(
        "soft",
        7,
        "remote",
        "経路・DNS障害",
        "DNSや経路の障害です。",
        "DNS failure, no route, mail loop",
        tried_again=True,
    ),
    Reason.UNCLEAR: Meaning(
        "soft",
        7,
        "remote",
        "理由不明",
        "理由を読み取れません。",
        "the mail tells no reason",
    ),
    Reason.AUTOREPLY: Meaning(
        "autoreply",
        0,
        "nobody",
        "自動応答",
        "不在通知などの自動応答です。配信不能ではありません。",
        "vacation notice, challenge, other automatic answer",
    ),
    Reason.DELIVERED: Meaning(
        "delivered",
        0,
        "nobody",
        "配信成功",
        "配信成功の通知です。",
        "a success report",
    ),
}
