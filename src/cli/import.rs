//! `import`: another client's file → a configuration on standard output.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use zeroize::Zeroizing;

use super::Failure;
use crate::config::Dialect;
use crate::config::import::{self, Client};

/// More than any such file has; a device or a log that was named by a slip must not fill the memory.
const FILE_MAX: u64 = 1 << 20;

pub(super) fn import(
    client: Client,
    file: &Path,
    to: Option<Dialect>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), Failure> {
    let is_input = file == Path::new("-");
    let name = if is_input { "standard input".to_owned() } else { file.display().to_string() };
    let text = read(file, is_input).map_err(|error| Failure::Wrong(format!("{name}: {error}")))?;
    let imported = import::import(client, &text, to).map_err(|mistakes| {
        for mistake in &mistakes {
            let _ = writeln!(err, "{}", mistake.line(&name));
        }
        let noun = if mistakes.len() == 1 { "mistake" } else { "mistakes" };
        Failure::Wrong(format!("{name}: {} {noun}", mistakes.len()))
    })?;
    out.write_all(imported.text.as_bytes()).map_err(Failure::Unwritable)?;
    for line in &imported.left {
        let _ = writeln!(err, "{name}: {line}");
    }
    Ok(())
}

fn read(file: &Path, is_input: bool) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::new());
    let source: Box<dyn Read> =
        if is_input { Box::new(io::stdin()) } else { Box::new(fs::File::open(file)?) };
    source.take(FILE_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > FILE_MAX {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "this is no configuration: it is larger than 1 MiB",
        ));
    }
    Ok(text)
}
