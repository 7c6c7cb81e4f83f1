"""Which addresses count as public, whatever version of Python asks?"""

from ipaddress import IPv4Network, IPv6Network, ip_address

import pytest

from mailer.smtp.internet import SPECIAL_IPV4, SPECIAL_IPV6, ipv4_inside, is_public

NOT_PUBLIC = """
0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.255
169.254.0.0 169.254.169.254 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.8 192.0.0.11 192.0.0.170 192.0.0.255
192.0.2.1 192.88.99.1 192.168.0.0 192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.7 203.0.113.7
224.0.0.1 239.255.255.255 240.0.0.0 255.255.255.254 255.255.255.255
:: ::1 ::7f00:1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:192.0.2.1 ::ffff:0:8.8.8.8
64:ff9b::10.0.0.1 64:ff9b::127.0.0.1 64:ff9b:1::8.8.8.8 64:ff9b::1:8.8.8.8 100::1 100:0:0:1::1 200::1
2001::1 2001:0:4136:e378::1 2001:1::4 2001:2::1 2001:4:111::1 2001:5::1 2001:10::1 2001:40::1 2001:1ff:ffff::1
2001:db8::1 2001:db8:ffff::1 2002:7f00:1::1 2002:a00:1::1 2002:c0a8:101::1 3fff::1 3fff:fff::1
4000::1 5f00::1 fc00::1 fdff::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1 ff0e::1 2a00:1450::1%eth0
"""

PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255
172.15.255.255 172.32.0.0 192.0.0.9 192.0.0.10 192.0.1.0 192.0.3.0 192.31.196.1 192.52.193.1 192.88.98.1 192.88.100.1
192.167.255.255 192.169.0.0 192.175.48.1 198.17.255.255 198.20.0.0 203.0.112.1 203.0.114.1 223.255.255.255
::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1 2001:1::1 2001:1::2 2001:1::3 2001:3::1 2001:4:112::1 2001:20::1
2001:2f:ffff::1 2001:3f:ffff::1 2001:200::1 2001:4860:4860::8888 2400:cb00::1 2620:4f:8000::1 3ffe::1 2a00:1450::1
3fff:1000::1
"""


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_all_others_are(address: str) -> None:
    assert is_public(address)


def test_no_network_of_the_table_was_left_out_above() -> None:
    given = [ip_address(address) for address in NOT_PUBLIC.split()]
    networks: list[IPv4Network | IPv6Network] = [*SPECIAL_IPV4, *SPECIAL_IPV6]
    assert [network for network in networks if not any(address in network for address in given)] == []


def test_what_is_reached_inside_is_told() -> None:
    assert (
        ipv4_inside("::ffff:8.8.8.8") == ipv4_inside("64:ff9b::8.8.8.8") == ipv4_inside("2002:808:808::1") == "8.8.8.8"
    )
    assert ipv4_inside("8.8.8.8") is ipv4_inside("2001:db8::1") is None


def test_what_is_no_address_is_said() -> None:
    with pytest.raises(ValueError, match="localhost"):
        is_public("localhost")
