use super::*;

#[test]
fn refusals_are_told_apart_by_code_and_number() {
    for (code, verdict) in [
        ("invalid_grant", Verdict::SlowDown),
        ("invalid_client", Verdict::SlowDown),
        ("unauthorized_client", Verdict::SlowDown),
        ("consent_required", Verdict::SlowDown),
        ("interaction_required", Verdict::SlowDown),
        ("invalid_scope", Verdict::SlowDown),
        ("something_new", Verdict::SlowDown),
        ("temporarily_unavailable", Verdict::Reconnect),
        ("server_error", Verdict::Reconnect),
        ("slow_down", Verdict::Reconnect),
    ] {
        let refusal = Refusal::new(code, None, Some("temporarily_unavailable invalid_grant"));
        assert_eq!(Error::Refused(refusal).verdict(), verdict, "{code}");
    }
    // Entra ID says `invalid_grant` where it is only busy.
    for (said, verdict) in [
        ("AADSTS50196: The server terminated an operation", Verdict::Reconnect),
        ("AADSTS90033: A transient error has occurred.", Verdict::Reconnect),
        ("AADSTS50173: revoked", Verdict::SlowDown),
    ] {
        let refusal = Refusal::new("invalid_grant", None, Some(said));
        assert_eq!(Error::Refused(refusal).verdict(), verdict, "{said}");
    }
}

#[test]
fn other_trouble() {
    let busy = Error::Busy {
        status: 503,
        retry_after: None,
    };
    assert_eq!(busy.verdict(), Verdict::Reconnect);
    assert_eq!(Error::Answer("is not JSON").verdict(), Verdict::Reconnect);
    assert_eq!(Error::Timeout(Duration::from_secs(30)).verdict(), Verdict::Reconnect);
    assert_eq!(
        Error::from(StoreError::Failed("disk".into())).verdict(),
        Verdict::Reconnect
    );
    assert_eq!(Error::Url.verdict(), Verdict::SlowDown);
    let missing = crate::secret::SecretRef::Env("MAILJOB_NO_SUCH_VARIABLE".into())
        .read()
        .unwrap_err();
    assert_eq!(Error::from(missing).verdict(), Verdict::SlowDown);
}

#[test]
fn words_are_shown_without_control_characters_or_end() {
    let long = "x".repeat(5000);
    let refusal = Refusal::new(
        "invalid_grant\r\n",
        Some("bad_token"),
        Some(&format!("AADSTS700082: a\x1b[31m\r\n{long}")),
    );
    assert_eq!(refusal.code(), "invalid_grant");
    assert_eq!(refusal.number(), Some("AADSTS700082"));
    let text = Error::Refused(refusal).to_string();
    assert!(
        text.contains("sign in anew") && text.contains("bad_token: AADSTS700082"),
        "{text}"
    );
    assert!(!text.chars().any(char::is_control) && text.len() < 700, "{text}");
}

#[test]
fn an_application_is_told_what_to_replace_and_a_person_to_sign_in() {
    let oauth = |grant, client| OAuth {
        server: crate::config::AuthorizationServer::Known {
            token_url: "https://login.example/token".into(),
            authorize_url: None,
            device_url: None,
        },
        client_id: "x".into(),
        client,
        scopes: None,
        grant,
        ca_file: None,
        refresh_life: None,
    };
    let env = || crate::secret::SecretRef::Env("X".into());
    let secret = || ClientProof::Secret {
        secret: env(),
        send: crate::config::SendSecret::Body,
        expires: None,
    };
    let certificate = ClientProof::Certificate {
        certificate: "c.pem".into(),
        key: env(),
    };
    for (oauth, words) in [
        (oauth(Grant::ClientCredentials, secret()), "where client_secret points"),
        (
            oauth(Grant::ClientCredentials, certificate),
            "certificate and certificate_key",
        ),
        (
            oauth(Grant::ClientCredentials, ClientProof::Federated("t".into())),
            "federated_token",
        ),
        (
            oauth(Grant::ServiceAccount { key: env() }, ClientProof::Public),
            "service_account",
        ),
        (oauth(Grant::RefreshToken(None), secret()), "mailjob auth login"),
    ] {
        let refused = Error::Refused(Refusal::new("invalid_grant", None, None)).of(&oauth);
        assert!(refused.to_string().contains(words), "{refused}");
        assert_eq!(
            refused.to_string().contains("auth login"),
            oauth.is_person(),
            "{refused}"
        );
        assert_eq!(refused.verdict(), Verdict::SlowDown);
    }
}
