//! A connection on which we listen beside our HTTP library: with which status an answer begins, and whether anything was asked before.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Instant,
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::status_line::StatusLine;

/// What is known of the exchange on a connection.
#[derive(Debug, Default)]
pub(super) struct WireState {
    pub(super) status: StatusLine,
    /// Whether any of the request was sent.
    pub(super) asked: bool,
    /// Since when there is no exchange.
    pub(super) idle: Option<Instant>,
}

pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A stream in both directions.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection on which we listen too.
pub(super) struct WatchedStream {
    inner: Box<dyn Duplex>,
    wire: Arc<Mutex<WireState>>,
}

impl WatchedStream {
    pub(super) fn new(inner: Box<dyn Duplex>, wire: Arc<Mutex<WireState>>) -> Self {
        Self { inner, wire }
    }

    /// Looks whether something lies there before we asked: it is no answer to us. A server that has left is noticed as well.
    fn look_first(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let mut wire = lock(&self.wire);
        if wire.asked {
            return Ok(());
        }
        let mut early = [0; 64];
        let mut early = ReadBuf::new(&mut early);
        match Pin::new(&mut self.inner).poll_read(cx, &mut early) {
            Poll::Pending => {}
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Ready(Ok(())) if early.filled().is_empty() => return Err(io::ErrorKind::ConnectionReset.into()),
            Poll::Ready(Ok(())) => return Err(io::Error::other("the server spoke before it was asked")),
        }
        wire.asked = true;
        Ok(())
    }
}

impl AsyncRead for WatchedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        let mut wire = lock(&self.wire);
        if wire.asked {
            wire.status.hear(buf.filled().get(before..).unwrap_or_default());
        }
        read
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.look_first(cx)?;
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.look_first(cx)?;
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
