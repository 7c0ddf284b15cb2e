//! Progress on stderr: bars on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anstream::eprintln;
use indicatif::{ProgressBar, ProgressStyle};

use super::interrupt::Emergency;
use crate::judge::wording;
use crate::observe::PhaseName;
use crate::rehearsal::{Event, Observer};
use crate::shadow::fill::{FillProgress, Stage};
use crate::units::{Rate, Rows, Span};

/// How often plain lines tell of the fill and of the traffic.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Shows what a rehearsal tells, and keeps the way to its server for the second Ctrl-C.
#[derive(Debug)]
pub(super) struct Progress {
    style: Style,
    emergency: Emergency,
    current: Mutex<Current>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Hidden,
    Plain,
    Bars,
}

#[derive(Debug, Default)]
struct Current {
    bar: Option<ProgressBar>,
    phase: Option<(PhaseName, Option<Duration>, Instant)>,
    statement: Option<String>,
    is_load: bool,
    /// When a plain line last told of the traffic.
    told: Option<Instant>,
    fill: Option<FillWatch>,
}

impl Current {
    fn name_of(&self, phase: PhaseName) -> &'static str {
        match phase {
            PhaseName::Warmup => "warm-up",
            PhaseName::Baseline if self.is_load => "measuring",
            PhaseName::Baseline => "baseline",
            PhaseName::Migration => "migration",
            PhaseName::Recovery => "recovery",
        }
    }
}

/// A thread that shows the fill, since the fill itself only counts.
#[derive(Debug)]
struct FillWatch {
    ended: Arc<std::sync::atomic::AtomicBool>,
}

impl Drop for FillWatch {
    fn drop(&mut self) {
        self.ended.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

impl Progress {
    /// Shows progress unless `quiet`.
    pub(super) fn new(quiet: bool, emergency: Emergency) -> Self {
        let style = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Style::Hidden,
            (false, true) => Style::Bars,
            (false, false) => Style::Plain,
        };
        Self {
            style,
            emergency,
            current: Mutex::default(),
        }
    }

    /// Tells what comes now.
    pub(super) fn begin(&self, what: &str) {
        if self.style != Style::Hidden {
            eprintln!("{what}");
        }
    }

    /// Tells of a load, which has no migration that its baseline could be compared with.
    pub(super) fn begin_load(&self, what: &str) {
        self.begin(what);
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.is_load = true;
    }

    /// Takes the bar away, so that the report stands alone.
    pub(super) fn clear(&self) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = current.bar.take() {
            bar.finish_and_clear();
        }
        *current = Current::default();
    }

    fn say(&self, current: &mut Current, text: &str) {
        match self.style {
            Style::Hidden => {}
            Style::Plain => eprintln!("{text}"),
            Style::Bars => {
                let bar = current.bar.get_or_insert_with(|| {
                    let bar = ProgressBar::new_spinner();
                    // A line longer than the terminal is cut: wrapped, it would leave traces.
                    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                        bar.set_style(style);
                    }
                    bar.enable_steady_tick(Duration::from_millis(100));
                    bar
                });
                bar.set_message(text.to_owned());
            }
        }
    }

    fn live(&self, current: &mut Current, line: &str) {
        let Some((name, length, since)) = current.phase else {
            return;
        };
        if self.style == Style::Plain {
            let told = current.told.get_or_insert(since);
            if told.elapsed() < PLAIN_EVERY {
                return;
            }
            *told = Instant::now();
        }
        let name = current.name_of(name);
        let phase = match length {
            Some(length) => {
                let left = length.saturating_sub(since.elapsed());
                format!("{name}, {} s to go", left.as_secs() + 1)
            }
            None => format!("{name} for {}", Span(since.elapsed())),
        };
        let statement = current
            .statement
            .as_deref()
            .map(|sql| format!(" · {sql}"))
            .unwrap_or_default();
        self.say(current, &format!("{phase}: {line}{statement}"));
    }
}

impl Observer for Progress {
    fn event(&self, event: Event<'_>) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::ServerStarted(stop) => self.emergency.set(stop.clone()),
            Event::Pass(name) => self.say(&mut current, wording::pass(name)),
            Event::Preparing(what) => self.say(&mut current, what),
            Event::Filling(progress) => {
                if self.style != Style::Hidden {
                    current.fill =
                        watch_fill(Arc::clone(progress), self.style, current.bar.clone());
                }
            }
            Event::Filled(summary) => {
                current.fill = None;
                let text = format!(
                    "filled {} rows in {} ({} rows/s while copying)",
                    Rows(summary.rows),
                    Span(summary.duration()),
                    Rows(summary.rows_per_second() as u64)
                );
                self.say(&mut current, &text);
            }
            Event::Ready(after) => {
                let text = format!("ready for traffic after {}", Span(after));
                self.say(&mut current, &text);
            }
            Event::Note(text) => self.say(&mut current, &format!("note: {text}")),
            Event::Phase(name, length) => {
                current.phase = Some((name, length, Instant::now()));
                current.statement = None;
                let name = current.name_of(name);
                let lasting = length
                    .map(|length| format!(" ({})", Span(length)))
                    .unwrap_or_default();
                self.say(&mut current, &format!("{name}{lasting}"));
            }
            Event::Statement { index, count, sql } => {
                let text = format!("statement {} of {count}: {}", index + 1, first_line(sql));
                if self.style == Style::Plain {
                    self.say(&mut current, &text);
                }
                current.statement = Some(text);
            }
            Event::Live { traffic, waiters } => {
                let line = format!(
                    "{}  p99 {}  {} waiting for locks  {} in flight  connections {}  instances {}",
                    Rate(traffic.rate),
                    traffic
                        .p99
                        .map_or_else(|| "–".to_owned(), |p99| Span(p99).to_string()),
                    waiters,
                    traffic.in_flight,
                    traffic.connections,
                    traffic.instances,
                );
                self.live(&mut current, &line);
            }
        }
    }
}

fn watch_fill(
    progress: Arc<FillProgress>,
    style: Style,
    bar: Option<ProgressBar>,
) -> Option<FillWatch> {
    let ended = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = Arc::clone(&ended);
    let show = move || {
        let begun = Instant::now();
        let mut told = Instant::now();
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(200));
            let text = fill_line(&progress, begun.elapsed());
            match (style, &bar) {
                (Style::Bars, Some(bar)) => bar.set_message(text),
                (Style::Plain, _) if told.elapsed() >= PLAIN_EVERY => {
                    told = Instant::now();
                    eprintln!("{text}");
                }
                _ => {}
            }
        }
    };
    std::thread::Builder::new()
        .name("fill-progress".into())
        .spawn(show)
        .ok()?;
    Some(FillWatch { ended })
}

fn fill_line(progress: &FillProgress, elapsed: Duration) -> String {
    let (done, total) = (progress.done(), progress.total());
    match progress.stage() {
        Stage::Copying if done > 0 => {
            let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
            let left = Duration::from_secs_f64(total.saturating_sub(done) as f64 / rate);
            format!(
                "filling: {} of {} rows, {} rows/s, {} to go",
                Rows(done),
                Rows(total),
                Rows(rate as u64),
                Span(left)
            )
        }
        Stage::Waiting | Stage::Copying => format!("filling: {} rows", Rows(total)),
        Stage::Indexing => format!("building indexes: {done} of {total}"),
        Stage::Analyzing => format!("vacuuming and analyzing: {done} of {total} tables"),
        Stage::Done => "filled".to_owned(),
    }
}

fn first_line(sql: &str) -> &str {
    sql.lines().next().unwrap_or(sql)
}
