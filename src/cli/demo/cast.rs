//! Who writes in the demo, and what.

use chrono::Utc;

use crate::post::{self, Attached, DraftError, MailDraft, NamedAddress};

/// Mails to here become a webhook, if they have a PDF.
pub(super) const INVOICES: &str = "invoices@contoso.example";
/// Mails to here become a command, if they have a list.
pub(super) const LISTS: &str = "lists@contoso.example";
/// Mails to here are asked about.
pub(super) const ORDERS: &str = "orders@contoso.example";
/// Who approves orders.
pub(super) const BOSS: &str = "boss@contoso.example";
/// Who writes where nobody says otherwise.
pub(super) const SUPPLIER: &str = "ada@supplier.example";

/// A mail of the demo.
#[derive(Debug, Clone)]
pub(super) struct CastMail {
    pub(super) from: String,
    pub(super) to: String,
    /// Without angle brackets.
    pub(super) message_id: String,
    pub(super) bytes: Vec<u8>,
}

/// What a mail is to have.
#[derive(Debug, Clone, Default)]
pub(super) struct CastDraft {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) text: String,
    /// A name and what is in it.
    pub(super) file: Option<(String, Vec<u8>)>,
    /// The Message-ID of the mail that it answers.
    pub(super) answers: Option<String>,
}

impl CastDraft {
    /// Writes it.
    pub(super) fn write(self) -> Result<CastMail, DraftError> {
        let address = |text: &str| -> Result<NamedAddress, DraftError> {
            let mut read = post::addresses(text)?.into_iter();
            read.next().ok_or_else(|| DraftError::Address(text.to_owned()))
        };
        let (from, to) = (address(&self.from)?, address(&self.to)?);
        let domain = from.address.rsplit('@').next().unwrap_or_default().to_owned();
        let draft = MailDraft {
            from: from.clone(),
            to: vec![to.clone()],
            cc: Vec::new(),
            bcc: Vec::new(),
            reply_to: Vec::new(),
            return_to: None,
            subject: self.subject,
            text: Some(self.text),
            html: None,
            attached: self
                .file
                .map(|(name, data)| Attached { name, data })
                .into_iter()
                .collect(),
            headers: Vec::new(),
            message_id: format!("{}@{domain}", uuid::Uuid::now_v7()),
            in_reply_to: self.answers,
            personal: true,
        };
        let letter = post::letter(&draft, Utc::now())?;
        Ok(CastMail {
            from: from.address,
            to: to.address,
            message_id: letter.message_id,
            bytes: letter.bytes,
        })
    }
}

/// An invoice of a supplier.
pub(super) fn invoice(number: u32) -> CastDraft {
    CastDraft {
        from: format!("Ada Lovelace <{SUPPLIER}>"),
        to: INVOICES.to_owned(),
        subject: format!("Invoice {number}"),
        text: "Please find our invoice attached.\n\nAda".to_owned(),
        file: Some((
            format!("invoice-{number}.pdf"),
            pdf(&format!("Invoice {number}: 12 gears")),
        )),
        answers: None,
    }
}

/// A list to be counted.
pub(super) fn list(number: u32) -> CastDraft {
    let lines: String = (0..=number % 7 + 2)
        .map(|line| format!("gear {line},{number}\n"))
        .collect();
    CastDraft {
        from: "Charles Babbage <charles@engines.example>".to_owned(),
        to: LISTS.to_owned(),
        subject: format!("Stock list {number}"),
        text: "How many are these?\n\nCharles".to_owned(),
        file: Some((format!("stock-{number}.csv"), lines.into_bytes())),
        answers: None,
    }
}

/// A wish that the boss has to approve.
pub(super) fn order(number: u32) -> CastDraft {
    CastDraft {
        from: "Grace Hopper <grace@contoso.example>".to_owned(),
        to: ORDERS.to_owned(),
        subject: format!("Order {number}: two monitors"),
        text: "May I have them?\n\nGrace".to_owned(),
        ..CastDraft::default()
    }
}

/// A page with a line on it (ISO 32000-1). Readers find its objects without a table of their places.
fn pdf(line: &str) -> Vec<u8> {
    let shown = line.replace(['(', ')', '\\'], " ");
    let content = format!("BT /F1 24 Tf 72 720 Td ({shown}) Tj ET");
    format!(
        "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n\
         3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>\nendobj\n\
         4 0 obj\n<< /Length {} >>\nstream\n{content}\nendstream\nendobj\n\
         5 0 obj\n<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n",
        content.len()
    )
    .into_bytes()
}
