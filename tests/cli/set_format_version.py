#!/usr/bin/env python3
"""set_format_version.py FILE MAJOR: writes another format version into the header of an index or model, and the checksum
that goes with it (XXH3-64 of the 56 bytes before it)."""
import struct
import sys

SECRET = bytes.fromhex("b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
                       "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c")
MASK = (1 << 64) - 1


def mix(data, at, secret_at):
    low, high = struct.unpack_from("<2Q", data, at)
    secret_low, secret_high = struct.unpack_from("<2Q", SECRET, secret_at)
    product = (low ^ secret_low) * (high ^ secret_high)
    return (product ^ product >> 64) & MASK


def xxh3(data):
    """Of 33 to 64 bytes."""
    size = len(data)
    value = size * 0x9E3779B185EBCA87
    for at, secret_at in ((16, 32), (size - 32, 48), (0, 0), (size - 16, 16)):
        value += mix(data, at, secret_at)
    value &= MASK
    value ^= value >> 37
    value = value * 0x165667919E3779F9 & MASK
    return value ^ value >> 32


path, major = sys.argv[1], int(sys.argv[2])
with open(path, "r+b") as file:
    header = bytearray(file.read(64))
    assert struct.unpack_from("<Q", header, 56)[0] == xxh3(header[:56]), "not the header of an index"
    struct.pack_into("<I", header, 24, major)
    struct.pack_into("<Q", header, 56, xxh3(header[:56]))
    file.seek(0)
    file.write(header)
