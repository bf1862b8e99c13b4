//! What is shown: a line for each thing that happens, and a table at the end. 100 columns, colours on a terminal only.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Columns of the page.
const WIDTH: usize = 100;

/// One line of the table at the end.
#[derive(Default)]
pub(crate) struct Row {
    /// The step that it belongs to.
    pub(crate) step: String,
    /// What had to become true.
    pub(crate) what: String,
    /// From usable to the request's arrival.
    pub(crate) request: Option<Duration>,
    /// From usable to the name server's answer.
    pub(crate) name: Option<Duration>,
    /// Whether it became true.
    pub(crate) right: bool,
}

/// Writes to standard output.
pub(crate) struct Timeline {
    begin: Instant,
    colours: bool,
    rows: Vec<Row>,
}

impl Timeline {
    pub(crate) fn new() -> Self {
        Self { begin: Instant::now(), colours: io::stdout().is_terminal(), rows: Vec::new() }
    }

    /// A heading.
    pub(crate) fn title(&self, text: &str) -> io::Result<()> {
        self.write(&format!("\n{}\n", self.painted("1", text)))
    }

    /// Something happened.
    pub(crate) fn event(&self, at: Instant, kind: &str, text: &str) -> io::Result<()> {
        self.line(at, kind, "", text)
    }

    /// Something happened because of something else.
    pub(crate) fn after(&self, at: Instant, cause: Instant, kind: &str, text: &str) -> io::Result<()> {
        self.line(at, kind, &format!("+{} ms", milliseconds(at.saturating_duration_since(cause))), text)
    }

    /// Notes a result for the table.
    pub(crate) fn row(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Whether nothing was missed.
    pub(crate) fn all_right(&self) -> bool {
        self.rows.iter().all(|row| row.right)
    }

    /// Somebody else's words.
    pub(crate) fn quote(&self, whose: &str, text: &str) -> io::Result<()> {
        self.title(whose)?;
        text.lines().try_for_each(|line| self.write(&format!("  {line}\n")))
    }

    /// The results.
    pub(crate) fn table(&self) -> io::Result<()> {
        self.title("Milliseconds from the address being usable to …")?;
        let (step, what) = ("step", "what must become true");
        self.write(&format!("  {step:<13}{what:<48}{:>10}{:>12}   result\n", "… request", "… resolved"))?;
        for row in &self.rows {
            let shown = |time: Option<Duration>| time.map_or_else(|| "–".to_owned(), milliseconds);
            let result = if row.right { self.painted("32", "right") } else { self.painted("31", "WRONG") };
            let (step, what) = (&row.step, &row.what);
            self.write(&format!(
                "  {step:<13}{what:<48}{:>10}{:>12}   {result}\n",
                shown(row.request),
                shown(row.name)
            ))?;
        }
        let right = self.rows.iter().filter(|row| row.right).count();
        let seconds = self.begin.elapsed().as_secs_f64();
        self.write(&format!("\n{right} of {} right, in {seconds:.1} s\n", self.rows.len()))
    }

    fn line(&self, at: Instant, kind: &str, after: &str, text: &str) -> io::Result<()> {
        let since = at.saturating_duration_since(self.begin).as_secs_f64();
        let prefix = format!("{since:>8.4} s  {kind:<8}{after:>10}  ");
        let room = WIDTH - prefix.len();
        let mut text = text.to_owned();
        if text.chars().count() > room {
            text = text.chars().take(room - 1).chain(['…']).collect();
        }
        self.write(&format!("{prefix}{text}\n"))
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1000.0)
}
