//! Operands: a small generator (xorshift64*), biased to where arithmetic goes wrong.

use ferrite_core::fp::F80;

pub struct Rng(u64);

/// An integer from the environment, or a default.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// `n` cases, as multiplied by the environment.
pub fn cases(n: u64) -> u64 {
    n * setting("FERRITE_FP_CASES", 1)
}

impl Rng {
    pub fn new(stream: u64) -> Self {
        let seed = setting("FERRITE_FP_SEED", 1);
        Self((seed << 32 ^ stream).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }

    /// A word with runs of equal bits, few bits, or no pattern.
    pub fn word(&mut self) -> u64 {
        let r = self.next();
        match self.below(6) {
            0 => 0,
            1 => u64::MAX << self.below(64),
            2 => 1 << self.below(64),
            3 => (u64::MAX << self.below(64)).wrapping_add(self.below(5)).wrapping_sub(2),
            4 => r & (u64::MAX << self.below(64)),
            _ => r,
        }
    }

    /// Any encoding; special classes are frequent.
    pub fn f80(&mut self) -> F80 {
        let sign = (self.next() as u16) & 0x8000;
        let j = 1 << 63;
        let exp = match self.below(16) {
            0 => return F80::new(sign, 0),
            1 => return F80::new(sign | 0x7FFF, j),
            2 => return F80::new(sign | 0x7FFF, self.word() | j),
            3 => return F80::new(sign, self.word() & !j),
            4 => return F80::new(sign, self.word() | j),
            5 => return F80::new(self.next() as u16, self.word()),
            6 => self.below(40),
            7 => 0x7FFE - self.below(40),
            8 => 0x3FFF - 0x3FFF / 2 + self.below(4) * 0x2000,
            9 => self.below(0x7FFF),
            10 => 0x3FFF - 140 + self.below(280),
            11 => 0x3FFF + 127 - self.below(3),
            12 => 0x3FFF - 126 - self.below(26),
            13 => 0x3FFF - 1022 - self.below(56),
            _ => 0x3FFF - 4 + self.below(72),
        };
        F80::new(sign | exp as u16, self.word() | j)
    }

    /// A partner for `a`: often of a near exponent, or nearly equal.
    pub fn near(&mut self, a: F80) -> F80 {
        let e = i64::from(a.se & 0x7FFF) + self.below(140) as i64 - 70;
        let sign = (self.next() as u16) & 0x8000;
        match self.below(8) {
            0 => F80::new(a.se ^ sign, a.sig),
            1 => F80::new(a.se ^ sign, a.sig ^ 1 << self.below(64)),
            2..5 if (1..0x7FFF).contains(&e) => F80::new(sign | e as u16, self.word() | 1 << 63),
            _ => self.f80(),
        }
    }

    /// Bits of a value with `p` significand bits in `width` bits.
    pub fn binary(&mut self, width: u32, p: u32) -> u64 {
        let exp_max = (1u64 << (width - p)) - 1;
        let bias = exp_max / 2;
        let frac = (self.word() >> (64 - p)) & ((1 << (p - 1)) - 1);
        let sign = self.below(2) << (width - 1);
        let exp = match self.below(12) {
            0 => return sign,
            1 => return sign | exp_max << (p - 1),
            2 => exp_max,
            3 => 0,
            4 => 1 + self.below(4),
            5 => exp_max - 1 - self.below(4),
            6 => 1 + self.below(exp_max - 1),
            7 => bias / 2 + self.below(3),
            8 => bias + bias / 2 - self.below(3),
            _ => bias - 3 + self.below(70),
        };
        sign | exp << (p - 1) | frac
    }

    pub fn b32(&mut self) -> u32 {
        self.binary(32, 24) as u32
    }

    pub fn b64(&mut self) -> u64 {
        self.binary(64, 53)
    }

    /// A partner for `a`, sometimes nearly equal to it.
    pub fn near_bits(&mut self, a: u64, width: u32, p: u32) -> u64 {
        let other = self.binary(width, p);
        match self.below(6) {
            0 => a,
            1 => a ^ 1 << (width - 1),
            2 => a ^ 1 << self.below(u64::from(width)),
            _ => other,
        }
    }
}
