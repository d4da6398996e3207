use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::Poll,
};

use crate::Resource;

pub(super) type Called = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What is called back, if anything is.
#[derive(Default)]
pub(super) struct Callbacks {
    pub(super) added: Option<Box<dyn FnMut(Resource) -> Called + Send>>,
    pub(super) changed: Option<Box<dyn FnMut(Resource, Resource) -> Called + Send>>,
    pub(super) removed: Option<Box<dyn FnMut(Resource) -> Called + Send>>,
}

impl Callbacks {
    /// Tells what something was, and what it is. Of a callback that panics the program's panic hook has told.
    pub(super) async fn tell(&mut self, before: Option<Resource>, after: Option<Resource>) {
        let begun = catch_unwind(AssertUnwindSafe(|| match (before, after) {
            (None, Some(after)) => self.added.as_mut().map(|added| added(after)),
            (Some(before), Some(after)) => self.changed.as_mut().map(|changed| changed(before, after)),
            (Some(before), None) => self.removed.as_mut().map(|removed| removed(before)),
            (None, None) => None,
        }));
        if let Ok(Some(mut called)) = begun {
            poll_fn(|cx| catch_unwind(AssertUnwindSafe(|| called.as_mut().poll(cx))).unwrap_or(Poll::Ready(()))).await;
        }
    }
}
