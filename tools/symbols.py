#!/usr/bin/env python3
"""Writes the table of function names that lib/symbols.c searches, as NASM source.

symbols.py --empty OUT.asm               an empty table, for an image's first link
symbols.py IMAGE.elf OUT.asm             the functions of IMAGE.elf
symbols.py --verify IMAGE.elf TABLE.asm  fails unless TABLE.asm is the table of IMAGE.elf

The size of the table may move code that is linked behind it. So an image is linked three times: the
first link gives the names and with them the size, the second all addresses, and the third is the
image. --verify makes sure of it.
"""

import collections
import re
import struct
import subprocess
import sys

# Suffixes that GCC gives to parts and variants of functions. Names with others are local labels.
COMPILER_SUFFIX = re.compile(r"[^.]+(\.(part|isra|constprop|cold)(\.\d+)*)*$")

# As in lib/symbols.c.
FIRST_PAIR = 128
PAIRS = 128
PAIR_DEPTH = 16

HEADER = """; Written by tools/symbols.py; the layout is struct symbol_table in lib/symbols.c.
section .note.GNU-stack progbits noalloc noexec nowrite align=1
section .rodata.symbols progbits alloc noexec nowrite align=8
global symbol_table
"""


def code_ends(image):
    """The ends of the executable sections."""
    with open(image, "rb") as file:
        data = file.read()
    section_offset, = struct.unpack_from("<Q", data, 40)
    entry_size, count = struct.unpack_from("<HH", data, 58)
    ends = []
    for i in range(count):
        flags, address, _, size = struct.unpack_from("<QQQQ", data,
                                                     section_offset + i * entry_size + 8)
        if flags & 4:  # SHF_EXECINSTR
            ends.append(address + size)
    return ends


def functions(image):
    """Pairs of address and name, ascending, one for each address."""
    listing = subprocess.run(["nm", "-n", "-S", image], check=True, capture_output=True, text=True)
    found = {}
    for line in listing.stdout.splitlines():
        *numbers, kind, name = line.split()
        if kind not in "tT" or not COMPILER_SUFFIX.match(name):
            continue
        # Of several names, one with a size is a function; the others are marks of a linker script.
        key = (len(numbers) < 2, name)
        address = int(numbers[0], 16)
        found[address] = min(found.get(address, key), key)
    return [(address, key[1]) for address, key in sorted(found.items())]


def compress(text):
    """The pairs of bytes that bytes from 128 on stand for, and the text made of them: what is most
    frequent becomes one byte, again and again. The ends of names (0) stay."""
    pairs, depths = [], collections.Counter()
    while len(pairs) < PAIRS:
        counts = collections.Counter(pair for pair in zip(text, text[1:]) if 0 not in pair)
        if not counts:
            break
        pair = min(counts, key=lambda pair: (-counts[pair], pair))
        text = text.replace(bytes(pair), bytes((FIRST_PAIR + len(pairs),)))
        depths[FIRST_PAIR + len(pairs)] = 1 + max(depths[half] for half in pair)
        pairs.append(pair)
    if max(depths.values(), default=0) > PAIR_DEPTH:
        sys.exit("function names are too much alike: raise PAIR_DEPTH here and in lib/symbols.c")
    return pairs + [(0, 0)] * (PAIRS - len(pairs)), text


def distance(value):
    """As two bytes, or four with the highest bit of the second set."""
    if value < 1 << 15:
        return struct.pack("<H", value)
    return struct.pack("<HH", value & 0x7fff | 1 << 15, value >> 15)


def format_bytes(data):
    return [f"    db {', '.join(map(str, data[i:i + 16]))}" for i in range(0, len(data), 16)]


def format_table(base, entries):
    pairs, names = compress(b"".join(name.encode("ascii") + b"\0" for _, name in entries))
    functions, previous = b"", base
    for (address, _), name in zip(entries, names.split(b"\0")):
        functions += distance(address - previous) + name + b"\0"
        previous = address
    lines = [HEADER + "symbol_table:", f"    dq 0x{base:x}", f"    dd {len(entries)}"]
    lines += format_bytes([byte for pair in pairs for byte in pair])
    lines += format_bytes(functions)
    return "\n".join(lines) + "\n"


def table(image):
    # An end is no end where a function of the next section begins.
    entries = sorted(({end: "" for end in code_ends(image)} | dict(functions(image))).items())
    # Distances have 31 bits. Start-up code may be linked at a low address, far below everything else.
    entries = [entry for entry in entries if entries[-1][0] - entry[0] < 1 << 31]
    return format_table(entries[0][0], entries)


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "--empty":
        text, output = format_table(0, []), arguments[1]
    elif len(arguments) == 3 and arguments[0] == "--verify":
        with open(arguments[2], encoding="ascii") as file:
            if file.read() != table(arguments[1]):
                sys.exit(f"{arguments[1]}: code has moved since its symbol table was made")
        return
    elif len(arguments) == 2:
        text, output = table(arguments[0]), arguments[1]
    else:
        sys.exit(__doc__)
    with open(output, "w", encoding="ascii") as file:
        file.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
