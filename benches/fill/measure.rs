//! What a round took, and how it is shown.

use std::fs;
use std::time::Duration;

use pgrehearse::shadow::Server;

/// One round of one way to fill.
pub(crate) struct Measured {
    pub(crate) rows: u64,
    /// Of COPY's text; 0 where it is not known.
    pub(crate) bytes: u64,
    pub(crate) copying: Duration,
    pub(crate) indexing: Duration,
    /// Vacuum and statistics, which only ours does.
    pub(crate) settling: Option<Duration>,
    /// Into production's settings, all rows flushed to the disk.
    pub(crate) restarting: Option<Duration>,
    /// While copying and indexing.
    pub(crate) cpu: Cpu,
}

/// Seconds of processor time.
pub(crate) struct Cpu {
    pub(crate) tool: f64,
    pub(crate) server: f64,
}

impl Measured {
    fn seconds(&self) -> f64 {
        (self.copying + self.indexing).as_secs_f64()
    }

    /// All that it took.
    pub(crate) fn whole(&self) -> Duration {
        let after = [self.settling, self.restarting];
        self.copying + self.indexing + after.into_iter().flatten().sum::<Duration>()
    }
}

/// Processor time since its start: this process' from `/proc/self/stat`, with that of programs that it
/// ran and waited for; the server's from the same
/// file of the postmaster (with its ended children) and of each child that lives.
pub(crate) struct Meter {
    postmaster: u32,
    from: Cpu,
}

impl Meter {
    pub(crate) fn start(server: &Server) -> Self {
        let file = server.directory().join("data/postmaster.pid");
        let text = fs::read_to_string(file).unwrap();
        let postmaster = text.lines().next().unwrap().parse().unwrap();
        Self {
            postmaster,
            from: Cpu::of(postmaster),
        }
    }

    pub(crate) fn read(&self) -> Cpu {
        let now = Cpu::of(self.postmaster);
        Cpu {
            tool: now.tool - self.from.tool,
            server: now.server - self.from.server,
        }
    }
}

impl Cpu {
    fn of(postmaster: u32) -> Self {
        let children = format!("/proc/{postmaster}/task/{postmaster}/children");
        let children = fs::read_to_string(children).unwrap();
        // One that has just ended counts among the postmaster's ended ones.
        let alive = children.split_whitespace().map(|pid| seconds(pid, 2));
        Self {
            tool: seconds("self", 4),
            server: seconds(&postmaster.to_string(), 4) + alive.sum::<f64>(),
        }
    }
}

/// User and system time, which Linux gives in hundredths of a second; with `fields` 4, also those of
/// children that were waited for.
fn seconds(pid: &str, fields: usize) -> f64 {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return 0.0;
    };
    // The second field, the name in parentheses, may contain blanks.
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    let ticks = rest.split(' ').skip(11).take(fields);
    ticks
        .map(|ticks| ticks.parse::<f64>().unwrap() / 100.0)
        .sum()
}

/// Every round, the medians, and how the first compares with each of the others.
pub(crate) fn show(title: &str, all: &[(&str, Vec<Measured>)]) {
    println!("{title}");
    println!(
        "{:14} {:>9} {:>9} {:>11} {:>7} {:>9} {:>10} {:>10}",
        "", "copy", "index", "rows/s", "MB/s", "settling", "tool CPU", "server CPU"
    );
    for (name, rounds) in all {
        for round in rounds {
            line(name, round);
        }
    }
    let Some(((first, ours), others)) = all.split_first() else {
        return;
    };
    for (name, rounds) in others {
        let whole = ratios(ours, rounds, Measured::seconds);
        let copying = ratios(ours, rounds, |round| round.copying.as_secs_f64());
        let cpu = ratios(ours, rounds, |round| round.cpu.tool + round.cpu.server);
        println!(
            "{first} beside {name}: {:.2} times as fast in all ({:.2} to {:.2}), copying {:.2} times; \
             {:.2} times the CPU",
            whole.median,
            whole.least,
            whole.most,
            copying.median,
            1.0 / cpu.median
        );
    }
    let shares = ours.iter().map(|round| round.cpu.tool / round.cpu.server);
    println!(
        "CPU of the tool beside the server's: {:.0} %; peak memory of the tool {} MB\n",
        Spread::of(shares.collect()).median * 100.0,
        peak_memory() >> 20
    );
}

/// The fill with vacuum, statistics and the restart, beside `pgbench -i` on a durable server.
pub(crate) fn show_durable(ours: &[Duration], theirs: &[Duration]) {
    let seconds = |all: &[Duration]| Spread::of(all.iter().map(Duration::as_secs_f64).collect());
    let pairs = ours.iter().zip(theirs);
    let ratios = pairs.map(|(ours, theirs)| theirs.as_secs_f64() / ours.as_secs_f64());
    let ratio = Spread::of(ratios.collect());
    println!(
        "until the rows are durable, vacuum, statistics and restart included: pgrehearse {:.2} s; \
         pgbench -i on a durable server, without vacuum: {:.2} s: {:.2} times as fast ({:.2} to {:.2})\n",
        seconds(ours).median,
        seconds(theirs).median,
        ratio.median,
        ratio.least,
        ratio.most
    );
}

fn line(name: &str, round: &Measured) {
    let settling = match round.settling {
        Some(time) => format!("{:.2} s", time.as_secs_f64()),
        None => String::new(),
    };
    println!(
        "{name:14} {:>7.2} s {:>7.2} s {:>11.0} {:>7.0} {settling:>9} {:>8.2} s {:>8.2} s",
        round.copying.as_secs_f64(),
        round.indexing.as_secs_f64(),
        round.rows as f64 / round.seconds(),
        round.bytes as f64 / 1e6 / round.copying.as_secs_f64(),
        round.cpu.tool,
        round.cpu.server,
    );
}

/// Median and ends of some numbers.
struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

impl Spread {
    fn of(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        Self {
            least: *numbers.first().unwrap(),
            median: *numbers.get(numbers.len() / 2).unwrap(),
            most: *numbers.last().unwrap(),
        }
    }
}

/// How many times as fast the first is, round by round.
fn ratios(ours: &[Measured], theirs: &[Measured], time: impl Fn(&Measured) -> f64) -> Spread {
    let pairs = ours.iter().zip(theirs);
    Spread::of(
        pairs
            .map(|(ours, theirs)| time(theirs) / time(ours))
            .collect(),
    )
}

/// `VmHWM`: the most that this process ever had in memory, in bytes.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().unwrap() << 10
}
