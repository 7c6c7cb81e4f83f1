"""Is what reporters attach unpacked, and does no bomb go off?"""

import gzip
import struct
import zipfile
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.report.unpack import MOST, MOST_TIMES, unpack
from mailer.report.unreadable import Unreadable
from tests.report.received_samples import file, streamed, zipped

XML = file("google.xml")
STORED, BZIP2 = zipfile.ZIP_STORED, zipfile.ZIP_BZIP2


def encrypted() -> bytes:
    content = bytearray(zipped(("report.xml", XML)))
    content[6] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(XML, id="as it is"),
        pytest.param(gzip.compress(XML), id="gzip"),
        pytest.param(gzip.compress(XML) + b"\r\n", id="gzip with a line end behind it"),
        pytest.param(zipped(("google.com!example!1!2.xml", XML)), id="zip"),
        pytest.param(zipped(("../../etc/passwd", XML)), id="zip with a name that leads away"),
        pytest.param(zipped(("report.xml", XML), how=STORED), id="zip that packs nothing"),
        pytest.param(streamed("report.xml", XML), id="zip written into a pipe"),
    ],
)
def test_the_file_comes_out(content: bytes) -> None:
    assert unpack(content) == XML


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(gzip.compress(bytes(MOST // 2)), f"{MOST_TIMES} times", id="gzip bomb"),
        pytest.param(zipped(("a.xml", bytes(MOST // 2))), f"{MOST_TIMES} times", id="zip bomb"),
        pytest.param(b"<" * (MOST + 1), "more than", id="too long as it is"),
        pytest.param(gzip.compress(gzip.compress(XML)), "more than once", id="gzip in gzip"),
        pytest.param(zipped(("a.zip", zipped(("b.xml", XML)))), "more than once", id="zip in zip"),
        pytest.param(gzip.compress(XML) + gzip.compress(XML), "several", id="two gzip members"),
        pytest.param(zipped(("a.xml", XML), ("b.xml", XML)), "several", id="two files"),
        pytest.param(zipped(*((f"{number}.xml", b"") for number in range(20_000))), "several", id="20,000 files"),
        pytest.param(zipped(), "without a file", id="empty zip"),
        pytest.param(encrypted(), "encrypted", id="encrypted"),
        pytest.param(zipped(("a.xml", XML), how=BZIP2), "nobody uses", id="bzip2 in zip"),
        pytest.param(gzip.compress(XML)[:-9], "cut off", id="gzip cut off"),
        pytest.param(zipped(("a.xml", XML))[:100], "cut off", id="zip cut off"),
        pytest.param(gzip.compress(XML)[:30] + b"\xff" * 40, "damaged", id="gzip damaged"),
        pytest.param(zipped(("a.xml", XML), how=STORED).replace(b"412", b"413"), "damaged", id="wrong check sum"),
    ],
)
def test_what_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        unpack(content)


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x1f\x8b\x08\0", b"PK\x03\x04", b"PK\x05\x06"]))
def test_any_bytes_give_bytes_or_the_error(content: bytes, begin: bytes) -> None:
    with suppress(Unreadable):
        assert isinstance(unpack(begin + content), bytes)


@given(st.data())
def test_a_damaged_zip_gives_the_file_or_the_error(data: st.DataObject) -> None:
    content = bytearray(zipped(("report.xml", XML)))
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=5)):
        content[at] = data.draw(st.integers(0, 255))
    with suppress(Unreadable):
        unpack(bytes(content))


def test_what_says_that_it_is_short_is_measured_anyway() -> None:
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packed.compress(bytes(MOST)) + packed.flush()
    header = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(data), 10, 5, 0) + b"a.xml"
    with pytest.raises(Unreadable, match="times"):
        unpack(header + data)
