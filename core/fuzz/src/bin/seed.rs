//! Writes inputs for the target `code` to begin with: `seed DIRECTORY COUNT`.

use ferrite_fuzz::code;
use ferrite_fuzz::input::Random;

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(dir), Some(count)) = (args.next(), args.next().and_then(|n| n.parse::<u32>().ok())) else {
        eprintln!("seed: a directory and a number of files are needed");
        std::process::exit(2);
    };
    std::fs::create_dir_all(&dir)?;
    let mut random = Random(0x5eed);
    for n in 0..count {
        std::fs::write(format!("{dir}/seed-{n}"), code::sample(&mut random))?;
    }
    Ok(())
}
