//! The `ferrite` command.

pub mod doctor;
mod outputs;
mod report;
pub mod run;
pub mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::Failure;

/// An x86 PC in software: exact, deterministic, easy to live with.
///
/// Without a command it boots the built-in demonstration.
#[derive(Debug, Parser)]
#[command(name = "ferrite", version, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Boot a machine
    Run(Box<run::RunArgs>),
    /// Run instruction-level test vectors against an engine
    Test(test::TestArgs),
    /// Say what this host offers and what is missing
    Doctor,
}

/// Runs the command that the process's arguments ask for.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) if e.use_stderr() => {
            eprintln!("{}", one_line(&e.render().to_string()));
            return ExitCode::from(2);
        }
        Err(e) => {
            // --help and --version
            return if e.print().is_ok() { ExitCode::SUCCESS } else { ExitCode::from(4) };
        }
    };
    let result = match cli.command {
        None => run::run(run::RunArgs::default()),
        Some(Command::Run(args)) => run::run(*args),
        Some(Command::Test(args)) => test::run(&args),
        Some(Command::Doctor) => doctor::run(),
    };
    match result {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.status())
        }
    }
}

/// A message of clap's without the usage reminder, as one line.
fn one_line(text: &str) -> String {
    let kept = text.lines().map(str::trim).take_while(|l| !l.starts_with("Usage:") && !l.starts_with("For more"));
    let parts: Vec<&str> = kept.filter(|l| !l.is_empty()).collect();
    match parts.split_first() {
        // `the following required arguments were not provided:` is followed by their names
        Some((first, rest)) if first.ends_with(':') => format!("{first} {}", rest.join(", ")),
        _ => parts.join("; "),
    }
}

/// The bytes of a file given by an option.
pub(crate) fn read_file(option: &str, path: &std::path::Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|e| Failure::Host(format!("{option} {}: {}", path.display(), reason(&e))))
}

/// The text of a host error without its number.
pub(crate) fn reason(e: &std::io::Error) -> String {
    let text = e.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_of_the_options_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_usage_error_is_one_line() {
        for args in [&["ferrite", "run", "--memroy", "1"][..], &["ferrite", "test"], &["ferrite", "run", "-m", "x"]] {
            let text = one_line(&Cli::try_parse_from(args).unwrap_err().render().to_string());
            assert!(text.starts_with("error: ") && !text.contains('\n') && text.len() > 20, "{text}");
        }
    }
}
