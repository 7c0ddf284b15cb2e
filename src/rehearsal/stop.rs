//! The wish to stop: set once, by an interrupt, and looked at wherever the rehearsal waits.

use std::time::Duration;

use tokio::sync::watch;

/// Who may ask for the stop.
#[derive(Debug)]
pub struct StopSwitch(watch::Sender<bool>);

/// Who heeds it.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// A switch and what listens to it.
pub fn stop_switch() -> (StopSwitch, Stop) {
    let (sender, receiver) = watch::channel(false);
    (StopSwitch(sender), Stop(receiver))
}

impl StopSwitch {
    /// Asks for the stop; false if it had been asked for before.
    pub fn set(&self) -> bool {
        !self.0.send_replace(true)
    }
}

impl Stop {
    /// Whether the stop has been asked for.
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when the stop is asked for; never, if the switch is gone without.
    pub async fn asked(&self) {
        if self.0.clone().wait_for(|set| *set).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for so long; false if the stop came before.
    pub async fn sleep(&self, length: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(length) => true,
            () = self.asked() => false,
        }
    }
}
