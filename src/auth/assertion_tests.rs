use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, UnparsedPublicKey};

use super::*;

/// A throw-away key and its certificate for CN=mailjob-test, made by openssl in November 2026.
const KEY: &str = include_str!("../../tests/data/auth/client.key");
const CERTIFICATE: &[u8] = include_bytes!("../../tests/data/auth/client.pem");

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

/// Header and claims of a token whose signature is right.
fn verified(token: &Secret, parameters: &'static RsaParameters) -> (Value, Value) {
    let token = token.expose_secret();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let key = key_pair(&Secret::from(KEY)).unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(parameters, key.public())
        .verify(signed.as_bytes(), &signature)
        .unwrap();
    let part = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    (part(header), part(claims))
}

fn who<'a>() -> AssertionParts<'a> {
    AssertionParts {
        client_id: "an-id",
        audience: "https://login.example.com/token",
        now: now(),
        id: "once",
    }
}

#[test]
fn a_client_asserts_itself_as_microsoft_wants() {
    let token = client(&who(), CERTIFICATE, &Secret::from(KEY)).unwrap();
    let (header, claims) = verified(&token, &RSA_PSS_2048_8192_SHA256);
    let der = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(&der));
    assert_eq!(header, json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint }));
    assert_eq!(
        claims,
        json!({
            "aud": "https://login.example.com/token", "iss": "an-id", "sub": "an-id", "jti": "once",
            "nbf": 1_795_000_000, "iat": 1_795_000_000, "exp": 1_795_000_600,
        })
    );
}

#[test]
fn a_service_account_asserts_for_whom_it_acts() {
    let file = json!({
        "type": "service_account", "client_email": "robot@project.example", "private_key": KEY, "private_key_id": "k1",
    });
    let scopes = ["https://mail.google.com/".to_owned()];
    let token = service_account(
        &Secret::from(file.to_string()),
        "ada@example.com",
        &scopes,
        "https://oauth2.example.com/token",
        now(),
    );
    let (header, claims) = verified(&token.unwrap(), &RSA_PKCS1_2048_8192_SHA256);
    assert_eq!(header, json!({ "alg": "RS256", "typ": "JWT", "kid": "k1" }));
    assert_eq!(
        claims,
        json!({
            "iss": "robot@project.example", "sub": "ada@example.com", "scope": "https://mail.google.com/",
            "aud": "https://oauth2.example.com/token", "iat": 1_795_000_000, "exp": 1_795_003_600,
        })
    );
}

#[test]
fn what_is_no_key_or_certificate_is_told() {
    let key = Secret::from(KEY);
    let error = |certificate: &[u8], key: &Secret| client(&who(), certificate, key).map(drop).unwrap_err();
    assert_eq!(error(b"hello", &key), AssertionError::Certificate);
    assert_eq!(error(CERTIFICATE, &Secret::from("hello")), AssertionError::Key);
    // RFC 5915 section 4: an elliptic key.
    let elliptic = "-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n";
    assert_eq!(error(CERTIFICATE, &Secret::from(elliptic)), AssertionError::Kind);
    let service = |file: &str| {
        service_account(&Secret::from(file), "u", &[], "a", now())
            .map(drop)
            .unwrap_err()
    };
    assert_eq!(service("{}"), AssertionError::ServiceAccount);
    assert_eq!(
        service(r#"{"client_email":"a@b","private_key":"x"}"#),
        AssertionError::Key
    );
}
