//! What a server can do. Pure.

/// What a server can do, as far as we use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ImapCapabilities {
    pub(crate) starttls: bool,
    pub(crate) login_disabled: bool,
    pub(crate) sasl_ir: bool,
    pub(crate) xoauth2: bool,
    pub(crate) oauthbearer: bool,
    pub(crate) plain: bool,
    pub(crate) id: bool,
    pub(crate) idle: bool,
    pub(crate) moves: bool,
    pub(crate) uidplus: bool,
}

/// What a list of names tells, in any case, with as many blanks as it likes.
pub(super) fn capabilities(list: &str) -> ImapCapabilities {
    let mut found = ImapCapabilities::default();
    for name in list.split_whitespace() {
        match name.to_ascii_uppercase().as_str() {
            "AUTH=XOAUTH2" => found.xoauth2 = true,
            "AUTH=OAUTHBEARER" => found.oauthbearer = true,
            "AUTH=PLAIN" => found.plain = true,
            "STARTTLS" => found.starttls = true,
            "LOGINDISABLED" => found.login_disabled = true,
            "SASL-IR" => found.sasl_ir = true,
            "ID" => found.id = true,
            "IDLE" => found.idle = true,
            "MOVE" => found.moves = true,
            "UIDPLUS" => found.uidplus = true,
            _ => {}
        }
    }
    found
}
