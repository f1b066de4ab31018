"""BGZF on stdout, for cases where no bgzip need be installed:
    make_bgzf.py FILE     the file, in blocks of 65,280 bytes, and the end-of-file block
    make_bgzf.py BLOCKS   as many blocks of zeros
"""
import os
import struct
import sys
import zlib

BLOCK = 65280


def block(text):
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    payload = deflate.compress(text) + deflate.flush()
    header = struct.pack("<4BI2BH2BHH", 31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, len(payload) + 25)
    return header + payload + struct.pack("<II", zlib.crc32(text), len(text))


def main():
    out = sys.stdout.buffer
    if os.path.exists(sys.argv[1]):
        with open(sys.argv[1], "rb") as source:
            text = source.read()
        for at in range(0, len(text), BLOCK):
            out.write(block(text[at:at + BLOCK]))
    else:
        out.write(block(bytes(BLOCK)) * int(sys.argv[1]))
    out.write(block(b""))


if __name__ == "__main__":
    main()
