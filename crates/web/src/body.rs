//! Bodies of strangers' requests: bounded each in size and time, and all together in memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;

use crate::MAX_WEBHOOK_BODY;
use crate::crowd::Crowd;

/// All bodies that are being read take up so many bytes at most. Another one has the one given up that was begun first:
/// what HighLevel sends is there within a moment.
const TOGETHER: usize = 8 * 1024 * 1024;
/// How long a body may take as a whole.
const SLOWEST: Duration = Duration::from_secs(15);

/// Reads bodies.
#[derive(Debug, Clone)]
pub(crate) struct Bodies(Arc<Crowd>);

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body is larger than {MAX_WEBHOOK_BODY} bytes")]
    TooLarge,
    #[error("the body was not there within {} s", SLOWEST.as_secs())]
    Slow,
    #[error("too many bodies are being read; send it again later")]
    Crowded,
    #[error("the body broke off")]
    Broken,
}

impl Bodies {
    pub fn new() -> Self {
        Self(Crowd::new(TOGETHER))
    }

    /// The whole body.
    pub async fn read(&self, body: Body) -> Result<Vec<u8>, BodyError> {
        let guest = self.0.enter(0);
        let read = async {
            let mut stream = body.into_data_stream();
            let mut whole = Vec::new();
            while let Some(piece) = stream.next().await {
                let piece = piece.map_err(|_| BodyError::Broken)?;
                if whole.len() + piece.len() > MAX_WEBHOOK_BODY {
                    return Err(BodyError::TooLarge);
                }
                guest.grow(piece.len());
                whole.extend_from_slice(&piece);
            }
            Ok(whole)
        };
        tokio::select! {
            read = tokio::time::timeout(SLOWEST, read) => read.unwrap_or(Err(BodyError::Slow)),
            () = guest.sent_away() => Err(BodyError::Crowded),
        }
    }
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Crowded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::BAD_REQUEST,
        };
        (status, format!("{self}\n")).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use futures::stream;

    use super::*;

    /// A body of which so much comes, and then nothing.
    fn stuck(bytes: usize) -> Body {
        let piece = Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; bytes]));
        Body::from_stream(stream::iter([piece]).chain(stream::pending()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_read_within_size_and_time() {
        let bodies = Bodies::new();
        assert_eq!(
            bodies.read(Body::from("whole")).await,
            Ok(b"whole".to_vec())
        );
        let most = Body::from(vec![b'x'; MAX_WEBHOOK_BODY]);
        assert_eq!(
            bodies.read(most).await.map(|body| body.len()),
            Ok(MAX_WEBHOOK_BODY)
        );
        let more = Body::from(vec![b'x'; MAX_WEBHOOK_BODY + 1]);
        assert_eq!(bodies.read(more).await, Err(BodyError::TooLarge));
        assert_eq!(bodies.read(stuck(5)).await, Err(BodyError::Slow));
        let broken = stream::iter([Err::<Bytes, _>(std::io::Error::other("reset"))]);
        let broken = bodies.read(Body::from_stream(broken)).await;
        assert_eq!(broken, Err(BodyError::Broken));
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_that_get_stuck_keep_nobody_out() {
        let bodies = Bodies::new();
        let half = MAX_WEBHOOK_BODY / 2;
        let stuck: Vec<_> = (0..400)
            .map(|_| {
                let bodies = bodies.clone();
                tokio::spawn(async move { bodies.read(stuck(half)).await })
            })
            .collect();
        tokio::task::yield_now().await;
        let whole = bodies.read(Body::from(vec![b'x'; MAX_WEBHOOK_BODY])).await;
        assert_eq!(whole.map(|body| body.len()), Ok(MAX_WEBHOOK_BODY));
        let (mut crowded, mut slow) = (0, 0);
        for one in stuck {
            match one.await.unwrap() {
                Err(BodyError::Crowded) => crowded += 1,
                Err(BodyError::Slow) => slow += 1,
                other => panic!("{other:?}"),
            }
        }
        assert!(slow * half <= TOGETHER, "{slow} had room");
        assert_eq!(crowded + slow, 400);
    }
}
