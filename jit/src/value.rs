//! Values of translated code before they are code.
//!
//! A value is a node of an expression over what is already in the function. It becomes CLIF when and where something needs it, at
//! the width that is needed: a flag that nobody reads costs nothing, a value that only a cold exit stores is computed there,
//! and arithmetic on 8 to 32 bits is emitted at that width instead of at 64 bits with masks.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use cranelift_frontend::FunctionBuilder;

/// A node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct V(u32);

/// An operation with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Un {
    Not,
    /// The low bits.
    Zext(u32),
    /// The low bits, sign-extended to 64.
    Sext(u32),
    Clz,
    Ctz,
    Popcnt,
    Bswap,
}

/// An operation with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bin {
    Add,
    Sub,
    Mul,
    Umulh,
    Smulh,
    And,
    Or,
    Xor,
    Shl,
    Shr,
    Sar,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Const(u64),
    /// 64 bits.
    Clif(Value),
    Un(Un, V),
    Bin(Bin, V, V),
    Select(V, V, V),
    /// 1 or 0, by the low bits (8, 16, 32 or 64) of both.
    Cmp(IntCC, u32, V, V),
}

/// All nodes of a function, and what has been made of them so far.
#[derive(Debug, Default)]
pub struct Values {
    nodes: Vec<Node>,
    /// No bit at or above this one is set.
    bits: Vec<u8>,
    /// CLIF values by width: 8, 16, 32, 64.
    made: Vec<[Option<Value>; 4]>,
    /// What was entered into `made`, to take it out again where control flow leaves the blocks that have it.
    trail: Vec<(u32, u8)>,
}

/// The CLIF type of a width.
pub fn int(bits: u32) -> Type {
    match bits {
        8 => types::I8,
        16 => types::I16,
        32 => types::I32,
        _ => types::I64,
    }
}

fn width_index(bits: u32) -> usize {
    match bits {
        8 => 0,
        16 => 1,
        32 => 2,
        _ => 3,
    }
}

const fn ones(bits: u32) -> u64 {
    u64::MAX >> (64 - bits)
}

impl Values {
    fn push(&mut self, node: Node, bits: u32) -> V {
        self.nodes.push(node);
        self.bits.push(bits.min(64) as u8);
        self.made.push([None; 4]);
        V(self.nodes.len() as u32 - 1)
    }

    fn node(&self, v: V) -> Node {
        self.nodes[v.0 as usize]
    }

    /// No bit of the value at or above this one is set.
    pub fn width(&self, v: V) -> u32 {
        u32::from(self.bits[v.0 as usize])
    }

    /// How much more than `base` an instruction pointer of so many bits is: modulo the number of its own, as a signed number. `None` where
    /// that is not known, and for one that is cut to fewer, as the branch of 16 bits in 32-bit code does: what is lost is not known.
    pub fn distance(&self, v: V, base: Value, width: u32) -> Option<i64> {
        let bits = if let Node::Un(Un::Zext(bits), _) = self.node(v) { bits } else { 64 };
        let ((from, sum), above) = (self.root(v, bits), 64 - bits);
        (bits >= width && self.node(from) == Node::Clif(base)).then_some((sum << above) as i64 >> above)
    }

    /// The number that a value is known to be.
    pub fn constant(&self, v: V) -> Option<u64> {
        match self.node(v) {
            Node::Const(c) => Some(c),
            _ => None,
        }
    }

    /// What a value is the sum of, modulo 2 to the power of `width`: something and a number.
    pub fn root(&self, mut v: V, width: u32) -> (V, u64) {
        let mut sum = 0u64;
        loop {
            match self.node(v) {
                Node::Un(Un::Zext(w) | Un::Sext(w), inner) if w >= width => v = inner,
                Node::Bin(Bin::Add, inner, k) => match self.constant(k) {
                    Some(k) => {
                        sum = sum.wrapping_add(k);
                        v = inner;
                    }
                    None => return (v, sum & ones(width)),
                },
                _ => return (v, sum & ones(width)),
            }
        }
    }

    /// Whether `v` is exactly `op` of `a` and `b`.
    pub fn is(&self, v: V, op: Bin, a: V, b: V) -> bool {
        self.node(v) == Node::Bin(op, a, b)
    }

    /// A number.
    pub fn imm(&mut self, v: u64) -> V {
        self.push(Node::Const(v), 64 - v.leading_zeros())
    }

    /// A value of 64 bits that is there already, of which at most the low `bits` are set.
    pub fn clif(&mut self, v: Value, bits: u32) -> V {
        self.push(Node::Clif(v), bits)
    }

    /// One operand.
    pub fn un(&mut self, op: Un, a: V) -> V {
        let w = self.width(a);
        if let Some(c) = self.constant(a) {
            return self.imm(fold_un(op, c));
        }
        match op {
            Un::Zext(b) if w <= b => a,
            Un::Sext(b) if w < b || b == 64 => a,
            // Extending what was extended from fewer bits, or will be cut anyway.
            Un::Zext(b) => match self.node(a) {
                Node::Un(Un::Zext(c) | Un::Sext(c), inner) if c >= b => self.un(Un::Zext(b), inner),
                _ => self.push(Node::Un(op, a), b.min(w)),
            },
            Un::Sext(b) => match self.node(a) {
                Node::Un(Un::Zext(c) | Un::Sext(c), inner) if c >= b => self.un(Un::Sext(b), inner),
                _ => self.push(Node::Un(op, a), 64),
            },
            Un::Clz | Un::Ctz | Un::Popcnt => self.push(Node::Un(op, a), 7),
            Un::Not | Un::Bswap => self.push(Node::Un(op, a), 64),
        }
    }

    /// Two operands. The count of a shift is taken modulo 64.
    pub fn bin(&mut self, op: Bin, a: V, b: V) -> V {
        if let (Some(x), Some(y)) = (self.constant(a), self.constant(b)) {
            let v = fold(op, x, y);
            return self.imm(v);
        }
        if let Some(v) = self.simplify(op, a, b) {
            return v;
        }
        let (wa, wb) = (self.width(a), self.width(b));
        let count = self.constant(b).map(|n| (n & 63) as u32);
        let bits = match op {
            Bin::And => wa.min(wb),
            Bin::Or | Bin::Xor => wa.max(wb),
            Bin::Add => wa.max(wb) + 1,
            Bin::Mul => wa + wb,
            Bin::Shl => count.map_or(64, |n| wa + n),
            Bin::Shr => count.map_or(wa, |n| wa.saturating_sub(n)),
            Bin::Sub | Bin::Sar | Bin::Umulh | Bin::Smulh => 64,
        };
        self.push(Node::Bin(op, a, b), bits)
    }

    fn simplify(&mut self, op: Bin, a: V, b: V) -> Option<V> {
        let commutes = matches!(op, Bin::Add | Bin::Mul | Bin::And | Bin::Or | Bin::Xor);
        if commutes && self.constant(a).is_some() {
            return Some(self.bin(op, b, a));
        }
        if a == b && matches!(op, Bin::Sub | Bin::Xor) {
            return Some(self.imm(0));
        }
        if a == b && matches!(op, Bin::And | Bin::Or) {
            return Some(a);
        }
        let c = self.constant(b)?;
        match (op, c) {
            (Bin::Add | Bin::Sub | Bin::Or | Bin::Xor, 0) => Some(a),
            (Bin::Shl | Bin::Shr | Bin::Sar, _) if c & 63 == 0 => Some(a),
            (Bin::And | Bin::Mul, 0) => Some(b),
            (Bin::Mul, 1) => Some(a),
            (Bin::And, _) if c & ones(self.width(a).max(1)) == ones(self.width(a).max(1)) => Some(a),
            (Bin::And, 0xff) => Some(self.un(Un::Zext(8), a)),
            (Bin::And, 0xffff) => Some(self.un(Un::Zext(16), a)),
            (Bin::And, 0xffff_ffff) => Some(self.un(Un::Zext(32), a)),
            (Bin::Add, _) => match self.node(a) {
                Node::Bin(Bin::Add, x, k) => {
                    let k = self.constant(k)?;
                    let k = self.imm(k.wrapping_add(c));
                    Some(self.bin(Bin::Add, x, k))
                }
                _ => None,
            },
            (Bin::Sub, _) => {
                let k = self.imm(c.wrapping_neg());
                Some(self.bin(Bin::Add, a, k))
            }
            _ => None,
        }
    }

    /// `a` where `c` is not 0, else `b`.
    pub fn select(&mut self, c: V, a: V, b: V) -> V {
        match self.constant(c) {
            Some(0) => b,
            Some(_) => a,
            None if a == b => a,
            None => {
                let bits = self.width(a).max(self.width(b));
                self.push(Node::Select(c, a, b), bits)
            }
        }
    }

    /// 1 or 0, by the low `bits` of both.
    pub fn cmp(&mut self, cc: IntCC, bits: u32, a: V, b: V) -> V {
        if let (Some(x), Some(y)) = (self.constant(a), self.constant(b)) {
            let s = 64 - bits;
            let (x, y) = (x << s, y << s);
            let holds = match cc {
                IntCC::Equal => x == y,
                IntCC::NotEqual => x != y,
                IntCC::UnsignedLessThan => x < y,
                IntCC::UnsignedGreaterThan => x > y,
                IntCC::UnsignedLessThanOrEqual => x <= y,
                IntCC::UnsignedGreaterThanOrEqual => x >= y,
                IntCC::SignedLessThan => (x as i64) < y as i64,
                IntCC::SignedGreaterThan => x as i64 > y as i64,
                IntCC::SignedLessThanOrEqual => x as i64 <= y as i64,
                IntCC::SignedGreaterThanOrEqual => x as i64 >= y as i64,
            };
            return self.imm(holds.into());
        }
        self.push(Node::Cmp(cc, bits, a, b), 1)
    }

    /// A comparison of whole values that needs no more bits than both have.
    pub fn cmp_unsigned(&mut self, cc: IntCC, a: V, b: V) -> V {
        let bits = match self.width(a).max(self.width(b)) {
            0..=8 => 8,
            9..=16 => 16,
            17..=32 => 32,
            _ => 64,
        };
        self.cmp(cc, bits, a, b)
    }

    /// A mark to go back to with [`Self::forget`].
    pub fn mark(&self) -> usize {
        self.trail.len()
    }

    /// Forgets the CLIF made since `mark`: the blocks that hold it do not lead to where code is emitted next.
    pub fn forget(&mut self, mark: usize) {
        for (node, width) in self.trail.drain(mark..) {
            self.made[node as usize][usize::from(width)] = None;
        }
    }

    /// What has the same low `bits` as a value, and takes less to compute: a part of a register that was written is what was written there.
    fn narrow(&self, mut v: V, bits: u32) -> V {
        let low = ones(bits);
        loop {
            let part = |c: V| self.constant(c).map(|c| c & low);
            v = match self.node(v) {
                Node::Un(Un::Zext(w) | Un::Sext(w), a) if w >= bits => a,
                Node::Bin(Bin::And, a, c) if part(c) == Some(low) => a,
                Node::Bin(Bin::Or | Bin::Xor | Bin::Add, a, c) if self.is_zero(c, low) => a,
                Node::Bin(Bin::Or | Bin::Xor | Bin::Add, a, c) if self.is_zero(a, low) => c,
                _ => return v,
            };
        }
    }

    /// Whether none of the bits of a mask is set in a value, as far as one sees at once.
    fn is_zero(&self, v: V, mask: u64) -> bool {
        match self.node(v) {
            Node::Const(c) => c & mask == 0,
            Node::Bin(Bin::And, _, c) => self.constant(c).is_some_and(|c| c & mask == 0),
            Node::Bin(Bin::Shl, _, n) => self.constant(n).is_some_and(|n| mask >> (n & 63) == 0),
            _ => false,
        }
    }

    /// The low `bits` (8, 16, 32 or 64) of a value as CLIF, in the current block.
    pub fn lower(&mut self, b: &mut FunctionBuilder<'_>, v: V, bits: u32) -> Value {
        let v = self.narrow(v, bits);
        let at = width_index(bits);
        if let Some(made) = self.made[v.0 as usize][at] {
            return made;
        }
        let made = if self.is_zero(v, ones(bits)) { b.ins().iconst(int(bits), 0) } else { self.emit(b, v, bits) };
        self.made[v.0 as usize][at] = Some(made);
        self.trail.push((v.0, at as u8));
        made
    }

    /// Something that is not 0 when the value is not.
    pub fn lower_condition(&mut self, b: &mut FunctionBuilder<'_>, v: V) -> Value {
        if let Node::Cmp(..) = self.node(v) {
            return self.lower(b, v, 8);
        }
        let bits = match self.width(v) {
            0..=8 => 8,
            9..=32 => 32,
            _ => 64,
        };
        self.lower(b, v, bits)
    }

    fn cut(&mut self, b: &mut FunctionBuilder<'_>, v: Value, from: u32, to: u32) -> Value {
        if from == to { v } else { b.ins().ireduce(int(to), v) }
    }

    fn emit(&mut self, b: &mut FunctionBuilder<'_>, v: V, bits: u32) -> Value {
        match self.node(v) {
            Node::Const(c) => b.ins().iconst(int(bits), (c & ones(bits)) as i64),
            Node::Clif(value) => self.cut(b, value, 64, bits),
            Node::Un(op, a) => self.emit_un(b, op, a, bits),
            Node::Bin(op, x, y) => self.emit_bin(b, op, x, y, bits),
            Node::Select(c, x, y) => {
                let c = self.lower_condition(b, c);
                let x = self.lower(b, x, bits);
                let y = self.lower(b, y, bits);
                b.ins().select(c, x, y)
            }
            Node::Cmp(cc, w, x, y) => {
                let x = self.lower(b, x, w);
                let y = self.lower(b, y, w);
                let r = b.ins().icmp(cc, x, y);
                if bits == 8 { r } else { b.ins().uextend(int(bits), r) }
            }
        }
    }

    fn emit_un(&mut self, b: &mut FunctionBuilder<'_>, op: Un, a: V, bits: u32) -> Value {
        match op {
            Un::Not => {
                let a = self.lower(b, a, bits);
                b.ins().bnot(a)
            }
            Un::Zext(w) | Un::Sext(w) if bits <= w => self.lower(b, a, bits),
            Un::Zext(w) => {
                let a = self.lower(b, a, w);
                b.ins().uextend(int(bits), a)
            }
            Un::Sext(w) => {
                let a = self.lower(b, a, w);
                b.ins().sextend(int(bits), a)
            }
            Un::Clz | Un::Ctz | Un::Popcnt | Un::Bswap => {
                let a = self.lower(b, a, 64);
                let r = match op {
                    Un::Clz => b.ins().clz(a),
                    Un::Ctz => b.ins().ctz(a),
                    Un::Popcnt => b.ins().popcnt(a),
                    _ => b.ins().bswap(a),
                };
                self.cut(b, r, 64, bits)
            }
        }
    }

    fn emit_bin(&mut self, b: &mut FunctionBuilder<'_>, op: Bin, x: V, y: V, bits: u32) -> Value {
        match op {
            Bin::Add | Bin::Sub | Bin::Mul | Bin::And | Bin::Or | Bin::Xor => {
                // The upper half of what fits into 32 bits comes for nothing.
                let narrow =
                    bits == 64 && self.width(x).max(self.width(y)) <= 32 && matches!(op, Bin::And | Bin::Or | Bin::Xor);
                // Eight-bit multiplication is not there on every host.
                let at = match bits {
                    64 if narrow => 32,
                    8 if op == Bin::Mul => 32,
                    _ => bits,
                };
                let (a, c) = (self.lower(b, x, at), self.lower(b, y, at));
                let r = match op {
                    Bin::Add => b.ins().iadd(a, c),
                    Bin::Sub => b.ins().isub(a, c),
                    Bin::Mul => b.ins().imul(a, c),
                    Bin::And => b.ins().band(a, c),
                    Bin::Or => b.ins().bor(a, c),
                    _ => b.ins().bxor(a, c),
                };
                if narrow { b.ins().uextend(types::I64, r) } else { self.cut(b, r, at, bits) }
            }
            Bin::Umulh | Bin::Smulh => {
                let (a, c) = (self.lower(b, x, 64), self.lower(b, y, 64));
                let r = if op == Bin::Umulh { b.ins().umulhi(a, c) } else { b.ins().smulhi(a, c) };
                self.cut(b, r, 64, bits)
            }
            Bin::Shl | Bin::Shr | Bin::Sar => self.emit_shift(b, op, x, y, bits),
        }
    }

    fn emit_shift(&mut self, b: &mut FunctionBuilder<'_>, op: Bin, x: V, n: V, bits: u32) -> Value {
        let count = self.constant(n).map(|n| (n & 63) as u32);
        // A count that 32 bits have room for: shifting by it there is what the low half of 64 bits does.
        let small = count.map_or(self.width(n) <= 5, |n| n < 32);
        let sign32 = match self.node(x) {
            Node::Un(Un::Sext(w), inner) if w <= 32 => Some((w, inner)),
            _ => None,
        };
        let at = match op {
            Bin::Shl if small && bits <= 32 => 32,
            Bin::Shr if small && self.width(x) <= 32 => 32,
            Bin::Sar if small && sign32.is_some() && bits <= 32 => 32,
            _ => 64,
        };
        if op == Bin::Shl && count.is_some_and(|n| n >= bits) {
            return b.ins().iconst(int(bits), 0);
        }
        let a = self.lower(b, x, at);
        let r = match count {
            Some(n) => {
                let n = b.ins().iconst(types::I32, i64::from(n));
                shift(b, op, a, n)
            }
            None => {
                let n = self.lower(b, n, 32);
                shift(b, op, a, n)
            }
        };
        if at < bits { b.ins().uextend(int(bits), r) } else { self.cut(b, r, at, bits) }
    }
}

fn shift(b: &mut FunctionBuilder<'_>, op: Bin, a: Value, n: Value) -> Value {
    match op {
        Bin::Shl => b.ins().ishl(a, n),
        Bin::Shr => b.ins().ushr(a, n),
        _ => b.ins().sshr(a, n),
    }
}

/// The operation on a number.
pub const fn fold_un(op: Un, c: u64) -> u64 {
    match op {
        Un::Not => !c,
        Un::Zext(b) => c & ones(b),
        Un::Sext(b) => ((c << (64 - b)) as i64 >> (64 - b)) as u64,
        Un::Clz => c.leading_zeros() as u64,
        Un::Ctz => c.trailing_zeros() as u64,
        Un::Popcnt => c.count_ones() as u64,
        Un::Bswap => c.swap_bytes(),
    }
}

/// The operation on two numbers.
pub fn fold(op: Bin, x: u64, y: u64) -> u64 {
    let n = (y & 63) as u32;
    match op {
        Bin::Add => x.wrapping_add(y),
        Bin::Sub => x.wrapping_sub(y),
        Bin::Mul => x.wrapping_mul(y),
        Bin::Umulh => ((u128::from(x) * u128::from(y)) >> 64) as u64,
        Bin::Smulh => ((i128::from(x as i64) * i128::from(y as i64)) >> 64) as u64,
        Bin::And => x & y,
        Bin::Or => x | y,
        Bin::Xor => x ^ y,
        Bin::Shl => x << n,
        Bin::Shr => x >> n,
        Bin::Sar => (x as i64 >> n) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_is_what_was_added_cut_as_the_sum_is() {
        let (mut v, base) = (Values::default(), Value::from_u32(0));
        let [page, elsewhere] = [base, Value::from_u32(1)].map(|b| v.clif(b, 64));
        let sum = |v: &mut Values, to, k: i64| {
            let k = v.imm(k as u64);
            v.bin(Bin::Add, to, k)
        };
        let far = sum(&mut v, page, -0x1234);
        let twice = sum(&mut v, far, 0x2_0000);
        let cut32 = v.un(Un::Zext(32), far);
        let cut16 = v.un(Un::Zext(16), twice);
        let other = sum(&mut v, elsewhere, 8);
        let doubled = v.bin(Bin::Add, page, page);
        let distances = |width| [page, far, twice, cut32, cut16, other, doubled].map(|v2| v.distance(v2, base, width));
        let [here, there, thither, low] = [0, -0x1234, 0x1_edcc, -0x1234].map(Some);
        assert_eq!(distances(16), [here, there, thither, low, low, None, None]);
        assert_eq!(distances(32), [here, there, thither, low, None, None, None]);
        assert_eq!(distances(64), [here, there, thither, None, None, None, None]);
    }
}
