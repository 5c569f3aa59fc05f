//! Google's refusals: its token endpoint's codes, and Gmail's words. Pure.

use super::{Diagnosis, row};

const APP_PASSWORD: Diagnosis = row(
    "Google wants an application password here, not the account's own",
    "use OAuth, or make an app password at https://myaccount.google.com/apppasswords (needs 2-Step Verification)",
);
const BROWSER: Diagnosis = row(
    "Google wants the user to sign in with a browser first",
    "sign in at https://mail.google.com from this network once, or use OAuth",
);

/// What Google's token endpoint means. Codes: developers.google.com, "Using OAuth 2.0 to Access Google APIs", "for Server to Server
/// Applications" (error table) and "for iOS & Desktop Apps" (authorization errors), read in 2026-11.
pub(super) fn token(code: &str, said: &str) -> Option<Diagnosis> {
    let has = |words: &str| said.contains(words);
    Some(match code {
        "invalid_grant" if has("Token has been expired or revoked") => row(
            "the refresh token has expired or was revoked (a new password ends it, so do six months without use, and seven days while the consent screen is in \"Testing\")",
            "publish the consent screen (or make it Internal), then sign in anew (mailjob auth login)",
        ),
        "invalid_grant" if has("Not a valid email or user ID") || has("Invalid email or User ID") => row(
            "there is no such user in the Workspace",
            "set user to the mailbox's own address, not an alias or a group",
        ),
        "invalid_grant" if has("Invalid JWT") => row(
            "the assertion is refused: this machine's clock is off, or the key was deleted",
            "set the clock (NTP); see in Google Cloud, Service accounts, Keys, whether the key is still there",
        ),
        "unauthorized_client"
            if has("unauthorized to retrieve access tokens") || has("not authorized for any of the scopes") =>
        {
            row(
                "the service account may not act for the users of this Workspace",
                "Google Admin console, Security, API controls, Domain-wide delegation: add the service account's client id with the scope https://mail.google.com/; it takes up to a day to count",
            )
        }
        "admin_policy_enforced" => row(
            "the Workspace's administrator does not allow this application or its scopes",
            "Google Admin console, Security, API controls, App access control: trust this client id",
        ),
        "org_internal" => row(
            "the application is for users of its own Workspace only",
            "sign in with a user of that Workspace, or make the consent screen External",
        ),
        "deleted_client" => row(
            "the OAuth client was deleted",
            "restore it in Google Cloud within 30 days, or make a new one and replace client_id and client_secret",
        ),
        "disabled_client" => row("the OAuth client is disabled", "enable it in Google Cloud, Clients"),
        // Google's own text names the scopes.
        "invalid_scope" if has("[https://") => row(
            "Google does not know a scope, or not for this client",
            "use the scope https://mail.google.com/ alone",
        ),
        _ => return None,
    })
}

/// What Gmail means, by IMAP or POP3. Texts as public code and bug reports have them (mutt-wizard issue 831, MailSystem.NET issue 17,
/// imapsync's FAQ); the challenge: developers.google.com, "OAuth 2.0 Mechanism".
pub(super) fn sign_in(said: &str) -> Option<Diagnosis> {
    let has = |words: &str| said.contains(words);
    if has("Application-specific password required") {
        return Some(APP_PASSWORD);
    }
    if has("WEBALERT") || has("Web login required") || has("log in via your web browser") {
        return Some(BROWSER);
    }
    if has("Too many simultaneous connections") {
        return Some(row(
            "the account has too many IMAP sessions open (Gmail allows 15)",
            "close other mail programs of this account, or watch fewer of its mailboxes",
        ));
    }
    if has("Account exceeded command or bandwidth limits") {
        return Some(Diagnosis::passing(
            "the account has used up what Gmail allows a day",
            "leave it alone for up to a day; look for other programs that read the whole mailbox",
            300,
        ));
    }
    if has("not enabled for IMAP") || has("IMAP access is disabled") || has("not enabled for POP") {
        return Some(row(
            "IMAP or POP3 is switched off for this account",
            "Google Admin console, Apps, Gmail, End User Access: enable POP and IMAP access; or in Gmail's own settings, Forwarding and POP/IMAP",
        ));
    }
    if has("https://mail.google.com/") && has("\"schemes\"") {
        return Some(row(
            "Gmail refuses the access token",
            "check that the token has the scope https://mail.google.com/, that user is the address that signed in (a service account: the one it acts for), and that IMAP is on for the account; else sign in anew (mailjob auth login)",
        ));
    }
    if has("Invalid credentials (Failure)") {
        return Some(row(
            "Gmail refuses user name or password",
            "use OAuth, or check user and app password: the account's own password is not taken any more",
        ));
    }
    None
}

/// What Gmail means at a sign-in by SMTP. Texts: support.google.com, "Gmail SMTP errors and codes".
pub(super) fn smtp(code: u16, enhanced: Option<&str>, said: &str) -> Option<Diagnosis> {
    Some(match (code, enhanced) {
        (534, Some("5.7.9")) if said.contains("Application-specific") => APP_PASSWORD,
        (534, _) => BROWSER,
        (535, Some("5.7.8")) => row(
            "Gmail refuses the sign-in",
            "with a token: check the scope https://mail.google.com/ and that user is the address that signed in; with a password: Google takes app passwords only",
        ),
        (454, Some("4.7.0")) => Diagnosis::passing(
            "Gmail has seen too many sign-ins",
            "wait; look for other programs that sign in with this account over and over",
            600,
        ),
        _ => return None,
    })
}
