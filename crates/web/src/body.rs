//! Bodies of strangers' requests: bounded each in size and time, and all together in memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use canopy_triggers::LongBody;
use futures::StreamExt as _;

use crate::MAX_WEBHOOK_BODY;
use crate::crowd::{Crowd, Guest};

/// All bodies up to [`SMALL`] that are being read, or that wait for their turn, take up so many bytes at most. Another one has
/// the one given up that was begun first: what HighLevel sends is there within a moment.
const TOGETHER: usize = 8 * 1024 * 1024;
/// Larger ones have room of their own: whoever sends many small ones keeps none of these out, nor the other way round.
const SMALL: usize = 512 * 1024;
const LARGE: usize = 12 * 1024 * 1024;
/// So many that are longer than is kept are read at a time. They take up little room, and a part of the processor.
const LONG: usize = 4;
/// How long a body may take as a whole.
const SLOWEST: Duration = Duration::from_secs(15);

/// Reads bodies.
#[derive(Debug, Clone)]
pub(crate) struct Bodies {
    small: Arc<Crowd>,
    large: Arc<Crowd>,
    long: Arc<Crowd>,
}

/// What came.
#[derive(Debug)]
pub(crate) enum Read {
    Whole(Whole),
    /// It is longer than is kept.
    Long(LongBody),
}

/// A body that was read. It takes up room until it is dropped.
#[derive(Debug)]
pub(crate) struct Whole {
    pub bytes: Vec<u8>,
    guest: Guest,
}

impl Whole {
    /// Resolves when others need its room. What is being worked on stays.
    pub async fn sent_away(&self) {
        self.guest.sent_away().await;
    }

    pub fn is_large(&self) -> bool {
        self.bytes.len() > SMALL
    }
}

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
    /// It is there, and its turn did not come, or the store is too slow.
    #[error("busy; send it again later")]
    Busy,
}

impl Bodies {
    pub fn new() -> Self {
        Self {
            small: Crowd::new(TOGETHER),
            large: Crowd::new(LARGE),
            long: Crowd::new(LONG),
        }
    }

    /// The whole body, which is refused where it is longer than is kept.
    pub async fn read(&self, body: Body) -> Result<Whole, BodyError> {
        match self.read_long(body, None).await? {
            Read::Whole(whole) => Ok(whole),
            Read::Long(_) => Err(BodyError::TooLarge),
        }
    }

    /// The whole body. Of one that is longer than is kept `long` learns all there is to know, where it is given.
    pub async fn read_long(&self, body: Body, long: Option<LongBody>) -> Result<Read, BodyError> {
        let read = self.within_room(body, long);
        let read = tokio::time::timeout(SLOWEST, read).await;
        read.unwrap_or(Err(BodyError::Slow))
    }

    async fn within_room(&self, body: Body, long: Option<LongBody>) -> Result<Read, BodyError> {
        let mut stream = body.into_data_stream();
        let mut bytes = Vec::new();
        let mut guest = self.small.enter(0);
        loop {
            let piece = tokio::select! {
                piece = stream.next() => piece,
                () = guest.sent_away() => return Err(BodyError::Crowded),
            };
            let Some(piece) = piece else {
                return Ok(Read::Whole(Whole { bytes, guest }));
            };
            let piece = piece.map_err(|_| BodyError::Broken)?;
            let (before, size) = (bytes.len(), bytes.len() + piece.len());
            if size > MAX_WEBHOOK_BODY {
                let mut long = long.ok_or(BodyError::TooLarge)?;
                guest = self.long.enter(1);
                long.update(&std::mem::take(&mut bytes));
                long.update(&piece);
                let rest = rest(stream, &mut long);
                return tokio::select! {
                    read = rest => read.map(|()| Read::Long(long)),
                    () = guest.sent_away() => Err(BodyError::Crowded),
                };
            }
            if before <= SMALL && size > SMALL {
                guest = self.large.enter(size);
            } else {
                guest.grow(piece.len());
            }
            bytes.extend_from_slice(&piece);
        }
    }
}

/// Reads on and keeps nothing.
async fn rest(mut stream: BodyDataStream, long: &mut LongBody) -> Result<(), BodyError> {
    while let Some(piece) = stream.next().await {
        long.update(&piece.map_err(|_| BodyError::Broken)?);
        // Others are to have their turn.
        tokio::task::yield_now().await;
    }
    Ok(())
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Crowded | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
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
        let size = async |body| bodies.read(body).await.map(|body| body.bytes.len());
        assert_eq!(size(Body::from("whole")).await, Ok(5));
        let most = Body::from(vec![b'x'; MAX_WEBHOOK_BODY]);
        assert_eq!(size(most).await, Ok(MAX_WEBHOOK_BODY));
        let more = Body::from(vec![b'x'; MAX_WEBHOOK_BODY + 1]);
        assert_eq!(size(more).await, Err(BodyError::TooLarge));
        assert_eq!(size(stuck(5)).await, Err(BodyError::Slow));
        let broken = stream::iter([Err::<Bytes, _>(std::io::Error::other("reset"))]);
        let broken = size(Body::from_stream(broken)).await;
        assert_eq!(broken, Err(BodyError::Broken));
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_that_get_stuck_keep_nobody_out() {
        for (half, room) in [(SMALL / 2, TOGETHER), (MAX_WEBHOOK_BODY / 2, LARGE)] {
            let bodies = Bodies::new();
            // One of the other size has come half way, and is not touched.
            let other = if half > SMALL { 5 } else { SMALL + 5 };
            let mut others = tokio::spawn({
                let bodies = bodies.clone();
                async move { bodies.read(stuck(other)).await.map(drop) }
            });
            let stuck: Vec<_> = (0..400)
                .map(|_| {
                    let bodies = bodies.clone();
                    tokio::spawn(async move { bodies.read(stuck(half)).await.map(drop) })
                })
                .collect();
            tokio::task::yield_now().await;
            let whole = bodies.read(Body::from(vec![b'x'; half * 2])).await;
            assert_eq!(whole.map(|body| body.bytes.len()), Ok(half * 2));
            let (mut crowded, mut slow) = (0, 0);
            for one in stuck {
                match one.await.unwrap() {
                    Err(BodyError::Crowded) => crowded += 1,
                    Err(BodyError::Slow) => slow += 1,
                    other => panic!("{other:?}"),
                }
            }
            assert!(slow * half <= room, "{slow} had room");
            assert_eq!(crowded + slow, 400);
            assert_eq!((&mut others).await.unwrap(), Err(BodyError::Slow));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_its_turn_takes_up_room() {
        let bodies = Bodies::new();
        let large = || Body::from(vec![b'x'; MAX_WEBHOOK_BODY]);
        let first = bodies.read(large()).await.unwrap();
        let second = bodies.read(large()).await.unwrap();
        assert!(first.is_large() && second.is_large());
        first.sent_away().await;
        let small = bodies.read(Body::from("small")).await.unwrap();
        assert!(!small.is_large());
    }
}
