mod kinds;
mod left_out;
mod properties;
mod sessions;
mod statements;

use proptest::prelude::*;

use super::*;

/// A csvlog of version 14 or later.
#[derive(Default)]
struct Log {
    text: String,
}

/// Who writes, and in which transaction.
#[derive(Clone, Copy)]
struct Who {
    session: &'static str,
    database: &'static str,
    application: &'static str,
}

const A: Who = Who {
    session: "a.1",
    database: "shop",
    application: "web",
};

const B: Who = Who {
    session: "b.2",
    ..A
};

impl Log {
    fn entry(&mut self, who: Who, millis: u32, transaction: u32, rest: [&str; 5]) {
        let [severity, sqlstate, message, detail, query] = rest;
        let quote = |text: &str| match text {
            "" => String::new(),
            text => format!("\"{}\"", text.replace('"', "\"\"")),
        };
        self.text += &format!(
            "2026-11-21 06:00:{:02}.{:03} UTC,\"app\",{},1,\"[local]\",{},1,\"x\",2026-11-21 06:00:00 UTC,3/{transaction},0,{severity},{sqlstate},{},{},,,,,{},,,{},\"client backend\",,0\n",
            millis / 1_000,
            millis % 1_000,
            quote(who.database),
            who.session,
            quote(message),
            quote(detail),
            quote(query),
            quote(who.application),
        );
    }

    fn says(mut self, who: Who, millis: u32, transaction: u32, message: &str) -> Self {
        self.entry(who, millis, transaction, ["LOG", "00000", message, "", ""]);
        self
    }

    fn with(mut self, millis: u32, message: &str, detail: &str) -> Self {
        self.entry(A, millis, 0, ["LOG", "00000", message, detail, ""]);
        self
    }

    fn fails(mut self, millis: u32, sqlstate: &str, query: &str) -> Self {
        self.entry(A, millis, 2, ["ERROR", sqlstate, "no", "", query]);
        self
    }

    fn read(&self) -> LoggedTraffic {
        self.read_at(1.0).unwrap_or_else(|error| panic!("{error}"))
    }

    fn read_at(&self, speed: f64) -> Result<LoggedTraffic, LogError> {
        let options = LogOptions {
            database: None,
            speed,
        };
        LoggedTraffic::read("p.csv", &self.text, options)
    }
}

/// The transactions of a session in short: when, which kind, and its statements with their pauses.
fn shown(traffic: &LoggedTraffic, session: usize) -> Vec<String> {
    let transactions = traffic.sessions[session].transactions.iter();
    let shown = transactions.map(|transaction| {
        let statements = transaction.statements.iter().map(|statement| {
            let pause = match statement.pause {
                Pause::AfterEnd(Duration::ZERO) => String::new(),
                Pause::AfterEnd(pause) => format!("{pause:?} later "),
                Pause::AfterStart(pause) => format!("{pause:?} on "),
            };
            let values = statement.parameters.as_ref().map(|values| {
                let values = values
                    .iter()
                    .map(|value| value.as_deref().unwrap_or("NULL"));
                format!(" <- [{}]", values.collect::<Vec<_>>().join(", "))
            });
            let error = statement.error.as_ref().map(|error| format!(" !{error}"));
            pause + &statement.text + &values.unwrap_or_default() + &error.unwrap_or_default()
        });
        format!(
            "{:?} {}: {}",
            transaction.at,
            traffic.kinds[transaction.kind].name,
            statements.collect::<Vec<_>>().join(" | ")
        )
    });
    shown.collect()
}

fn left_out(traffic: &LoggedTraffic) -> Vec<(&str, u64)> {
    let left = traffic.left_out.iter();
    left.map(|left| (left.what.as_str(), left.statements))
        .collect()
}
