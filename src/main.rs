//! argv → command → exit status; the only place that ends the process.

use std::io::{stderr, stdout};
use std::process::ExitCode;

use wanbeacon::cli::{self, Failure, World};

fn main() -> ExitCode {
    let world = World {
        run: |_| Err(Failure::Failed(NOT_YET.to_owned())),
        watch: |_, _| Err(Failure::Failed(NOT_YET.to_owned())),
    };
    // Not locked: threads of the daemon write to standard error too.
    let ending = cli::perform(std::env::args_os().skip(1), &world, &mut stdout(), &mut stderr());
    ExitCode::from(ending.code())
}

const NOT_YET: &str = "the daemon is not joined to the commands yet";
