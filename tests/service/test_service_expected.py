"""Which domains will the next broadcast go to?"""

from mailer.domain.household import Entry
from mailer.service import dispatch, roster
from mailer.service.office import Office


def test_those_with_most_addresses_come_first(office: Office) -> None:
    addresses = [
        {1: "a@docomo.ne.jp", 2: "b@ezweb.ne.jp"},
        {1: "C@DOCOMO.ne.jp", 3: "d@日本語.jp"},
        {1: "e@ezweb.ne.jp"},
    ]
    addresses.append({1: "f@docomo.ne.jp"})
    entries = [
        (line, Entry("t-daiichi", "1", "1", f"児童{line}", f"保護者{line}", f"login{line}", slots, True))
        for line, slots in enumerate(addresses, start=1)
    ]
    roster.import_entries(office, entries, "test")
    assert dispatch.expected_domains(9) == {"docomo.ne.jp": 3, "ezweb.ne.jp": 2, "xn--wgv71a119e.jp": 1}
    assert list(dispatch.expected_domains(2)) == ["docomo.ne.jp", "ezweb.ne.jp"]
