use super::{Diagnosis, of_application, token};

/// The code, what the token endpoint said, and words of the diagnosis.
pub(super) const TOKENS: &[(&str, &str, &str)] = &[
    (
        "invalid_grant",
        "AADSTS700082: The refresh token has expired due to inactivity.",
        "90 days",
    ),
    ("invalid_grant", "AADSTS70008: …", "90 days"),
    (
        "invalid_grant",
        "AADSTS700084: The refresh token was issued to a single page app",
        "24 hours",
    ),
    ("invalid_grant", "bad_token: AADSTS50173: …", "revoked"),
    ("invalid_grant", "AADSTS50089: …", "not valid"),
    ("invalid_grant", "AADSTS50133: …", "password"),
    ("invalid_grant", "AADSTS70043: …", "sign-in frequency"),
    ("interaction_required", "basic_action: AADSTS50076: …", "multi-factor"),
    ("interaction_required", "AADSTS50079: …", "mfasetup"),
    ("interaction_required", "AADSTS50158: …", "external authentication"),
    ("invalid_grant", "AADSTS50053: …", "locked"),
    ("invalid_grant", "AADSTS50055: …", "new password"),
    ("invalid_grant", "AADSTS50057: …", "disabled"),
    ("invalid_grant", "AADSTS50126: …", "user name or password"),
    ("invalid_grant", "AADSTS50034: …", "not in this tenant"),
    ("invalid_grant", "AADSTS50105: …", "assign the user"),
    (
        "interaction_required",
        "AADSTS530003: Your device is required to be managed",
        "managed device",
    ),
    ("access_denied", "AADSTS53003: …", "Conditional Access policy blocks"),
    ("access_denied", "AADSTS530035: …", "security defaults"),
    ("invalid_client", "AADSTS7000222: …", "make a new one"),
    (
        "invalid_client",
        "AADSTS7000215: Invalid client secret provided.",
        "not its Secret ID",
    ),
    ("invalid_client", "AADSTS7000218: …", "Allow public client flows"),
    ("invalid_client", "AADSTS700025: …", "remove client_secret"),
    ("invalid_client", "AADSTS700027: …", "certificate"),
    (
        "invalid_client",
        "AADSTS700024: Client assertion is not within its valid time range.",
        "clock",
    ),
    (
        "invalid_grant",
        "AADSTS500133: Assertion is not within its valid time range.",
        "clock",
    ),
    (
        "invalid_request",
        "AADSTS700213: No matching federated identity record found",
        "federated credential",
    ),
    ("unauthorized_client", "AADSTS700016: …", "client_id and tenant"),
    ("unauthorized_client", "AADSTS7000112: …", "disabled"),
    ("invalid_scope", "AADSTS70011: …", "IMAP.AccessAsUser.All"),
    ("invalid_scope", "AADSTS700022: …", "Microsoft Graph"),
    ("invalid_grant", "consent_required: AADSTS65001: …", "grant consent"),
    ("invalid_resource", "AADSTS650057: …", "Office 365 Exchange Online"),
    ("invalid_request", "AADSTS50011: …", "http://localhost"),
    (
        "invalid_request",
        "AADSTS90002: Tenant 'x' not found.",
        "no such tenant",
    ),
    ("invalid_resource", "AADSTS500011: …", "not known in this tenant"),
    ("invalid_request", "AADSTS50194: …", "single-tenant"),
    ("invalid_request", "AADSTS9001023: …", "directory's id"),
    ("invalid_request", "AADSTS9002332: …", "consumers"),
    ("invalid_request", "AADSTS90038: …", "clouds"),
    ("invalid_request", "AADSTS9002313: …", "copied whole"),
    ("invalid_request", "AADSTS900144: …", "parameter is missing"),
    ("temporarily_unavailable", "AADSTS90033: …", "in trouble"),
    ("server_error", "AADSTS90013: …", "in trouble"),
    ("invalid_grant", "AADSTS50196: …", "loop"),
    ("invalid_grant", "Token has been expired or revoked.", "Testing"),
    ("invalid_grant", "Invalid email or User ID", "not an alias"),
    (
        "invalid_grant",
        "Invalid JWT: Token must be a short-lived token",
        "clock",
    ),
    (
        "unauthorized_client",
        "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.",
        "Domain-wide delegation",
    ),
    (
        "invalid_scope",
        "Some requested scopes were invalid. {invalid=[https://mail.google.com]}",
        "https://mail.google.com/",
    ),
    ("admin_policy_enforced", "", "App access control"),
    ("org_internal", "", "External"),
    ("deleted_client", "The OAuth client was deleted.", "30 days"),
    ("disabled_client", "The OAuth client was disabled.", "enable it"),
    ("invalid_grant", "grant request is invalid", "sign in anew"),
    (
        "invalid_client",
        "AADSTS12: a number that nobody knows",
        "federated token",
    ),
    ("unauthorized_client", "", "client_id and tenant"),
    ("something_new", "", "token_url"),
];

#[test]
fn refusals_of_a_token_endpoint() {
    for (code, said, words) in TOKENS {
        let Diagnosis { what, cure, .. } = token(code, said);
        assert!(
            format!("{what}: {cure}").contains(words),
            "{code} {said}: {what}: {cure}"
        );
    }
}

#[test]
fn an_application_is_never_told_to_sign_in() {
    for (code, said, _) in TOKENS {
        let person = token(code, said);
        let Diagnosis { what, cure, remedy, .. } = of_application(person, "replace client_secret");
        for words in ["auth login", "sign in anew"] {
            assert!(
                !cure.contains(words) && !what.contains(words),
                "{code} {said}: {what}: {cure}"
            );
        }
        assert_eq!(remedy, person.remedy, "{code} {said}");
    }
    // What has a cure of its own keeps it.
    let not_found = of_application(token("unauthorized_client", "AADSTS700016: …"), "replace client_secret");
    assert!(not_found.cure.contains("client_id and tenant"), "{not_found:?}");
    for (code, said, cure) in [
        ("invalid_client", "", "replace it"),
        ("invalid_grant", "", "replace it"),
        // What else helps is left of it.
        ("consent_required", "", "have an administrator consent"),
        (
            "invalid_grant",
            "AADSTS65001: …",
            "have an administrator grant consent under App registrations, API permissions",
        ),
    ] {
        assert_eq!(
            of_application(token(code, said), "replace it").cure,
            cure,
            "{code} {said}"
        );
    }
}
