//! Answers that are files.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use canopy_transport::operation::Operation;
use canopy_transport::{CallError, invoke};
use futures::stream::{BoxStream, Stream, StreamExt as _};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::Value;

use crate::{Client, Error, describe};

/// A file, as it arrives. A connection that breaks before its end is an error, never a shorter file.
///
/// ```no_run
/// use canopy_highlevel::{Client, TryStreamExt as _};
/// use serde_json::json;
///
/// # async fn example(client: Client) -> Result<(), canopy_highlevel::Error> {
/// let args = json!({"locationId": "ve9EPM428h8vShlRW1KT", "messageId": "tDtDnQdgm2LXpyiqYvZ6"});
/// let mut recording = client.download("get-message-recording", &args).await?;
/// let mut size = 0;
/// while let Some(piece) = recording.try_next().await? {
///     size += piece.len();
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a file is read by polling it"]
pub struct Download {
    content_type: Option<String>,
    length: Option<u64>,
    pieces: BoxStream<'static, Result<Bytes, Error>>,
}

impl Client {
    /// Calls an operation whose answer is a file. It is not kept in memory, and not sent again once it has begun.
    pub async fn download(&self, name: &str, args: &Value) -> Result<Download, Error> {
        let (operation, args) = describe::prepared(name, args)?;
        let response = invoke::download(self.transport(), self.base(), operation, &args).await;
        response
            .map(|response| Download::of(operation, response))
            .map_err(|error| Error::new(Some(operation), error))
    }
}

impl Download {
    fn of(operation: &'static Operation, response: reqwest::Response) -> Self {
        let header = |name| response.headers().get(name)?.to_str().ok();
        let content_type = header(CONTENT_TYPE).map(str::to_owned);
        let length = header(CONTENT_LENGTH).and_then(|length| length.parse().ok());
        let pieces = response.bytes_stream().map(move |piece| {
            piece.map_err(|error| {
                Error::new(Some(operation), CallError::from_reqwest(operation, error))
            })
        });
        Self {
            content_type,
            length,
            pieces: pieces.boxed(),
        }
    }

    /// Such as `audio/x-wav`.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// Its size in bytes, where the service tells it before.
    pub fn length(&self) -> Option<u64> {
        self.length
    }
}

impl Stream for Download {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.poll_next_unpin(context)
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("content_type", &self.content_type)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
