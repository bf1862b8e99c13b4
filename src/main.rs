//! argv → command → exit status; the only place that ends the process.

use std::io::{stderr, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    // Not locked: threads of the daemon write to standard error too.
    let ending = wanbeacon::cli::perform(std::env::args_os().skip(1), &mut stdout(), &mut stderr());
    ExitCode::from(ending.code())
}
