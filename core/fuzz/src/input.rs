//! Reading structure out of a fuzzer's bytes, and making such bytes without a fuzzer.

/// A cursor over the bytes. Past their end it reads zeros, so that every input means something.
pub struct Input<'a> {
    bytes: &'a [u8],
}

impl<'a> Input<'a> {
    /// At the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Nothing is left.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Up to `n` bytes.
    pub fn take(&mut self, n: usize) -> &'a [u8] {
        let (head, tail) = self.bytes.split_at(n.min(self.bytes.len()));
        self.bytes = tail;
        head
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        self.take(usize::MAX)
    }

    /// A little-endian number of `N` bytes.
    pub fn number(&mut self, n: usize) -> u64 {
        let mut b = [0; 8];
        let got = self.take(n);
        b[..got.len()].copy_from_slice(got);
        u64::from_le_bytes(b)
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        self.number(1) as u8
    }

    /// Below `n`, which is at most 256.
    pub fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n
    }

    /// One of several.
    pub fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// A number of the kind that finds boundaries: mostly small, near a power of two, or somewhere in `near`.
    pub fn interesting(&mut self, near: u64) -> u64 {
        let shape = self.byte();
        let n = u64::from(shape >> 3);
        match shape & 7 {
            0 => self.number(8),
            1 => n,
            2 => 0u64.wrapping_sub(n),
            3 => (1u64 << (self.byte() & 63)).wrapping_sub(n),
            4 => (1u64 << (self.byte() & 63)).wrapping_add(n),
            5 => self.number(4),
            _ => near.wrapping_add(self.number(2)),
        }
    }
}

/// xorshift64*: the same bytes on every host.
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 16) as usize % n
    }

    /// `n` random bytes.
    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| (self.next() >> 32) as u8).collect()
    }

    /// A variant of `seed`: a few bytes changed, cut, doubled or put in.
    pub fn mutate(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut out = seed.to_vec();
        for _ in 0..=self.below(4) {
            if out.is_empty() {
                return self.bytes(16);
            }
            let at = self.below(out.len());
            let len = 1 + self.below(16).min(out.len() - at - 1);
            match self.below(8) {
                0 => out.truncate(at),
                1 => {
                    let piece = out[at..at + len].to_vec();
                    out.splice(at..at, piece);
                }
                2 => {
                    out.drain(at..at + len);
                }
                3 => out[at..at + len].fill(0xff),
                4 => out[at] ^= 1 << self.below(8),
                _ => out[at] = (self.next() >> 40) as u8,
            }
        }
        out
    }
}
