//! How many host instructions the JIT makes of a fixed list of guest code: `density.txt`, in which a worse translation shows in review.
//!
//! `FERRITE_BLESS=1 cargo test -p ferrite-jit --test density` writes the numbers of this host into it. They are those of x86-64 with BMI2;
//! elsewhere the test only sees that all of the list translates.

mod density {
    use iced_x86::{Decoder, DecoderOptions, Formatter, NasmFormatter};
    use std::fmt::Write as _;
    use std::path::Path;

    /// A line of the list.
    struct Row {
        name: String,
        bits: u32,
        hex: String,
        /// Guest and host instructions.
        counts: (usize, usize),
    }

    impl Row {
        fn parse(line: &str) -> Option<Self> {
            let mut fields = line.split_whitespace();
            let mut next = || fields.next();
            let (name, bits, hex) = (next()?.to_owned(), next()?.parse().ok()?, next()?.to_owned());
            Some(Self { name, bits, hex, counts: (next()?.parse().ok()?, next()?.parse().ok()?) })
        }

        fn bytes(&self) -> Vec<u8> {
            let digits = self.hex.as_bytes().chunks(2).map(|d| std::str::from_utf8(d).expect("ASCII"));
            digits.map(|d| u8::from_str_radix(d, 16).unwrap_or_else(|e| panic!("{}: {e}", self.name))).collect()
        }

        /// What the code is.
        fn source(&self) -> String {
            let (bytes, mut text) = (self.bytes(), String::new());
            let mut formatter = NasmFormatter::new();
            for (n, ins) in Decoder::with_ip(self.bits, &bytes, 0x1000, DecoderOptions::NONE).iter().enumerate() {
                text.push_str(if n == 0 { "" } else { "; " });
                formatter.format(&ins, &mut text);
            }
            text
        }
    }

    #[test]
    fn translations_are_as_dense_as_they_were() {
        if let Err(why) = ferrite_jit::Jit::new(&ferrite_jit::Config::default()) {
            println!("skipped: {why}");
            return;
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/density.txt");
        let text = std::fs::read_to_string(&path).expect("the list");
        let (comments, lines): (Vec<_>, Vec<_>) = text.lines().partition(|l| l.starts_with('#'));
        let mut out = comments.join("\n") + "\n";
        let mut changed = String::new();
        for line in lines {
            let row = Row::parse(line).unwrap_or_else(|| panic!("density.txt: `{line}`"));
            let (guest, host) = ferrite_jit::density(&row.bytes(), row.bits);
            // None at all: it is interpreted.
            assert_eq!(guest > 0, host > 0, "{} ({}): {guest} instructions became {host}", row.name, row.bits);
            if (guest, host) != row.counts {
                let (_, was) = row.counts;
                let _ = writeln!(
                    changed,
                    "  {} ({}-bit): {was} host instructions, now {host}: {}",
                    row.name,
                    row.bits,
                    row.source()
                );
            }
            let _ =
                writeln!(out, "{:<16} {} {:<36} {guest:>2} {host:>4}   {}", row.name, row.bits, row.hex, row.source());
        }
        if std::env::var_os("FERRITE_BLESS").is_some_and(|v| v == "1") {
            std::fs::write(&path, out).expect("the list can be written");
            return;
        }
        #[cfg(target_arch = "x86_64")]
        let comparable = std::arch::is_x86_feature_detected!("bmi2");
        #[cfg(not(target_arch = "x86_64"))]
        let comparable = false;
        assert!(!comparable || changed.is_empty(), "FERRITE_BLESS=1 takes these for good:\n{changed}");
    }
}
