use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::Sleep;
use tonic::{Status, body::Body};

use super::{broken, deadline, deadline::Deadline};

/// The body of an answer: ends at the deadline, and with the right code where the connection breaks.
pub(super) struct AnswerBody {
    /// What was read to see whether the call failed.
    first: Option<Result<Frame<Bytes>, Status>>,
    rest: Body,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl AnswerBody {
    pub(super) fn new(rest: Body, deadline: Deadline) -> Self {
        let deadline = deadline.instant().map(|instant| Box::pin(tokio::time::sleep_until(instant)));
        Self { first: None, rest, deadline }
    }

    /// Reads the first frame, which stays the next one to be read.
    pub(super) async fn peek(&mut self) -> Option<&Result<Frame<Bytes>, Status>> {
        if self.first.is_none() {
            self.first = std::future::poll_fn(|cx| Pin::new(&mut *self).poll_frame(cx)).await;
        }
        self.first.as_ref()
    }
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(first));
        }
        match Pin::new(&mut self.rest).poll_frame(cx) {
            Poll::Ready(frame) => Poll::Ready(frame.map(|frame| frame.map_err(broken::status_of))),
            Poll::Pending => {
                let Some(deadline) = &mut self.deadline else {
                    return Poll::Pending;
                };
                ready!(deadline.as_mut().poll(cx));
                // What is left of the answer is not wanted: this tells the server so.
                self.rest = Body::empty();
                Poll::Ready(Some(Err(deadline::exceeded())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
