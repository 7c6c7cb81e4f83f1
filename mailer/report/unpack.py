"""Which file stands in what is attached to a mail: the bytes themselves, or what gzip or zip holds?

What it is, its first bytes say; names are not looked at, and nothing is written anywhere. A bomb goes off in a small
room: one layer, one file, 20 MiB, and a hundred times what came (attacks A15). Raises Unreadable.
"""

import struct
import zlib

from mailer.report.unreadable import Unreadable

MOST = 20 * 1024 * 1024
#: XML and JSON become smaller by a factor of ten to fifty.
MOST_TIMES = 100

_GZIP = b"\x1f\x8b"
_ZIP_FILE, _ZIP_DIRECTORY, _ZIP_END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_PACKED = (_GZIP, _ZIP_FILE, _ZIP_END)
#: The header of a file in a zip: flags, method, check sum, sizes packed and not, lengths of name and extra field.
_FILE_HEADER = struct.Struct("<4x2x2H4x3I2H")
#: The header of a directory's entry, as far as the check sum.
_ENTRY = struct.Struct("<16xI")
_ENCRYPTED, _SIZES_LATER = 0x1, 0x8
_STORED, _DEFLATED = 0, 8
#: What may stand between a file and the directory: a data descriptor, at its longest.
_DESCRIPTOR = 24
_GZIP_BITS, _RAW_BITS = 31, -15


def unpack(content: bytes) -> bytes:
    """Return the file."""
    if content.startswith(_GZIP):
        file, _rest = _inflated(content, _GZIP_BITS, len(content))
    elif content.startswith(_PACKED):
        file = _from_zip(content)
    else:
        file = content
    if len(file) > MOST:
        raise Unreadable(f"it has more than {MOST} bytes")
    if file is not content and file.startswith(_PACKED):
        raise Unreadable("it is packed more than once")
    return file


def is_packed(content: bytes) -> bool:
    """Tell whether bytes are those of gzip or zip."""
    return content.startswith(_PACKED)


def _inflated(packed: bytes, bits: int, came: int) -> tuple[bytes, bytes]:
    """Return what a stream holds and what comes behind it."""
    inflate = zlib.decompressobj(bits)
    most = min(MOST, MOST_TIMES * came)
    try:
        file = inflate.decompress(packed, most + 1)
    except zlib.error as error:
        raise Unreadable("it is packed and damaged") from error
    if len(file) > most:
        raise Unreadable(f"it unpacks to more than {MOST} bytes, or {MOST_TIMES} times what came")
    if not inflate.eof:
        raise Unreadable("it is packed and cut off")
    if inflate.unused_data.startswith(_GZIP):
        raise Unreadable("it is several files")
    return file, inflate.unused_data


def _from_zip(content: bytes) -> bytes:
    """Return the only file of a zip, which stands at its beginning, the directory right behind it."""
    try:
        flags, method, check, packed, _size, name, extra = _FILE_HEADER.unpack_from(content)
        begin = _FILE_HEADER.size + name + extra
        file, rest = _member(content[begin:], flags, method, packed, len(content))
        directory = rest.find(_ZIP_DIRECTORY, 0, _DESCRIPTOR + len(_ZIP_DIRECTORY))
        check = _ENTRY.unpack_from(rest, directory)[0] if directory >= 0 else check
    except struct.error as error:
        raise Unreadable("it is a zip without a file, or cut off") from error
    if directory < 0:
        raise Unreadable("it is a zip with several files, or damaged")
    if zlib.crc32(file) != check:
        raise Unreadable("it is packed and damaged")
    return file


def _member(data: bytes, flags: int, method: int, packed: int, came: int) -> tuple[bytes, bytes]:
    if flags & _ENCRYPTED:
        raise Unreadable("it is encrypted")
    if method == _DEFLATED:
        return _inflated(data, _RAW_BITS, came)
    if method != _STORED or flags & _SIZES_LATER:
        raise Unreadable("it is packed in a way that nobody uses for reports")
    return data[:packed], data[packed:]
