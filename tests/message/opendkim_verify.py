"""Does OpenDKIM, which no one here wrote, accept these signatures?

    python opendkim_verify.py KEYFILE < mail    →    one line a signature: `SELECTOR pass` or `SELECTOR fail: why`

Calls libopendkim (Debian: libopendkim11, which opendkim-tools brings), because its command line asks the DNS for
keys and the library can also read them from a file: lines of `selector._domainkey.domain record`. A process of its
own, so that a crash in C fails one test and not the run. Exit 3 if the library is missing.
"""

import ctypes
import sys
from ctypes import POINTER, byref, c_bool, c_char_p, c_int, c_size_t, c_uint, c_void_p

# Numbers from opendkim/dkim.h.
SET_OPTION = 1
OPTION_QUERY_METHOD = 6
OPTION_QUERY_INFO = 7
QUERY_FILE = 1
PASSED = 0x04
BODY_HASH_MATCHES = 0

SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "dkim_init": (c_void_p, [c_void_p, c_void_p]),
    "dkim_options": (c_int, [c_void_p, c_int, c_int, c_void_p, c_size_t]),
    "dkim_verify": (c_void_p, [c_void_p, c_char_p, c_void_p, POINTER(c_int)]),
    "dkim_chunk": (c_int, [c_void_p, c_char_p, c_size_t]),
    "dkim_eom": (c_int, [c_void_p, POINTER(c_bool)]),
    "dkim_getsiglist": (c_int, [c_void_p, POINTER(POINTER(c_void_p)), POINTER(c_int)]),
    "dkim_sig_getflags": (c_uint, [c_void_p]),
    "dkim_sig_getbh": (c_int, [c_void_p]),
    "dkim_sig_geterror": (c_int, [c_void_p]),
    "dkim_sig_geterrorstr": (c_char_p, [c_int]),
    "dkim_sig_getselector": (c_char_p, [c_void_p]),
}


def load() -> ctypes.CDLL:
    """Return the library with its functions described; OSError if it is missing."""
    library = ctypes.CDLL("libopendkim.so.11")
    for name, (result, arguments) in SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def verify(library: ctypes.CDLL, keyfile: bytes, mail: bytes) -> list[str]:
    """Return one line for each signature of the mail."""
    handle = library.dkim_init(None, None)
    method = c_int(QUERY_FILE)
    library.dkim_options(handle, SET_OPTION, OPTION_QUERY_METHOD, byref(method), ctypes.sizeof(method))
    path = ctypes.create_string_buffer(keyfile)
    library.dkim_options(handle, SET_OPTION, OPTION_QUERY_INFO, path, len(keyfile))
    status = c_int()
    session = library.dkim_verify(handle, b"test", None, byref(status))
    library.dkim_chunk(session, mail, len(mail))
    library.dkim_chunk(session, b"", 0)
    library.dkim_eom(session, None)
    found = POINTER(c_void_p)()
    count = c_int()
    library.dkim_getsiglist(session, byref(found), byref(count))
    return [judge(library, found[number]) for number in range(count.value)]


def judge(library: ctypes.CDLL, signature: int | None) -> str:
    """Return the line for one signature."""
    selector = library.dkim_sig_getselector(signature).decode()
    good = library.dkim_sig_getflags(signature) & PASSED and library.dkim_sig_getbh(signature) == BODY_HASH_MATCHES
    why = library.dkim_sig_geterrorstr(library.dkim_sig_geterror(signature)).decode()
    return f"{selector} pass" if good else f"{selector} fail: {why}"


def main() -> int:
    """Verify the mail on stdin."""
    try:
        library = load()
    except OSError as error:
        print(error, file=sys.stderr)
        return 3
    for line in verify(library, sys.argv[1].encode(), sys.stdin.buffer.read()):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
