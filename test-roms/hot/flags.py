#!/usr/bin/env python3
"""Writes flags_8.inc ... flags_64.inc beside itself: the rows of the ROMs hot/flags*.asm.

Each row is one or more instructions and, for each of the operand sets, the arithmetic flags behind them and which of
them are defined, by the "Operation" and "Flags Affected" sections of the Intel SDM, Vol. 2. Nothing of the emulator takes
part. Run it after a change and assemble again.
"""

import pathlib
import random

CF, PF, AF, ZF, SF, OF = 1, 4, 0x10, 0x40, 0x80, 0x800
ALL = CF | PF | AF | ZF | SF | OF
REGS = {8: ("al", "bl", "dl"), 16: ("ax", "bx", "dx"), 32: ("eax", "ebx", "edx"), 64: ("rax", "rbx", "rdx")}


class State:
    """Registers A, B and D of `w` bits, CL (the low byte of B as it was loaded), flags and which are defined."""

    def __init__(self, w, a, b, d, flags):
        self.w, self.m = w, (1 << w) - 1
        self.a, self.b, self.d, self.cl = a & self.m, b & self.m, d & self.m, b & 0xFF
        self.f, self.known = flags, ALL

    def put(self, bit, v):
        """Sets one flag; None: undefined."""
        self.known = self.known & ~bit if v is None else self.known | bit
        self.f = self.f | bit if v else self.f & ~bit

    def cf(self):
        assert self.known & CF, "a row consumes an undefined carry"
        return self.f & CF

    def sign(self, v):
        return v >> (self.w - 1) & 1

    def result(self, r):
        self.put(ZF, r == 0)
        self.put(SF, self.sign(r))
        self.put(PF, bin(r & 0xFF).count("1") % 2 == 0)

    def add(self, x, y, c=0):
        r = (x + y + c) & self.m
        self.put(CF, x + y + c > self.m)
        self.put(AF, (x & 15) + (y & 15) + c > 15)
        self.put(OF, self.sign(x) == self.sign(y) != self.sign(r))
        self.result(r)
        return r

    def sub(self, x, y, c=0):
        r = (x - y - c) & self.m
        self.put(CF, x < y + c)
        self.put(AF, (x & 15) < (y & 15) + c)
        self.put(OF, self.sign(x) != self.sign(y) and self.sign(r) != self.sign(x))
        self.result(r)
        return r

    def logic(self, r):
        self.put(CF, 0)
        self.put(OF, 0)
        self.put(AF, None)
        self.result(r)
        return r

    def keeping_carry(self, op, x):
        carry, known = self.f & CF, self.known & CF
        r = op(x, 1)
        self.put(CF, carry if known else None)
        return r

    def shift(self, op, n):
        w, m, a = self.w, self.m, self.a
        n &= 63 if w == 64 else 31
        if n == 0:
            return
        if op == "shl":
            r = a << n & m
            self.put(CF, (a >> (w - n) & 1) if n < w else None)
            self.put(OF, (self.sign(r) ^ (self.f & CF)) if n == 1 else None)
        elif op == "shr":
            r = a >> n
            self.put(CF, (a >> (n - 1) & 1) if n < w else None)
            self.put(OF, self.sign(a) if n == 1 else None)
        else:
            s = a - (self.sign(a) << w)
            r = s >> n & m
            self.put(CF, s >> (n - 1) & 1)
            self.put(OF, 0 if n == 1 else None)
        self.put(AF, None)
        self.result(r)
        self.a = r

    def rotate(self, op, n):
        w, m, a = self.w, self.m, self.a
        n &= 63 if w == 64 else 31
        if n == 0:
            return
        if op in ("rol", "ror"):
            k = n % w if op == "rol" else -n % w
            r = (a << k | a >> (w - k)) & m
            carry = r & 1 if op == "rol" else self.sign(r)
        else:
            wide = a | self.cf() << w
            k = n % (w + 1) if op == "rcl" else -n % (w + 1)
            wide = (wide << k | wide >> (w + 1 - k)) & (m << 1 | 1)
            r, carry = wide & m, wide >> w
        if n == 1:
            left = op in ("rol", "rcl")
            self.put(OF, self.sign(r) ^ carry if left else self.sign(r) ^ (r >> (w - 2) & 1))
        else:
            self.put(OF, None)
        self.put(CF, carry)
        self.a = r

    def double_shift(self, op, n):
        w, m, a = self.w, self.m, self.a
        n &= 63 if w == 64 else 31
        if n == 0:
            return
        if n > w:
            for bit in (CF, PF, AF, ZF, SF, OF):
                self.put(bit, None)
            return
        if op == "shld":
            r = (a << n | self.d >> (w - n)) & m
            carry = a >> (w - n) & 1
        else:
            r = (a >> n | self.d << (w - n)) & m
            carry = a >> (n - 1) & 1
        self.put(CF, carry)
        self.put(OF, self.sign(r) ^ self.sign(a) if n == 1 else None)
        self.put(AF, None)
        self.result(r)
        self.a = r

    def multiply(self, signed, both):
        w = self.w
        x, y = self.a, self.b
        if signed:
            x, y = x - (self.sign(x) << w), y - (self.sign(y) << w)
        r = x * y
        low = r & self.m
        over = r != (low - (self.sign(low) << w) if signed else low)
        self.a = low
        if both and w > 8:
            self.d = r >> w & self.m
        for bit in (ZF, SF, PF, AF):
            self.put(bit, None)
        self.put(CF, over)
        self.put(OF, over)

    def bit_test(self):
        self.put(CF, self.a >> self.d % self.w & 1)
        for bit in (OF, SF, AF, PF):
            self.put(bit, None)

    def bit_op(self, op):
        self.bit_test()
        one = 1 << self.d % self.w
        self.a = {"bts": self.a | one, "btr": self.a & ~one, "btc": self.a ^ one}[op]

    def scan(self, op):
        for bit in (CF, OF, SF, AF, PF):
            self.put(bit, None)
        self.put(ZF, self.b == 0)
        if self.b:
            self.d = self.b.bit_length() - 1 if op == "bsr" else (self.b & -self.b).bit_length() - 1
        else:
            self.d = None  # undefined: no row reads it

    def step(self, text):
        """One instruction, in the notation of the rows."""
        op, *args = text.replace(",", " ").split()
        val = {"A": self.a, "B": self.b, "D": self.d, "1": 1, "cl": self.cl}
        y = val.get(args[1], None) if len(args) > 1 else None
        if y is None and len(args) > 1:
            y = int(args[1], 0)
        x = val[args[0]] if args else None

        def to(r):
            setattr(self, args[0].lower(), r)

        if op in ("add", "adc"):
            to(self.add(x, y, self.cf() if op == "adc" else 0))
        elif op in ("sub", "sbb"):
            to(self.sub(x, y, self.cf() if op == "sbb" else 0))
        elif op == "cmp":
            self.sub(x, y)
        elif op in ("and", "or", "xor", "test"):
            r = self.logic({"and": x & y, "test": x & y, "or": x | y, "xor": x ^ y}[op])
            if op != "test":
                to(r)
        elif op == "inc":
            to(self.keeping_carry(self.add, x))
        elif op == "dec":
            to(self.keeping_carry(self.sub, x))
        elif op == "neg":
            to(self.sub(0, x))
        elif op == "not":
            to(~x & self.m)
        elif op in ("shl", "shr", "sar"):
            self.shift(op, y)
        elif op in ("rol", "ror", "rcl", "rcr"):
            self.rotate(op, y)
        elif op in ("shld", "shrd"):
            self.double_shift(op, val.get(args[2]) if args[2] in val else int(args[2], 0))
        elif op in ("mul", "imul"):
            self.multiply(op == "imul", len(args) == 1)
        elif op == "bt":
            self.bit_test()
        elif op in ("bts", "btr", "btc"):
            self.bit_op(op)
        elif op in ("bsf", "bsr"):
            self.scan(op)
        elif op == "cmpxchg":
            self.sub(self.a, self.b)
            self.a, self.b = (self.a, self.d) if self.a == self.b else (self.b, self.b)
        elif op == "xadd":
            old = self.a
            self.a = self.add(self.a, self.d)
            self.d = old
        elif op in ("clc", "stc"):
            self.put(CF, op == "stc")
        elif op == "cmc":
            self.put(CF, not self.cf())
        elif op == "xchg":
            self.a, self.b = self.b, self.a
        elif op == "mov":
            to(y)
        else:
            raise ValueError(text)


SINGLE = """add A,B|adc A,B|sub A,B|sbb A,B|cmp A,B|and A,B|or A,B|xor A,B|test A,B|inc A|dec A|neg A|not A|adc A,A|sbb A,A
shl A,cl|shr A,cl|sar A,cl|rol A,cl|ror A,cl|rcl A,cl|rcr A,cl|shl A,1|shr A,1|sar A,1|rol A,1|ror A,1|rcl A,1|rcr A,1
shl A,3|sar A,5|rcl A,3|mul B|imul B|cmpxchg B,D|xadd A,D"""
WIDE = "shld A,D,cl|shrd A,D,cl|shld A,D,1|shrd A,D,5|imul A,B|bt A,D|bts A,D|btr A,D|btc A,D|bsf D,B|bsr D,B"
CHAINS = """add A,B;inc A|sub A,B;dec A|sub A,D;inc B|add A,B;shl A,cl|cmp A,B;rol A,cl|sub A,B;rcr A,1|add A,B;adc A,D;sbb A,B
neg A;sbb A,A|add A,B;not A;cmc|stc;inc A;adc A,D|clc;dec A;rcl A,1|cmp A,D;xchg A,B;mov D,A|xor A,A;adc A,B|test A,B;stc;dec D
add A,D;bt A,D|mul B;inc D|imul B;dec B|shr A,1;adc A,B|sar A,cl;inc A|dec A;shl A,cl"""


def rows(w):
    texts = SINGLE.replace("\n", "|").split("|") + CHAINS.replace("\n", "|").split("|")
    if w > 8:
        texts += WIDE.split("|")
    return [t for t in texts if w > 8 or "bt " not in t]


def operands(w):
    rng = random.Random(w)
    m, top = (1 << w) - 1, 1 << (w - 1)
    fixed = [(0, 0, 0), (m, 1, m), (top - 1, 1, 1), (top, top, top - 1), (m, m, 0), (0x0F, 1, w - 1), (1, w, 2), (top, m, top), (m, w + 1, 1), (top | 1, 31, m), (0x5A, 2, 0x5A)]
    some = [(rng.getrandbits(w), rng.getrandbits(w - 8) << 8 | rng.choice((0, 1, 3, w - 1, 32)) if w > 8 else rng.getrandbits(8), rng.getrandbits(w)) for _ in range(5)]
    return [(*abd, sum(bit for bit in (CF, PF, AF, ZF, SF, OF) if rng.getrandbits(1))) for abd in fixed + some]


def conditions(f, known):
    """Bit k: condition k of Jcc; and which of them are defined."""
    c, p, z, s, o = (bool(f & bit) for bit in (CF, PF, ZF, SF, OF))
    base = [(o, OF), (c, CF), (z, ZF), (c or z, CF | ZF), (s, SF), (p, PF), (s != o, SF | OF), (z or s != o, ZF | SF | OF)]
    value = allowed = 0
    for k, (v, needs) in enumerate(base):
        value |= (1 if v else 2) << 2 * k
        if needs & ~known == 0:
            allowed |= 3 << 2 * k
    return value, allowed


def table(w):
    a, b, d = REGS[w]
    sets = operands(w)
    out = [f"; Written by flags.py: operand sets and rows of {w} bits. A set: A, B, D, flags.", f"SET_COUNT equ {len(sets)}", "operand_sets:"]
    out += [f"  dq 0x{x:x},0x{y:x},0x{z:x},0x{f | 2:x}" for x, y, z, f in sets]
    out.append("; A row: its instructions; for each set the flags, which are defined, the conditions, which are defined.")
    out.append("rows:")
    for text in rows(w):
        out.append("  ROW_BEGIN")
        for insn in text.split(";"):
            op, _, args = insn.partition(" ")
            names = {"A": a, "B": b, "D": d}
            out.append("  " + f"{op} " + ",".join(names.get(x, x) for x in args.split(",")) if args else "  " + op)
        out.append("  ROW_END")
        words = []
        for x, y, z, f in sets:
            st = State(w, x, y, z, f)
            for insn in text.split(";"):
                st.step(insn)
            value, allowed = conditions(st.f, st.known)
            words += [st.f & ALL, st.known, value, allowed]
        for k in range(0, len(words), 16):
            out.append("  dw " + ",".join(f"0x{v:x}" for v in words[k : k + 16]))
    return "\n".join(out) + "\n"


for width in REGS:
    pathlib.Path(__file__).with_name(f"flags_{width}.inc").write_text(table(width))
