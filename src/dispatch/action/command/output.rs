//! What a process writes: always read, so that it never blocks, and kept up to a limit.

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::dispatch::catch::CappedBuffer;
use crate::{budget::Budget, message::clean::clean_lines};

/// The start of a stream, while it comes.
#[derive(Debug)]
pub(in crate::dispatch) struct OutputCapture {
    kept: CappedBuffer,
    max: u64,
    cut: bool,
}

/// The start of a stream that has ended.
#[derive(Debug, Default)]
pub(in crate::dispatch) struct CapturedOutput {
    kept: Bytes,
    max: u64,
    cut: bool,
}

impl OutputCapture {
    /// Keeps at most `max` bytes.
    pub(in crate::dispatch) fn new(max: u64, parked: &Budget) -> Self {
        Self {
            kept: CappedBuffer::new(parked),
            max,
            cut: false,
        }
    }

    /// Bytes that are kept.
    pub(in crate::dispatch) fn len(&self) -> u64 {
        self.kept.len()
    }

    /// What was kept. Whoever asks has room for it.
    pub(in crate::dispatch) fn written(self) -> CapturedOutput {
        let Self { kept, max, cut } = self;
        let read = kept.bytes();
        CapturedOutput {
            cut: cut || read.is_err(),
            kept: read.unwrap_or_else(|error| {
                tracing::warn!(%error, "what a command printed can't be read from the temporary folder");
                Bytes::new()
            }),
            max,
        }
    }

    /// Reads to the end of the stream. May be dropped at any time: what was read until then is kept.
    pub(in crate::dispatch) async fn drain(&mut self, stream: Option<impl AsyncRead + Unpin>) {
        let Some(mut stream) = stream else { return };
        let mut buffer = vec![0; 16 * 1024];
        // An error ends the stream just as its end does.
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            let piece = buffer.get(..read).unwrap_or_default();
            let room = usize::try_from(self.max.saturating_sub(self.kept.len())).unwrap_or(usize::MAX);
            self.cut |= read > room;
            self.kept.push(piece.get(..room).unwrap_or(piece));
        }
    }
}

impl CapturedOutput {
    /// As text, with a mark where it was cut; `None` when there is nothing.
    pub(in crate::dispatch) fn text(&self) -> Option<String> {
        let mut text = clean_lines(&String::from_utf8_lossy(&self.kept));
        if self.cut {
            text.push_str(&format!("\n[cut after {} bytes]", self.max));
        }
        (!text.is_empty()).then_some(text)
    }

    /// As it was written; without its end where that was cut.
    pub(in crate::dispatch) fn bytes(&self) -> &Bytes {
        &self.kept
    }

    /// The last words, for the operator.
    pub(in crate::dispatch) fn end(&self) -> String {
        let text = String::from_utf8_lossy(&self.kept);
        let lines: Vec<&str> = text.trim_end().lines().rev().take(END_LINES).collect();
        let end: Vec<&str> = lines.into_iter().rev().collect();
        let end = end.join(" | ");
        let start = end.ceil_char_boundary(end.len().saturating_sub(END_BYTES));
        crate::message::clean::clean(end.get(start..).unwrap_or(&end), END_BYTES)
    }
}

const END_LINES: usize = 5;
const END_BYTES: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    async fn drained(stream: &[u8], max: u64) -> CapturedOutput {
        let mut output = OutputCapture::new(max, &Budget::new(0));
        output.drain(Some(stream)).await;
        output.written()
    }

    #[tokio::test]
    async fn the_start_is_kept_and_the_cut_is_marked() {
        assert_eq!(drained(b"", 10).await.text(), None);
        assert_eq!(drained(b"1234567890", 10).await.text().unwrap(), "1234567890");
        assert_eq!(
            drained(b"12345678901", 10).await.text().unwrap(),
            "1234567890\n[cut after 10 bytes]"
        );
        assert_eq!(
            drained(b"\xff\x1b[1mred\r\n", 100).await.text().unwrap(),
            "\u{fffd} [1mred"
        );
        let long = "x".repeat(100_000);
        assert_eq!(drained(long.as_bytes(), 50_000).await.kept.len(), 50_000);
    }

    #[tokio::test]
    async fn the_last_words_fit_one_line() {
        let output = drained(b"1\n2\n3\n4\n5\n6\n\n", 100).await;
        assert_eq!(output.end(), "2 | 3 | 4 | 5 | 6");
        let long = "ä".repeat(1_000);
        assert!(drained(long.as_bytes(), 10_000).await.end().len() <= END_BYTES);
        assert_eq!(drained(b"", 1).await.end(), "");
    }
}
