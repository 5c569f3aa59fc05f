//! Microsoft's refusals: Entra ID's numbers, and Exchange Online's words. Pure.
//!
//! Numbers: learn.microsoft.com, "Microsoft Entra authentication and authorization error codes" (MicrosoftDocs/entra-docs
//! `reference-error-codes.md`), read in 2026-11; those that are not on that page say so. Cures are ours.

use super::{Diagnosis, Remedy, row};

pub(super) const PREFIX: &str = "AADSTS";

const SIGN_IN: &str = "sign in anew (mailjob auth login)";
const POLICY: &str = "have an administrator exempt this account or application from the policy; Entra admin center, Sign-in logs, shows which policy it was";
const WAIT: &str = "it is tried again later";

/// What Entra ID means, by the first number in its text.
pub(super) fn token(said: &str) -> Option<Diagnosis> {
    let number: u32 = super::number(said)?.strip_prefix(PREFIX)?.parse().ok()?;
    ended(number)
        .or_else(|| person(number))
        .or_else(|| client(number))
        .or_else(|| place(number))
        .or_else(|| trouble(number))
}

/// The sign-in is over.
fn ended(number: u32) -> Option<Diagnosis> {
    Some(match number {
        70008 | 700_082 => row(
            "the refresh token was not used for too long (90 days) and has expired",
            SIGN_IN,
        ),
        // "Issued to a single page app": 24 hours, whatever is done with it.
        700_084 => row(
            "the refresh token is one of a single-page application, which lives 24 hours",
            "register the redirect address as \"Mobile and desktop applications\" in place of \"Single-page application\", then sign in anew (mailjob auth login)",
        ),
        50173 => row(
            "the sign-in was revoked, by an administrator, a new password or the user",
            SIGN_IN,
        ),
        50089 | 70000 => row("the refresh token is not valid (any more)", SIGN_IN),
        50132 | 50133 => row(
            "the sign-in has ended with the password, which expired or was changed",
            SIGN_IN,
        ),
        70043 => row(
            "a Conditional Access policy (sign-in frequency) has ended the sign-in",
            "exempt this account from the sign-in frequency, or use an application's own sign-in (client credentials); then sign in anew (mailjob auth login)",
        ),
        _ => return None,
    })
}

/// A person, or a policy about persons, stands in the way.
fn person(number: u32) -> Option<Diagnosis> {
    Some(match number {
        50074 | 50076 | 50078 => row("multi-factor authentication is asked for", SIGN_IN),
        50072 | 50079 | 53004 => row(
            "the user has not set up multi-factor authentication yet",
            "have the user set it up at https://aka.ms/mfasetup, then sign in anew (mailjob auth login)",
        ),
        50158 => row(
            "another service's proof (external authentication) is asked for",
            SIGN_IN,
        ),
        50053 => row(
            "the account is locked after too many wrong sign-ins, or this address is blocked",
            "have an administrator look at the sign-in logs and unblock the account",
        ),
        50055 | 50144 => row(
            "the user's password has expired",
            "set a new password, then sign in anew (mailjob auth login)",
        ),
        50057 => row("the user is disabled", "have an administrator enable the user"),
        50126 => row(
            "user name or password are wrong",
            "check both, then sign in anew (mailjob auth login)",
        ),
        50034 | 50020 | 51004 => row(
            "the user is not in this tenant",
            "check user and tenant; a guest's mailbox is in the guest's own tenant",
        ),
        50105 => row(
            "the user is not assigned to the application",
            "Entra admin center, Enterprise applications, the application, Users and groups: assign the user",
        ),
        // 53000 and 53001 ask for a device; 530002 and 530003 ("Your device is required to be managed") are not on the page, and
        // seen in Microsoft's Azure IoT and Power Platform pages.
        53000 | 53001 | 530_002 | 530_003 => row(
            "Conditional Access asks for a managed device, which a server is not",
            POLICY,
        ),
        50005 | 50097 | 50131 | 53002 | 53003 | 530_032 => {
            row("a Conditional Access policy blocks this sign-in", POLICY)
        }
        530_035 => row(
            "security defaults block this sign-in",
            "use OAuth with a sign-in by browser or device code, or an application's own sign-in (client credentials)",
        ),
        _ => return None,
    })
}

/// The application, as it is registered.
fn client(number: u32) -> Option<Diagnosis> {
    Some(match number {
        7_000_222 => row(
            "the client secret has expired",
            "App registrations, Certificates & secrets: make a new one, and replace client_secret",
        ),
        70002 | 7_000_215 => row(
            "the client secret is wrong",
            "use the secret's Value, not its Secret ID; if it is lost, make a new one and replace client_secret",
        ),
        // Also what a public client hears whose registration does not allow that.
        7_000_218 => row(
            "the application wants a client secret or assertion, and none was sent",
            "set client_secret; or, for a client without one, App registrations, Authentication: set \"Allow public client flows\" to Yes",
        ),
        700_025 => row(
            "the application is a public client, and a client secret or assertion was sent",
            "remove client_secret, or register the redirect address as \"Web\"",
        ),
        // "Client assertion is not within its valid time range"; 500133 says it of any assertion.
        700_024 | 500_133 => row(
            "this machine's clock is wrong: the assertion is not within its valid time",
            "set the clock (NTP), then sign in anew if it stays",
        ),
        50012 | 700_027 => row(
            "the client assertion's signature is refused",
            "upload this account's certificate under App registrations, Certificates & secrets, and check that key and certificate belong together",
        ),
        // Not on the page; "No matching federated identity record found", learn.microsoft.com, workload identity federation, troubleshooting.
        70021 | 700_211 | 700_212 | 700_213 | 7_002_131 => row(
            "no federated credential of the application fits the token's issuer, subject or audience",
            "App registrations, Certificates & secrets, Federated credentials: make all three equal to the token's",
        ),
        700_011 | 700_016 => row(
            "the application is not known in this tenant",
            "check client_id and tenant; for an application of another tenant have an administrator consent first",
        ),
        70001 | 7_000_112 => row(
            "the application is disabled",
            "have an administrator enable the enterprise application",
        ),
        28002 | 70011 | 700_023 => row(
            "a scope is wrong",
            "check scopes: https://outlook.office.com/IMAP.AccessAsUser.All and its kin for a person, https://outlook.office365.com/.default for an application; or remove scopes",
        ),
        700_022 => row(
            "the scopes belong to more than one service",
            "remove those of Microsoft Graph from scopes; one token is for one service",
        ),
        65001 | 65004 | 650_056 | 90094 | 90095 => row(
            "nobody has consented to these permissions",
            "have an administrator grant consent under App registrations, API permissions, or sign in anew (mailjob auth login)",
        ),
        650_052 | 650_057 => row(
            "the application has no permission of Exchange Online",
            "App registrations, API permissions: add those of \"Office 365 Exchange Online\" and grant consent",
        ),
        50011 => row(
            "the redirect address is not registered",
            "App registrations, Authentication: add http://localhost under \"Mobile and desktop applications\"",
        ),
        _ => return None,
    })
}

/// The tenant or the endpoint is wrong.
fn place(number: u32) -> Option<Diagnosis> {
    Some(match number {
        // Not on the page; "Tenant '…' not found", a dozen public reports.
        90002 | 50128 | 50059 => row(
            "there is no such tenant",
            "check tenant (or token_url): the directory's id or a domain of it",
        ),
        500_011 | 50001 => row(
            "Exchange Online is not known in this tenant",
            "check tenant and scopes; the tenant needs a subscription of Exchange Online",
        ),
        50194 => row(
            "the application is single-tenant, and the tenant is \"common\"",
            "set tenant to the directory's id, or make the application multi-tenant",
        ),
        // 90133 is not on the page, but in Microsoft's samples of the device code flow.
        9_001_023 | 90124 | 90130 | 90133 => row(
            "this grant or application does not work with the tenants \"common\" and \"consumers\"",
            "set tenant to the directory's id",
        ),
        9_002_332 => row(
            "the application is for work accounts only",
            "don't use the tenant \"consumers\"",
        ),
        90038 => row(
            "the tenant is in another of Microsoft's clouds",
            "set cloud, or check tenant",
        ),
        9_002_313 => row(
            "the request is malformed",
            "check client_id, scopes, token_url, and whether the refresh token was copied whole",
        ),
        90014 | 900_144 => row(
            "a parameter is missing in the request",
            "check client_id, scopes and refresh_token: the server's words name the one",
        ),
        _ => return None,
    })
}

/// Nobody has to act.
fn trouble(number: u32) -> Option<Diagnosis> {
    Some(match number {
        90012 | 90024 | 90033 | 90090 | 50033 | 50087 | 70012 => {
            row("Microsoft's directory is in trouble", WAIT).by(Remedy::Wait)
        }
        // On the page "the input is not valid"; in the field transient.
        90013 => row(
            "Microsoft calls the input invalid, which also happens while its directory is in trouble",
            "wait a while; if it stays, check user, tenant and scopes",
        )
        .by(Remedy::Wait),
        50196 | 90055 => Diagnosis::passing(
            "too many requests came from this application",
            "see that nothing else uses this client_id in a loop, and wait",
            300,
        ),
        _ => return None,
    })
}

/// What Exchange Online means, by IMAP or POP3.
pub(super) fn sign_in(said: &str) -> Option<Diagnosis> {
    let has = |words: &str| said.contains(words);
    // MailKit issues 1494 and 1496; the answer to the first command after "OK AUTHENTICATE completed." (2025).
    if has("User is authenticated but not connected") {
        return Some(row(
            "Exchange Online took the token, but does not open the mailbox",
            "check that user is the mailbox's own or the shared mailbox's address (not an alias), that it has a licence, that IMAP is on (Set-CASMailbox -ImapEnabled $true), that who signs in has FullAccess (Add-MailboxPermission), and that the token has IMAP.AccessAsUser.All; the same is said when too many sessions are open",
        ));
    }
    if has("Request is throttled") {
        return Some(
            row(
                "Exchange Online throttles this mailbox",
                "wait as long as it says; look for other programs that use the same mailbox",
            )
            .by(Remedy::Wait),
        );
    }
    // IMAP: "NO AUTHENTICATE failed." Microsoft, "Authenticate an IMAP, POP or SMTP connection using OAuth"; the reasons are those of
    // php-imap2 issue 42, MailKit issues 1126 and 1811, and email-oauth2-proxy issues 74 and 77.
    if has("AUTHENTICATE failed.") {
        return Some(row(
            "Exchange Online refuses the token, and does not say why",
            "an application: New-ServicePrincipal with the object id of the Enterprise application (not of the App registration), Add-MailboxPermission for this mailbox, and the application permission IMAP.AccessAsApp with consent. A person: the scope IMAP.AccessAsUser.All, and user = the signed-in address or a shared mailbox with FullAccess. Both: IMAP on (Set-CASMailbox -ImapEnabled $true), and half an hour of patience after a change",
        ));
    }
    if has("LOGIN failed.") {
        return Some(row(
            "Exchange Online takes no passwords by IMAP (since 2022)",
            "use OAuth for this account",
        ));
    }
    // POP3, the same page.
    if has("Authentication failure: unknown user name or bad password") {
        return Some(row(
            "Exchange Online refuses the sign-in by POP3, and does not say why",
            "with a password: it takes none since 2022, use OAuth. With a token: check user, the scope POP.AccessAsUser.All (an application: POP.AccessAsApp, New-ServicePrincipal and Add-MailboxPermission), and that POP3 is on (Set-CASMailbox -PopEnabled $true)",
        ));
    }
    None
}

/// What Exchange Online means at a sign-in by SMTP: learn.microsoft.com, "Enable or disable authenticated client SMTP submission" and
/// "Authenticate an IMAP, POP or SMTP connection using OAuth", and its texts in a dozen public reports (2026-11).
pub(super) fn smtp(code: u16, enhanced: Option<&str>, said: &str) -> Option<Diagnosis> {
    Some(match (code, enhanced) {
        (535, Some("5.7.139")) => switched_off(said),
        (535, Some("5.7.3")) => row(
            "Exchange Online refuses the sign-in, and does not say why",
            "check that the token's scope is SMTP.Send (for an app SMTP.SendAsApp), that user is the mailbox's address, and that SMTP AUTH is on for the mailbox (Set-CASMailbox -SmtpClientAuthenticationDisabled $false)",
        ),
        (530, Some("5.7.57")) => row(
            "the server takes no mail without a sign-in",
            "check that smtp port and host are the submission service's, and that SMTP AUTH is on for the mailbox",
        ),
        (550, Some("5.7.30")) => row("the server takes no passwords any more", "use OAuth for this account"),
        (432, Some("4.3.2")) => Diagnosis::passing(
            "too many sessions of this mailbox are open at once (Exchange Online allows three)",
            "it is tried again later; look for other programs that send with this account",
            60,
        ),
        (454, Some("4.7.0")) => row(
            "the server could not check the sign-in just now",
            "it is tried again later; if it stays, see whether the token is the mailbox's own",
        )
        .by(Remedy::Wait),
        _ => return None,
    })
}

/// 5.7.139 has four meanings, told apart by text alone.
fn switched_off(said: &str) -> Diagnosis {
    let has = |words: &str| said.contains(words);
    if has("disabled for the Tenant") {
        row(
            "SMTP AUTH is off for the whole tenant",
            "an administrator allows it for this mailbox: Set-CASMailbox -Identity … -SmtpClientAuthenticationDisabled $false (which outranks the tenant's setting), or for all: Set-TransportConfig -SmtpClientAuthenticationDisabled $false",
        )
    } else if has("disabled for the Mailbox") {
        row(
            "SMTP AUTH is off for this mailbox",
            "an administrator allows it: Set-CASMailbox -Identity … -SmtpClientAuthenticationDisabled $false",
        )
    } else if has("security defaults") {
        row(
            "security defaults of the tenant forbid this sign-in",
            "use OAuth for this account; with security defaults on, no password is taken by SMTP",
        )
    } else if has("basic authentication is disabled") {
        row("the server takes no passwords any more", "use OAuth for this account")
    } else if has("did not meet the criteria") {
        row(
            "a policy of the tenant (security defaults or Conditional Access) forbids this sign-in",
            "use OAuth for this account, or have an administrator look at the sign-in logs in the Entra admin center",
        )
    } else if has("user credentials were incorrect") {
        row(
            "user name, password or token are wrong",
            "check user and secret; for a token see that it is the mailbox's own",
        )
    } else {
        row(
            "SMTP AUTH is off for this tenant or mailbox, or a policy forbids the sign-in",
            "an administrator allows it by Set-CASMailbox -SmtpClientAuthenticationDisabled $false; security defaults or policies may forbid it too",
        )
    }
}
