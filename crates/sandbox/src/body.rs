//! Bodies of answers: whole ones, and those that a fault sends in pieces, cuts off, or makes very long.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep};

/// What the services answer with.
pub type Body = Either<Full<Bytes>, Pieces>;

pub fn whole(bytes: Bytes) -> Body {
    Either::Left(Full::new(bytes))
}

/// A body that arrives piece by piece.
#[derive(Debug)]
pub struct Pieces {
    bytes: Bytes,
    at: usize,
    /// How often the bytes are still to be sent from their beginning.
    rounds: u32,
    piece: usize,
    pause: Option<(Duration, Pin<Box<Sleep>>)>,
    /// After how many bytes the connection breaks.
    cut: Option<usize>,
}

impl Pieces {
    /// The bytes, a piece at a time with pauses.
    pub fn slow(bytes: Bytes, piece: usize, pause: Duration) -> Body {
        Either::Right(Self {
            piece: piece.max(1),
            pause: Some((pause, Box::pin(tokio::time::sleep(pause)))),
            ..Self::new(bytes)
        })
    }

    /// The bytes up to a place, where the connection breaks although more was announced.
    pub fn cut(bytes: Bytes, after: usize) -> Body {
        let after = after.min(bytes.len().saturating_sub(1));
        Either::Right(Self {
            cut: Some(after),
            ..Self::new(bytes)
        })
    }

    /// The bytes so many times.
    pub fn repeated(bytes: Bytes, times: u32) -> Body {
        Either::Right(Self {
            rounds: times,
            ..Self::new(bytes)
        })
    }

    fn new(bytes: Bytes) -> Self {
        Self {
            bytes,
            at: 0,
            rounds: 1,
            piece: 64 * 1024,
            pause: None,
            cut: None,
        }
    }
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        if this.cut.is_some_and(|cut| this.at >= cut) {
            let broken = io::Error::other("the body was cut off by a fault");
            return Poll::Ready(Some(Err(broken)));
        }
        if this.rounds == 0 || this.bytes.is_empty() {
            return Poll::Ready(None);
        }
        if let Some((pause, sleep)) = &mut this.pause {
            ready!(sleep.as_mut().poll(context));
            sleep.as_mut().reset(Instant::now() + *pause);
        }
        let end = this.bytes.len().min(this.at + this.piece);
        let end = this.cut.map_or(end, |cut| end.min(cut));
        let piece = this.bytes.slice(this.at..end);
        this.at = end;
        if this.at == this.bytes.len() {
            this.at = 0;
            this.rounds -= 1;
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        let all = (self.bytes.len() as u64).saturating_mul(u64::from(self.rounds));
        SizeHint::with_exact(all.saturating_sub(self.at as u64))
    }
}
