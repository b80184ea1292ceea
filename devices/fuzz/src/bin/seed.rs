//! Writes the seeds of a target for libFuzzer to begin with: `seed TARGET DIRECTORY`. Without arguments, the targets' names.

use ferrite_devices_fuzz::devices::{TARGETS, target};
use ferrite_devices_fuzz::seeds::seeds;

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let Some(name) = args.next() else {
        TARGETS.iter().for_each(|t| println!("{}", t.name));
        return Ok(());
    };
    let (Some(target), Some(dir)) = (target(&name), args.next()) else {
        eprintln!("seed: `{name}` is no target, or no directory is given; without arguments this lists the targets");
        std::process::exit(2);
    };
    std::fs::create_dir_all(&dir)?;
    for (n, bytes) in seeds(target).into_iter().enumerate() {
        std::fs::write(format!("{dir}/seed-{n}"), bytes)?;
    }
    Ok(())
}
