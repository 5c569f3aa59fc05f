use super::*;

#[test]
fn refusals_are_told_apart_by_code_and_number() {
    for (code, verdict) in [
        ("invalid_grant", AuthVerdict::SlowDown),
        ("invalid_client", AuthVerdict::SlowDown),
        ("unauthorized_client", AuthVerdict::SlowDown),
        ("consent_required", AuthVerdict::SlowDown),
        ("interaction_required", AuthVerdict::SlowDown),
        ("invalid_scope", AuthVerdict::SlowDown),
        ("something_new", AuthVerdict::SlowDown),
        ("temporarily_unavailable", AuthVerdict::Reconnect),
        ("server_error", AuthVerdict::Reconnect),
        ("slow_down", AuthVerdict::Reconnect),
    ] {
        let refusal = TokenRefusal::new(code, None, Some("temporarily_unavailable invalid_grant"));
        assert_eq!(AuthError::Refused(refusal).verdict(), verdict, "{code}");
    }
    // Entra ID says `invalid_grant` where it is only busy.
    for (said, verdict) in [
        (
            "AADSTS50196: The server terminated an operation",
            AuthVerdict::Reconnect,
        ),
        ("AADSTS90033: A transient error has occurred.", AuthVerdict::Reconnect),
        ("AADSTS50173: revoked", AuthVerdict::SlowDown),
    ] {
        let refusal = TokenRefusal::new("invalid_grant", None, Some(said));
        assert_eq!(AuthError::Refused(refusal).verdict(), verdict, "{said}");
    }
}

#[test]
fn other_trouble() {
    let busy = AuthError::Busy {
        status: 503,
        retry_after: None,
    };
    assert_eq!(busy.verdict(), AuthVerdict::Reconnect);
    assert_eq!(AuthError::Answer("is not JSON").verdict(), AuthVerdict::Reconnect);
    assert_eq!(
        AuthError::Timeout(Duration::from_secs(30)).verdict(),
        AuthVerdict::Reconnect
    );
    assert_eq!(
        AuthError::from(StoreError::Failed("disk".into())).verdict(),
        AuthVerdict::Reconnect
    );
    assert_eq!(AuthError::Url.verdict(), AuthVerdict::SlowDown);
    let missing = crate::secret::SecretRef::Env("MAILJOB_NO_SUCH_VARIABLE".into())
        .read()
        .unwrap_err();
    assert_eq!(AuthError::from(missing).verdict(), AuthVerdict::SlowDown);
}

#[test]
fn words_are_shown_without_control_characters_or_end() {
    let long = "x".repeat(5000);
    let refusal = TokenRefusal::new(
        "invalid_grant\r\n",
        Some("bad_token"),
        Some(&format!("AADSTS700082: a\x1b[31m\r\n{long}")),
    );
    assert_eq!(refusal.code(), "invalid_grant");
    assert_eq!(refusal.number(), Some("AADSTS700082"));
    let text = AuthError::Refused(refusal).to_string();
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
        let refused = AuthError::Refused(TokenRefusal::new("invalid_grant", None, None)).of(&oauth);
        assert!(refused.to_string().contains(words), "{refused}");
        assert_eq!(
            refused.to_string().contains("auth login"),
            oauth.is_person(),
            "{refused}"
        );
        assert_eq!(refused.verdict(), AuthVerdict::SlowDown);
    }
}
