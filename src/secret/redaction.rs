//! Strikes out of what a server says what it was just told in secret. Pure.
//!
//! Servers quote the command that they refuse (`NO bad: A2 AUTHENTICATE PLAIN AGJv…`), and their words go into log, ledger, status and
//! notices. So every place that shows a server's words strikes out the secrets of that exchange first: as they are, and in each form
//! in which they went out or may come back.

use std::{
    borrow::Cow,
    collections::HashSet,
    fmt::{self, Write as _},
    sync::OnceLock,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString as Secret};

use super::{
    forms::{Forms, SHORTEST},
    known,
};

/// What stands where a secret stood.
pub(super) const STRUCK: &str = "***";
/// So many characters of a secret in a row are struck out wherever they stand: a server may have cut the rest.
const PIECE: usize = 8;
/// Bytes of a text from which on whole forms are looked for.
const LONG: usize = 16 << 10;
/// So many of what is handed to an action: its words are a result, and may share some with a secret by chance.
const HANDED_PIECE: usize = 16;
/// At the end of a text even so few: that is where a text was cut.
const STUMP: usize = 3;

/// The secrets of one exchange.
#[derive(Clone, Default)]
pub struct Redaction {
    user: String,
    /// Password or token.
    secrets: Vec<Secret>,
    /// What went out, as it went out.
    sent: Vec<Secret>,
    /// Whether they were handed to an action.
    is_handed: bool,
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redaction").finish_non_exhaustive()
    }
}

impl Redaction {
    /// Of an exchange in which this user signs in with this password or token. The user's name is struck out in base64 only: by itself
    /// it's no secret.
    #[must_use]
    pub fn of(user: &str, secret: &Secret) -> Self {
        Self {
            user: user.to_owned(),
            secrets: vec![secret.clone()],
            sent: Vec::new(),
            is_handed: false,
        }
    }

    /// Of what is handed to an action; nothing so far.
    #[must_use]
    pub fn handed() -> Self {
        Self {
            is_handed: true,
            ..Self::default()
        }
    }

    /// Also what went out, as it went out: a SASL response in base64.
    #[must_use]
    pub fn and_sent(mut self, sent: &str) -> Self {
        self.sent.push(Secret::from(sent.to_owned()));
        self
    }

    /// Also what is handed to an action: a field's value, a variable's. Where it is a scheme and a credential, the latter; what is too
    /// short to be a secret is not struck out, as it may be part of anything.
    pub fn add_handed(&mut self, value: &str) {
        let value = value.trim();
        let credential = match value.split_once(' ') {
            Some((scheme, credential)) if scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') => {
                credential.trim()
            }
            _ => value,
        };
        // Basic: user and password.
        let packed = STANDARD
            .decode(credential)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let password = packed
            .as_deref()
            .and_then(|pair| pair.split_once(':'))
            .map(|(_, password)| password);
        for part in [Some(credential), password].into_iter().flatten() {
            if part.len() >= SHORTEST {
                self.secrets.push(Secret::from(part.to_owned()));
            }
        }
    }

    /// Also the query of a URL that is asked, as a whole and each of its values.
    pub fn add_query(&mut self, url: &str) {
        let Some((_, query)) = url.split_once('?') else { return };
        let query = query.split('#').next().unwrap_or_default();
        self.add_handed(query);
        for (_, value) in form_urlencoded::parse(query.as_bytes()) {
            self.add_handed(&value);
        }
    }

    /// The text without them.
    #[must_use]
    pub fn strike<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.striker().strike(text)
    }

    /// What strikes them out of several texts.
    #[must_use]
    pub fn striker(&self) -> Redactor {
        Redactor {
            forms: self.forms(),
            is_handed: self.is_handed,
            whole: OnceLock::new(),
        }
    }

    /// Every form in which a secret may stand in a text, folded.
    fn forms(&self) -> Vec<Vec<char>> {
        let mut forms: HashSet<Vec<char>> = HashSet::new();
        let mut add = |form: &str| {
            let form: Vec<char> = form.chars().map(folded).collect();
            if !form.is_empty() {
                forms.insert(form);
            }
        };
        for secret in &self.secrets {
            let secret = secret.expose_secret();
            written(secret).iter().for_each(|form| add(form));
            // What signs in by PLAIN, whatever else went out.
            add(&STANDARD.encode(format!("\0{}\0{secret}", self.user)));
            encoded(self.user.as_bytes()).iter().for_each(|form| add(form));
        }
        self.sent.iter().for_each(|sent| add(sent.expose_secret()));
        forms.into_iter().collect()
    }
}

/// Strikes out the secrets of an exchange, in all their forms.
pub struct Redactor {
    forms: Vec<Vec<char>>,
    is_handed: bool,
    /// The forms as wholes, for long texts and files.
    whole: OnceLock<Forms>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Striker").finish_non_exhaustive()
    }
}

impl Redactor {
    /// The text without them, and without any other secret that we know. Of a long one whole forms are struck out; of a short one, which
    /// may have been cut, pieces too.
    #[must_use]
    pub fn strike<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let own = self.strike_own(text);
        match known::strike(&own) {
            Cow::Owned(left) => Cow::Owned(left),
            Cow::Borrowed(_) => own,
        }
    }

    /// The content of a file without them: each byte of a whole form is an asterisk, so that nothing else in it moves. Nothing where it
    /// holds none.
    #[must_use]
    pub fn strike_file(&self, content: &[u8]) -> Option<Vec<u8>> {
        let mut ranges = self.whole().ranges(content);
        ranges.extend(known::stands(content));
        if ranges.is_empty() {
            return None;
        }
        let mut left = content.to_vec();
        for range in ranges {
            left.get_mut(range).into_iter().for_each(|bytes| bytes.fill(b'*'));
        }
        Some(left)
    }

    fn strike_own<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.forms.is_empty() || text.is_empty() {
            return Cow::Borrowed(text);
        }
        if text.len() > LONG {
            let ranges = self.whole().ranges(text.as_bytes());
            return Cow::Owned(known::without(text, &ranges));
        }
        let told: Vec<char> = text.chars().map(folded).collect();
        let mut struck = vec![false; told.len()];
        for form in &self.forms {
            mark(&told, form, self.is_handed, &mut struck);
        }
        if !struck.contains(&true) {
            return Cow::Borrowed(text);
        }
        let mut left = String::with_capacity(text.len());
        let mut inside = false;
        for (c, struck) in text.chars().zip(struck) {
            match (struck, inside) {
                (true, false) => left.push_str(STRUCK),
                (true, true) => {}
                (false, _) => left.push(c),
            }
            inside = struck;
        }
        Cow::Owned(left)
    }

    fn whole(&self) -> &Forms {
        self.whole.get_or_init(|| {
            let mut whole = Forms::default();
            let forms = self.forms.iter().map(|form| form.iter().collect::<String>());
            forms.for_each(|form| whole.add(&form));
            whole
        })
    }
}

/// Marks where a form, a piece of it, or at the end of the text its beginning stands.
fn mark(told: &[char], form: &[char], is_handed: bool, struck: &mut [bool]) {
    let piece = if is_handed { HANDED_PIECE } else { PIECE };
    let width = form.len().min(piece);
    if width < piece {
        for (at, window) in told.windows(width).enumerate() {
            if window == form && (width > STUMP || stands_alone(told, at, width)) {
                fill(struck, at, width);
            }
        }
    } else {
        let pieces: HashSet<&[char]> = form.windows(width).collect();
        for (at, window) in told.windows(width).enumerate() {
            if pieces.contains(window) {
                fill(struck, at, width);
            }
        }
    }
    if is_handed {
        return;
    }
    let end = told
        .iter()
        .rposition(|c| !c.is_whitespace() && *c != '…')
        .map_or(0, |at| at + 1);
    for length in (STUMP..width).rev() {
        let (Some(beginning), Some(at)) = (form.get(..length), end.checked_sub(length)) else {
            continue;
        };
        if told.get(at..end) == Some(beginning) {
            fill(struck, at, length);
            break;
        }
    }
}

fn fill(struck: &mut [bool], at: usize, length: usize) {
    if let Some(range) = struck.get_mut(at..at + length) {
        range.fill(true);
    }
}

/// Whether it's no part of a word: a secret of one letter is not every such letter.
fn stands_alone(told: &[char], at: usize, length: usize) -> bool {
    let is_free = |c: Option<&char>| c.is_none_or(|c| !c.is_alphanumeric());
    is_free(at.checked_sub(1).and_then(|before| told.get(before))) && is_free(told.get(at + length))
}

/// Servers write what they quote in other cases, and base64 has two alphabets.
fn folded(c: char) -> char {
    match c {
        '-' => '+',
        '_' => '/',
        c => c.to_ascii_lowercase(),
    }
}

/// Base64 of these bytes: whole, and as it stands within that of anything longer, which begins one, two or three bytes before.
fn encoded(bytes: &[u8]) -> Vec<String> {
    let mut forms = vec![STANDARD.encode(bytes)];
    for before in 0..3 {
        let mut padded = vec![0; before];
        padded.extend_from_slice(bytes);
        let text = STANDARD.encode(&padded);
        // Only characters that nothing else has a part in.
        let (first, end) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        forms.extend(
            text.get(first..end)
                .filter(|inner| inner.len() > STUMP)
                .map(str::to_owned),
        );
    }
    forms
}

/// Every form in which a secret may stand in a text: as it is first.
pub(super) fn written(secret: &str) -> Vec<String> {
    let trimmed = secret.trim();
    let mut forms = vec![trimmed.to_owned()];
    // As a whole it comes second.
    forms.extend(encoded(secret.as_bytes()));
    forms.extend([
        quoted(trimmed),
        percent_encoded(secret),
        form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        hex(secret),
    ]);
    forms
}

/// As an IMAP or SMTP quoted string has it, or JSON.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            write!(encoded, "%{byte:02X}").ok();
        }
    }
    encoded
}

fn hex(text: &str) -> String {
    let mut hex = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        // Writing to a String can't fail.
        write!(hex, "{byte:02x}").ok();
    }
    hex
}

#[cfg(test)]
#[path = "redaction_tests.rs"]
mod tests;
