//! Lists the ROMs: every `GROUP/NAME.asm` with its image beside it.

use std::fmt::Write as _;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let root = std::env::current_dir()?;
    println!("cargo::rerun-if-changed=.");
    let mut sources = Vec::new();
    for group in std::fs::read_dir(&root)? {
        let group = group?.path();
        // `demo` is a floppy.
        if !group.is_dir() || group.ends_with("src") || group.ends_with("demo") {
            continue;
        }
        for file in std::fs::read_dir(&group)? {
            let file = file?.path();
            if file.extension().is_some_and(|e| e == "asm") {
                sources.push(file);
            }
        }
    }
    sources.sort();
    let mut out = String::from("/// Every ROM, ordered by name.\npub const ROMS: &[Rom] = &[\n");
    for src in &sources {
        let name = src.strip_prefix(&root).unwrap_or(src).with_extension("");
        let name = name.to_string_lossy().replace('\\', "/");
        let path = |p: &Path| p.to_string_lossy().into_owned();
        let _ = writeln!(
            out,
            "    Rom {{ name: {name:?}, source: include_str!({:?}), image: include_bytes!({:?}) }},",
            path(src),
            path(&src.with_extension("bin"))
        );
    }
    out.push_str("];\n");
    let dir = std::env::var_os("OUT_DIR").ok_or(std::io::ErrorKind::NotFound)?;
    std::fs::write(Path::new(&dir).join("roms.rs"), out)
}
