//! Mails for benchmarks: of a wanted size, random but the same each time, each with a Message-ID of its own.

use super::Mail;

/// A mail of about `size` bytes on the wire, a short text and a PDF; at least 1 KB. The same for the same numbers.
#[must_use]
pub fn sized(number: u64, size: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(number);
    // Base64 with its line ends takes 78 bytes for 57.
    let content: Vec<u8> = (0..size.saturating_sub(700) * 57 / 78).map(|_| random.u8(..)).collect();
    Mail::new(
        "Supplier <supplier@example.test>",
        "invoices@example.test",
        &format!("Invoice {number}"),
    )
    .id(&format!("bulk-{number}-{size}@mail.example.test"))
    .text("Please find our invoice attached.\n")
    .attach(&format!("invoice-{number}.pdf"), "application/pdf", &content)
    .bytes()
}

/// The Message-ID of such a mail, without angle brackets.
#[must_use]
pub fn id(number: u64, size: usize) -> String {
    format!("bulk-{number}-{size}@mail.example.test")
}

/// `count` mails of 6 KB (80 %), 200 KB (15 %) and 2 MB (5 %), well mixed.
pub fn mix(count: u64) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(|number| {
        let size = match number % 20 {
            0 => 2_000_000,
            7 | 13 | 17 => 200_000,
            _ => 6_000,
        };
        sized(number, size)
    })
}

/// `count` mails of 6 KB.
pub fn small(count: u64) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(|number| sized(number, 6_000))
}
