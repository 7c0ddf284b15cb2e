//! The sessions of one worker, and who tells them what to do.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::super::TrafficError;
use super::super::arrivals::Arrival;
use super::super::ledger::Ledger;
use super::super::orders::{Orders, Start, Stop};
use super::super::outbox::pass_on_panic;
use super::super::registry::Registry;
use super::super::session::OPENING;
use super::super::wire::{Canceller, Target};
use super::agenda::{Agenda, Deed, Entry};
use super::player::{Job, Player};
use crate::scenario::plan::ReplayLoad;
use crate::sql::{LoggedSession, LoggedTraffic};

/// A worker's part of a log: the sessions whose number leaves this rest.
#[derive(Clone)]
pub(in crate::traffic) struct Part {
    traffic: Arc<LoggedTraffic>,
    /// Whether the log begins again when it has ended.
    repeat: bool,
    worker: usize,
    workers: usize,
}

impl Part {
    /// The part of one worker of some.
    pub(in crate::traffic) fn of(load: &ReplayLoad, (worker, workers): (u64, u64)) -> Self {
        Self {
            traffic: Arc::clone(&load.traffic),
            repeat: load.repeat,
            worker: usize::try_from(worker).unwrap_or(usize::MAX),
            workers: usize::try_from(workers).unwrap_or(usize::MAX),
        }
    }

    /// The worker's sessions with their numbers in the log.
    fn sessions(&self) -> impl Iterator<Item = (usize, &LoggedSession)> {
        let sessions = self.traffic.sessions.iter().enumerate();
        sessions.skip(self.worker).step_by(self.workers.max(1))
    }
}

/// The sessions at work.
pub(in crate::traffic) struct Cast {
    part: Part,
    ledger: Rc<Ledger>,
    jobs: Vec<UnboundedSender<Job>>,
    under_way: Vec<Rc<RefCell<Option<Canceller>>>>,
    players: JoinSet<()>,
}

impl Cast {
    /// Opens the connections of the sessions that are there when the log begins.
    pub(in crate::traffic) async fn open(
        part: Part,
        (target, registry): (&Target, &Arc<Registry>),
        ledger: &Rc<Ledger>,
    ) -> Result<Self, TrafficError> {
        let players: Vec<Player> = part
            .sessions()
            .map(|(session, _)| Player {
                traffic: Arc::clone(&part.traffic),
                session,
                target: target.clone(),
                registry: Arc::clone(registry),
                ledger: Rc::clone(ledger),
                connection: None,
                under_way: Rc::default(),
            })
            .collect();
        let mut opened = futures_util::stream::iter(players)
            .map(connected)
            .buffered(OPENING);
        let mut cast = Self {
            part,
            ledger: Rc::clone(ledger),
            jobs: Vec::new(),
            under_way: Vec::new(),
            players: JoinSet::new(),
        };
        while let Some(player) = opened.next().await {
            let player = player?;
            let (sender, jobs) = unbounded_channel();
            cast.jobs.push(sender);
            cast.under_way.push(Rc::clone(&player.under_way));
            cast.players.spawn_local(player.play(jobs));
        }
        Ok(cast)
    }

    /// Hands every transaction to its session when it is due, until told to stop. None if the fleet was
    /// dropped.
    pub(in crate::traffic) async fn play(
        &mut self,
        start: &Start,
        orders: &mut Orders,
    ) -> io::Result<Option<Stop>> {
        let sessions = self.part.sessions().map(|(_, session)| session);
        let length = (self.part.traffic.length, self.part.repeat);
        let mut agenda = Agenda::new(sessions, length, start.at);
        let timeline = &start.timeline;
        loop {
            let stop = orders.stop();
            let moment = match &stop {
                Some(stop) => stop
                    .cutoff
                    .saturating_duration_since(timeline.instant(Duration::ZERO)),
                None => timeline.now(),
            };
            while let Some(entry) = agenda.take_due(moment) {
                self.hand_over(entry);
            }
            if stop.is_some() {
                return Ok(stop);
            }
            let changed = match agenda.next_due() {
                // Behind, even after all that: the sessions must get their turn too.
                Some(due) if due <= timeline.now() => {
                    tokio::task::yield_now().await;
                    true
                }
                Some(due) => tokio::select! {
                    biased;
                    woken = self.ledger.alarm.until(timeline.instant(due)) => woken.map(|()| true)?,
                    changed = orders.changed() => changed,
                },
                None => orders.changed().await,
            };
            if !changed {
                return Ok(None);
            }
        }
    }

    fn hand_over(&mut self, Entry { session, deed, due }: Entry) {
        let job = match deed {
            Deed::Begin => Job::Begin,
            Deed::End => Job::End,
            Deed::Send(number) => {
                let Some(arrival) = self.arrival(session, number) else {
                    return;
                };
                let ticket = self.ledger.open(&arrival, due);
                // A session that is still busy is the application's, not the generator's lateness.
                ticket.handed_over();
                Job::Send(number, ticket)
            }
        };
        // A session whose task has ended leaves the ticket unfinished.
        if let Some(jobs) = self.jobs.get(session) {
            let _ = jobs.send(job);
        }
    }

    /// A transaction as the ledger counts it.
    fn arrival(&self, own: usize, number: usize) -> Option<Arrival> {
        let (session, logged) = self.part.sessions().nth(own)?;
        let transaction = logged.transactions.get(number)?;
        Some(Arrival {
            serial: session as u64,
            at: transaction.at,
            transaction: transaction.kind,
            seed: 0,
        })
    }

    /// Lets the sessions finish what they were given, until `stop` says that it is enough; the rest is cut
    /// off.
    pub(in crate::traffic) async fn drain(&mut self, stop: Stop) {
        self.jobs.clear();
        let ended = async {
            while let Some(ended) = self.players.join_next().await {
                pass_on_panic(ended);
            }
        };
        let _ = tokio::time::timeout_at(stop.drained.into(), ended).await;
    }

    /// Cuts off what is under way.
    pub(in crate::traffic) async fn close(mut self) {
        self.players.shutdown().await;
        let under_way = self
            .under_way
            .iter()
            .filter_map(|canceller| canceller.take());
        let cancelled = under_way.map(|canceller| async move {
            // The connection is gone: nobody is left who could do more than ask.
            let _ = canceller.cancel().await;
        });
        let cancelled = futures_util::stream::iter(cancelled).buffer_unordered(OPENING);
        cancelled.collect::<Vec<()>>().await;
    }
}

/// A player that is connected, if its session was there when the log began.
async fn connected(mut player: Player) -> Result<Player, TrafficError> {
    let session = player.traffic.sessions.get(player.session);
    if session.is_some_and(|session| session.start.is_zero()) {
        player.connect().await.map_err(TrafficError::Connect)?;
    }
    Ok(player)
}
