//! Which engine runs a machine: what `--accel` names, and what `auto` comes to on this host.

use ferrite_core::engine::Engine;
use ferrite_core::interp::Interpreter;
use ferrite_jit::{Jit, Unavailable};

use crate::Failure;
use crate::config::Accel;

/// An engine that may be missing on this host.
type Made = Result<Box<dyn Engine>, Unavailable>;

/// What is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Interpreter,
    Jit,
    /// The JIT, or else the interpreter.
    JitIfPossible,
}

/// Whether `accel` leads to the JIT on a host that can have it.
#[must_use]
pub fn means_jit(accel: Accel) -> bool {
    matches!(accel, Accel::Jit | Accel::Auto)
}

/// The engine that `accel` names, with `config` where it is the JIT. Why `auto` did not take the fastest goes to `say`, as one line.
///
/// # Errors
/// [`Failure::Host`] where the engine was asked for by name and cannot be had.
pub fn make(accel: Accel, config: &ferrite_jit::Config, say: impl FnOnce(&str)) -> Result<Box<dyn Engine>, Failure> {
    let wanted = match accel {
        Accel::Interp => Wanted::Interpreter,
        Accel::Jit => Wanted::Jit,
        Accel::Auto => Wanted::JitIfPossible,
        Accel::Kvm => {
            return Err(Failure::Host("--accel kvm: this build has no KVM engine; interp or auto would do".to_owned()));
        }
    };
    choose(wanted, || Ok(Box::new(Jit::new(config)?)), say)
}

/// [`make`] with any maker of the JIT.
fn choose(wanted: Wanted, jit: impl FnOnce() -> Made, say: impl FnOnce(&str)) -> Result<Box<dyn Engine>, Failure> {
    if wanted == Wanted::Interpreter {
        return Ok(Box::new(Interpreter::new()));
    }
    match (jit(), wanted) {
        (Ok(engine), _) => Ok(engine),
        (Err(why), Wanted::JitIfPossible) => {
            say(&format!("--accel auto: {why}; interpreting instead"));
            Ok(Box::new(Interpreter::new()))
        }
        (Err(why), _) => Err(Failure::Host(format!("--accel jit: {why}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Made {
        Err(Unavailable::Memory("not permitted".to_owned()))
    }

    #[test]
    fn auto_on_a_host_without_the_jit_interprets_and_says_why_in_one_line() {
        let mut said = Vec::new();
        let engine = choose(Wanted::JitIfPossible, refused, |line| said.push(line.to_owned())).unwrap();
        assert_eq!(engine.name(), "interp");
        assert_eq!(said, ["--accel auto: the host refuses executable memory: not permitted; interpreting instead"]);
    }

    #[test]
    fn the_jit_by_name_on_a_host_without_it_fails_with_that_line_and_status_4() {
        let failure = choose(Wanted::Jit, refused, |line| panic!("{line}")).unwrap_err();
        assert_eq!(failure.status(), 4);
        assert_eq!(failure.to_string(), "--accel jit: the host refuses executable memory: not permitted");
    }

    #[test]
    fn a_host_with_the_jit_is_asked_for_it_only_when_it_is_wanted() {
        let made = || Ok(Box::new(Interpreter::new()) as Box<dyn Engine>);
        for wanted in [Wanted::Jit, Wanted::JitIfPossible] {
            assert!(choose(wanted, made, |line| panic!("{line}")).is_ok());
        }
        let engine = choose(Wanted::Interpreter, || panic!("made for nothing"), |line| panic!("{line}")).unwrap();
        assert_eq!(engine.name(), "interp");
    }

    #[test]
    fn every_name_of_an_engine_leads_to_it() {
        let name = |accel| make(accel, &ferrite_jit::Config::default(), |_| ()).map(|e| e.name());
        assert_eq!(name(Accel::Interp), Ok("interp"));
        assert_eq!(name(Accel::Kvm).unwrap_err().status(), 4);
        assert!(name(Accel::Auto).is_ok());
        assert!(means_jit(Accel::Jit) && means_jit(Accel::Auto) && !means_jit(Accel::Interp));
    }
}
