//! The place that a connection takes up, and what its bytes say about it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::guests::Guests;

/// The guests, as the accept loop and the connections share them.
#[derive(Debug, Clone)]
pub struct House(Arc<Rooms>);

#[derive(Debug)]
struct Rooms {
    guests: Mutex<Guests>,
    left: Notify,
}

impl House {
    /// A house for these guests.
    pub fn new(guests: Guests) -> Self {
        Self(Arc::new(Rooms { guests: Mutex::new(guests), left: Notify::new() }))
    }

    /// A place for one more, and the word that it must go.
    pub fn arrive(&self) -> (Place, CancellationToken) {
        let (id, evict) = self.guests().arrive();
        (Place { house: self.clone(), id }, evict)
    }

    /// Returns once somebody has left, and the descriptor is free.
    pub async fn somebody_left(&self) {
        self.0.left.notified().await;
    }

    /// The list of guests.
    pub fn guests(&self) -> MutexGuard<'_, Guests> {
        // Nothing panics while it holds the list.
        self.0.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One place; it is free again once this is dropped.
#[derive(Debug)]
pub struct Place {
    house: House,
    id: u64,
}

impl Place {
    /// A whole head has come.
    pub fn asked(&self) {
        self.house.guests().asked(self.id);
    }

    /// The answer is ready; gives whether it should be the last, for others to come in.
    pub fn answered(&self) -> bool {
        let mut guests = self.house.guests();
        guests.answered(self.id, Instant::now());
        guests.is_crowded()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.house.guests().left(self.id);
        self.house.0.left.notify_one();
    }
}

/// A stream that notes when it is waited for.
#[derive(Debug)]
pub struct Noting<S> {
    stream: S,
    place: Arc<Place>,
    awaited: bool,
    stalled: bool,
}

impl<S> Noting<S> {
    /// The stream of a place.
    pub fn new(stream: S, place: Arc<Place>) -> Self {
        Self { stream, place, awaited: false, stalled: false }
    }

    fn note(&mut self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Ready(_) => {
                self.stalled = false;
                self.place.house.guests().took(self.place.id, Instant::now());
            }
            Poll::Pending if self.stalled => {}
            Poll::Pending => {
                self.stalled = true;
                self.place.house.guests().stalled(self.place.id);
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Noting<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_pending() && !self.awaited {
            self.awaited = true;
            self.place.house.guests().awaited(self.place.id, Instant::now());
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Noting<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
