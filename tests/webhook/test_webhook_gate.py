"""Do only requests for us come through, and does every answer carry its headers?"""

import httpx2
import pytest

from tests.webhook.served import Served
from webhook.gate import safe_headers

ALWAYS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex, nofollow",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("HEAD", "/"), ("GET", "/r/x"), ("POST", "/r/x"), ("GET", "/healthz"), ("GET", "/x")],
)
async def test_every_answer_carries_the_headers(browser: httpx2.AsyncClient, method: str, path: str) -> None:
    answer = await browser.request(method, path)
    assert {name: answer.headers[name] for name in ALWAYS} == ALWAYS
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert "server" not in answer.headers
    assert "set-cookie" not in answer.headers
    assert "date" in answer.headers


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost",
        "127.0.0.1@evil.example",
        "127.0.0.1:80@evil.example",
        "127.0.0.1:evil",
        "127.0.0.1..",
        "",
        "[::1]",
        "x:80",
    ],
)
async def test_another_host_is_refused(browser: httpx2.AsyncClient, host: str) -> None:
    answer = await browser.get("/r/x", headers={"Host": host})
    assert answer.status_code == 421
    assert "evil" not in answer.text
    assert "evil" not in str(answer.headers)


async def test_our_host_is_ours_with_any_port_and_case(browser: httpx2.AsyncClient) -> None:
    assert (await browser.get("/", headers={"Host": "127.0.0.1:1"})).status_code == 200
    assert (await browser.get("/", headers={"Host": "127.0.0.1."})).status_code == 200


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://127.0.0.1/", b"200"),
        ("http://127.0.0.1:8080/", b"200"),
        ("http://evil.example/", b"421"),
        ("http://evil.example/healthz", b"421"),
        ("https://127.0.0.1:80@evil.example/", b"421"),
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1", "evil.example"])
async def test_the_host_of_an_absolute_target_counts(served: Served, target: str, status: bytes, host: str) -> None:
    answer = await served.head(target=target, host=host)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"evil" not in answer


async def test_no_host_or_two_are_refused(served: Served) -> None:
    assert (await served.head(host="")).startswith(b"HTTP/1.1 400 ")
    assert (await served.head("Host: 127.0.0.1")).startswith(b"HTTP/1.1 400 ")


async def test_headers_of_a_proxy_are_not_believed(browser: httpx2.AsyncClient) -> None:
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
    answer = await browser.get("/", headers=forged)
    assert answer.status_code == 200
    assert "evil" not in answer.text + str(answer.headers)


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "//evil.example/..", "/r/x/", "/.git/config", "/docs", "/..;/", "/%2e%2e/", "/../../etc/passwd"],
)
async def test_nothing_redirects_and_nothing_else_is_served(served: Served, target: str) -> None:
    answer = await served.head(target=target)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"location" not in answer.lower()
    assert b"evil" not in answer


def test_only_https_asks_for_https() -> None:
    names = [name for name, _ in safe_headers("sha256-x", secure=False)]
    assert b"strict-transport-security" not in names
    assert (b"strict-transport-security", b"max-age=31536000") in safe_headers("sha256-x", secure=True)
