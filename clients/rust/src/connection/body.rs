use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use tokio::{sync::oneshot, time::Sleep};
use tonic::{Status, body::Body};

use super::{broken, deadline, deadline::Deadline};

/// A page of 1000 models with their definitions is larger than the 4 MiB that are tonic's default.
pub(crate) const MAX_RECEIVE_BYTES: usize = 16 << 20;

/// A request of many messages, which is cancelled when its answer is dropped: that alone does not end it, for hyper goes on
/// to send what comes as long as the server takes it.
pub(super) struct WantedBody {
    inner: Body,
    wanted: oneshot::Receiver<()>,
}

/// Keeps a [`WantedBody`] going.
pub(super) type Wanted = oneshot::Sender<()>;

impl WantedBody {
    pub(super) fn new(inner: Body) -> (Self, Wanted) {
        let (keep, wanted) = oneshot::channel();
        (Self { inner, wanted }, keep)
    }
}

impl http_body::Body for WantedBody {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if Pin::new(&mut self.wanted).poll(cx).is_ready() {
            return Poll::Ready(Some(Err(h2::Error::from(h2::Reason::CANCEL).into())));
        }
        Pin::new(&mut self.inner).poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The body of an answer: ends at the deadline, and with the right code where the connection breaks or a message is too
/// large.
pub(super) struct AnswerBody {
    /// The bytes that were read to see whether the call failed.
    first: Option<Result<Frame<Bytes>, Status>>,
    rest: Body,
    lengths: Lengths,
    deadline: Option<Pin<Box<Sleep>>>,
    /// Of the request.
    wanted: Option<Wanted>,
}

impl AnswerBody {
    pub(super) fn new(rest: Body, deadline: Deadline) -> Self {
        let deadline = deadline.instant().map(|instant| Box::pin(tokio::time::sleep_until(instant)));
        Self { first: None, rest, lengths: Lengths::default(), deadline, wanted: None }
    }

    /// Cancels the request when no more of the answer is wanted.
    pub(super) fn keeping(self, request: Wanted) -> Self {
        Self { wanted: Some(request), ..self }
    }

    /// Tells the server that the rest of the answer is not wanted.
    fn leave(&mut self) {
        self.rest = Body::empty();
        self.wanted = None;
    }

    /// Reads the first frame, which stays the next one to be read.
    pub(super) async fn peek(&mut self) -> Option<&Result<Frame<Bytes>, Status>> {
        if self.first.is_none() {
            self.first = std::future::poll_fn(|cx| self.poll_rest(cx)).await;
        }
        self.first.as_ref()
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match Pin::new(&mut self.rest).poll_frame(cx) {
            Poll::Ready(frame) => Poll::Ready(frame.map(|frame| match frame {
                Ok(mut frame) => {
                    frame.trailers_mut().map(broken::correct_status);
                    Ok(frame)
                }
                Err(error) => Err(broken::status_of(error)),
            })),
            Poll::Pending => {
                let Some(deadline) = &mut self.deadline else {
                    return Poll::Pending;
                };
                ready!(deadline.as_mut().poll(cx));
                self.leave();
                Poll::Ready(Some(Err(deadline::exceeded())))
            }
        }
    }
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = match self.first.take() {
            Some(first) => Some(first),
            None => ready!(self.poll_rest(cx)),
        };
        // Looked at only now, since it is no failure of the call that would be sent again.
        let checked = frame.map(|frame| {
            let frame = frame?;
            self.lengths.check(frame.data_ref().map_or(&[], |data| data.as_ref()))?;
            Ok(frame)
        });
        if let Some(Err(_)) = checked {
            self.leave();
        }
        Poll::Ready(checked)
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// Reads the lengths that go before the messages of an answer, as far as it has come. tonic would do so too, and give a
/// code that no other client of gRPC gives.
#[derive(Default)]
struct Lengths {
    /// A flag, and the four bytes of the length.
    prefix: Vec<u8>,
    /// The bytes of the message that are still to come.
    left: usize,
}

impl Lengths {
    fn check(&mut self, mut data: &[u8]) -> Result<(), Status> {
        while !data.is_empty() {
            let skipped = self.left.min(data.len());
            self.left -= skipped;
            data = &data[skipped..];
            let (next, rest) = data.split_at(data.len().min(5 - self.prefix.len()));
            self.prefix.extend_from_slice(next);
            data = rest;
            if let [_, length @ ..] = &self.prefix[..]
                && let Ok(length) = <[u8; 4]>::try_from(length).map(u32::from_be_bytes)
            {
                self.prefix.clear();
                self.left = length as usize;
                if self.left > MAX_RECEIVE_BYTES {
                    let message = format!("the answer has {length} bytes, and may have {MAX_RECEIVE_BYTES}");
                    return Err(Status::resource_exhausted(message));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_found_however_the_bytes_come() {
        let message = |length: usize| {
            [&[0], &u32::try_from(length).unwrap().to_be_bytes()[..], &vec![7; length.min(99)]].concat()
        };
        let good = [message(3), message(0), message(99)].concat();
        let bad = message(MAX_RECEIVE_BYTES + 1);
        for size in [1, 2, 5, 6, 1000] {
            let mut lengths = Lengths::default();
            assert!(good.chunks(size).all(|chunk| lengths.check(chunk).is_ok()), "{size}");
            let refused = bad.chunks(size).find_map(|chunk| lengths.check(chunk).err()).unwrap();
            assert_eq!(refused.code(), tonic::Code::ResourceExhausted, "{size}");
        }
        assert!(Lengths::default().check(&message(MAX_RECEIVE_BYTES)).is_ok());
    }
}
