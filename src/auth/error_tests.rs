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
