//! The call log's way into the store: calls are noted at once and written in batches.

use std::sync::Arc;

use canopy_store::{CallEntry, Store};
use canopy_transport::{CallLog, CallRecord};
use tokio::sync::{mpsc, oneshot};

use crate::health::Answers;

/// Takes records from the clients.
#[derive(Debug, Clone)]
pub(crate) struct CallSink(mpsc::UnboundedSender<Message>, Answers);

/// The other end of a sink. Dropped, it discards everything.
#[derive(Debug)]
pub(crate) struct CallWriter(mpsc::UnboundedReceiver<Message>);

impl CallWriter {
    /// Writes from now on, until all clones of the sink are gone.
    pub fn start(self, store: Arc<dyn Store>) {
        tokio::spawn(write(store, self.0));
    }
}

#[derive(Debug)]
enum Message {
    Call(CallEntry),
    /// Answered when everything before it is written.
    Flush(oneshot::Sender<()>),
}

impl CallSink {
    /// A sink, and the writer that is to be started once there is a store.
    pub fn new() -> (Self, CallWriter) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender, Answers::default()), CallWriter(receiver))
    }

    /// What the answers say of credentials.
    pub fn answers(&self) -> &Answers {
        &self.1
    }

    /// Waits until the calls so far are written.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.0.send(Message::Flush(done)).is_ok() {
            // An error means that the writer has ended, and with it everything was written.
            let _ = written.await;
        }
    }
}

impl CallLog for CallSink {
    fn record(&self, record: CallRecord) {
        self.1.note(&record);
        let entry = CallEntry {
            at: record.at,
            service: record.service.to_string(),
            location: record.location.as_deref().unwrap_or_default().to_owned(),
            operation: record.operation.to_owned(),
            method: record.method.to_owned(),
            status: record.status,
            elapsed_ms: u64::try_from(record.elapsed.as_millis()).unwrap_or(u64::MAX),
            attempt: record.attempt,
            trace_id: record.trace_id,
            error: record.problem.map(|problem| problem.as_str().to_owned()),
            day_limit: record.day.map(|(limit, _)| limit),
            day_used: record.day.map(|(_, used)| used),
        };
        // The writer lives as long as any sink, so this only fails when the runtime is going down.
        let _ = self.0.send(Message::Call(entry));
    }
}

async fn write(store: Arc<dyn Store>, mut messages: mpsc::UnboundedReceiver<Message>) {
    let mut batch = Vec::new();
    while messages.recv_many(&mut batch, 500).await > 0 {
        let mut calls = Vec::with_capacity(batch.len());
        let mut waiting = Vec::new();
        for message in batch.drain(..) {
            match message {
                Message::Call(call) => calls.push(call),
                Message::Flush(done) => waiting.push(done),
            }
        }
        if !calls.is_empty()
            && let Err(error) = store.log_calls(calls).await
        {
            tracing::warn!(%error, "calls could not be written to the call log");
        }
        for done in waiting {
            // Nobody waits any more: fine.
            let _ = done.send(());
        }
    }
}
