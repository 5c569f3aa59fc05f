use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::*;
use crate::config::Tls;

/// What a server says to each line in turn, and what it was told. It hangs up when it has nothing more to say.
async fn signed_in(
    offered: &str,
    credential: Credential,
    script: impl Fn(&str) -> Option<String> + Send + 'static,
) -> (Result<(), SmtpError>, Vec<String>) {
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    let told = Arc::new(Mutex::new(Vec::new()));
    let notes = told.clone();
    let server = tokio::spawn(async move {
        let mut stream = BufReader::new(theirs);
        let mut line = String::new();
        while stream.read_line(&mut line).await.unwrap_or(0) > 0 {
            let said = line.trim_end_matches(['\r', '\n']).to_owned();
            line.clear();
            notes.lock().unwrap().push(said.clone());
            let Some(answer) = script(&said) else { return };
            if stream.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
                return;
            }
        }
    });
    let offers = Offers::read(&SmtpReply {
        code: 250,
        lines: vec!["fake".to_owned(), offered.to_owned()],
    });
    let server_of = Server {
        host: "mail.example".into(),
        port: 465,
        tls: Tls::Implicit,
    };
    let mut wire = SmtpConnection::new(ours);
    let who = SmtpSignIn {
        user: "invoices@us.example",
        credential: &credential,
        server: &server_of,
        host: MailHost::Other,
    };
    let ended = sign_in(&mut wire, &offers, &who).await;
    drop(wire);
    server.await.unwrap();
    let told = told.lock().unwrap().clone();
    (ended, told)
}

fn token(length: usize) -> Credential {
    Credential::Bearer(Secret::from("t".repeat(length)))
}

fn password() -> Credential {
    Credential::Password(Secret::from("tanstaaf-tanstaaf"))
}

/// The words of the lines without what is secret in them.
fn shape(lines: &[String]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["AUTH", _, _] => line.rsplit_once(' ').unwrap().0,
            ["AUTH", _] => line.as_str(),
            _ if line.len() > 8 => "response",
            _ => line.as_str(),
        })
        .collect()
}

#[tokio::test]
async fn a_long_token_waits_to_be_asked() {
    for length in [1500, 9000] {
        let (ended, told) = signed_in("AUTH XOAUTH2 OAUTHBEARER", token(length), |line| {
            Some(match line {
                "AUTH XOAUTH2" => "334 ".to_owned(),
                line if line.starts_with("AUTH") => {
                    "535 5.7.8 Error: authentication failed: Invalid base64 data in initial response".to_owned()
                }
                _ => "235 2.7.0 welcome".to_owned(),
            })
        })
        .await;
        ended.unwrap();
        assert_eq!(told.len(), 2);
        assert!(told[0] == "AUTH XOAUTH2" && told[1].len() > length, "{told:?}");
    }
}

#[tokio::test]
async fn what_comes_after_a_refusal() {
    type Answer = fn(&str) -> Option<String>;
    type Case = (
        &'static str,
        Credential,
        Answer,
        &'static [&'static str],
        Result<(), bool>,
    );
    let cases: [Case; 13] = [
        // The form is refused: the other one is tried.
        (
            "AUTH XOAUTH2",
            token(9),
            |line| {
                Some(
                    match line {
                        "AUTH XOAUTH2" => "334",
                        line if line.starts_with("AUTH") => "501 5.5.4 no initial response",
                        _ => "235 ok",
                    }
                    .to_owned(),
                )
            },
            &["AUTH XOAUTH2", "AUTH XOAUTH2", "response"],
            Ok(()),
        ),
        (
            "AUTH XOAUTH2",
            token(900),
            |line| {
                Some(
                    match line {
                        "AUTH XOAUTH2" => "501 5.5.4 initial response wanted",
                        _ => "235 ok",
                    }
                    .to_owned(),
                )
            },
            &["AUTH XOAUTH2", "AUTH XOAUTH2"],
            Ok(()),
        ),
        // What stood on the line was not read.
        (
            "AUTH PLAIN",
            password(),
            |line| {
                Some(
                    match line {
                        line if line.starts_with("AUTH") => "334 ",
                        _ => "235 ok",
                    }
                    .to_owned(),
                )
            },
            &["AUTH PLAIN", "response"],
            Ok(()),
        ),
        // A mechanism is refused: the next one is tried.
        (
            "AUTH PLAIN LOGIN",
            password(),
            |line| {
                Some(
                    match line {
                        "AUTH LOGIN" => "334 VXNlcm5hbWU6",
                        line if line.starts_with("AUTH PLAIN") => "535 5.7.8 no",
                        "dGFuc3RhYWYtdGFuc3RhYWY=" => "235 ok",
                        _ => "334 UGFzc3dvcmQ6",
                    }
                    .to_owned(),
                )
            },
            &["AUTH PLAIN", "AUTH LOGIN", "response", "response"],
            Ok(()),
        ),
        (
            "AUTH PLAIN LOGIN",
            password(),
            |line| {
                Some(
                    match line {
                        "AUTH LOGIN" => "334 VXNlcm5hbWU6",
                        line if line.starts_with("AUTH PLAIN") => "504 5.7.4 unrecognized",
                        "dGFuc3RhYWYtdGFuc3RhYWY=" => "235 ok",
                        _ if line.starts_with("AUTH") => "504",
                        _ => "334 UGFzc3dvcmQ6",
                    }
                    .to_owned(),
                )
            },
            &["AUTH PLAIN", "AUTH PLAIN", "AUTH LOGIN", "response", "response"],
            Ok(()),
        ),
        (
            "AUTH XOAUTH2 OAUTHBEARER",
            token(9),
            |line| {
                Some(
                    match line {
                        line if line.starts_with("AUTH XOAUTH2") => "535 no",
                        _ => "235 ok",
                    }
                    .to_owned(),
                )
            },
            &["AUTH XOAUTH2", "AUTH OAUTHBEARER"],
            Ok(()),
        ),
        // Old servers write the list with a sign.
        (
            "AUTH=LOGIN",
            password(),
            |line| {
                Some(
                    match line {
                        "AUTH LOGIN" => "334 VXNlcm5hbWU6",
                        "dGFuc3RhYWYtdGFuc3RhYWY=" => "235 ok",
                        _ => "334 UGFzc3dvcmQ6",
                    }
                    .to_owned(),
                )
            },
            &["AUTH LOGIN", "response", "response"],
            Ok(()),
        ),
        // A challenge with words says why it is refused; the rest is about the credential.
        (
            "AUTH XOAUTH2",
            token(9),
            |line| {
                Some(
                    match line {
                        line if line.starts_with("AUTH") => "334 eyJzdGF0dXMiOiI0MDAifQ==",
                        _ => "535 5.7.8 no",
                    }
                    .to_owned(),
                )
            },
            &["AUTH XOAUTH2", ""],
            Err(true),
        ),
        (
            "AUTH PLAIN",
            password(),
            |_| Some("535 5.7.8 no".to_owned()),
            &["AUTH PLAIN"],
            Err(true),
        ),
        // Nothing was said of the credential.
        (
            "AUTH XOAUTH2",
            token(9),
            |_| Some("501 5.5.2 syntax".to_owned()),
            &["AUTH XOAUTH2", "AUTH XOAUTH2"],
            Err(false),
        ),
        (
            "AUTH LOGIN",
            password(),
            |_| Some("504 5.7.4 unrecognized".to_owned()),
            &["AUTH LOGIN"],
            Err(false),
        ),
        // It hangs up after the first no: that is what counts.
        (
            "AUTH PLAIN LOGIN",
            password(),
            |line| (!line.starts_with("AUTH LOGIN")).then(|| "535 5.7.8 no".to_owned()),
            &["AUTH PLAIN", "AUTH LOGIN"],
            Err(true),
        ),
        (
            "AUTH XOAUTH2",
            token(9),
            |line| (line != "AUTH XOAUTH2").then(|| "500 5.5.2 Line too long".to_owned()),
            &["AUTH XOAUTH2", "AUTH XOAUTH2"],
            Err(false),
        ),
    ];
    for (offered, credential, script, lines, expected) in cases {
        let (ended, told) = signed_in(offered, credential, script).await;
        assert_eq!(shape(&told), lines, "{offered}: {ended:?}");
        let ended = ended.map_err(|trouble| match trouble {
            SmtpError::Unauthorized { judged, .. } => judged,
            other => panic!("{other:?}"),
        });
        assert_eq!(ended, expected, "{offered} {told:?}");
    }
}

#[tokio::test]
async fn who_offers_nothing_is_told_so() {
    for (offered, words) in [("SIZE 10", "auth = false"), ("AUTH CRAM-MD5", "CRAM-MD5")] {
        let (ended, told) = signed_in(offered, password(), |_| None).await;
        let error = ended.unwrap_err().to_string();
        assert!(error.contains(words) && told.is_empty(), "{error}");
    }
}

#[tokio::test]
async fn what_a_server_quotes_of_the_sign_in_is_struck_out() {
    for credential in [token(40), token(2000), password()] {
        let (Credential::Bearer(secret) | Credential::Password(secret)) = credential.clone();
        let (ended, _) = signed_in("AUTH PLAIN LOGIN XOAUTH2", credential, |line| {
            if line.starts_with("AUTH ") && line.split(' ').count() == 2 {
                return Some("334 ".to_owned());
            }
            let cut: String = line.chars().take(900).collect();
            Some(format!("535-5.7.8 bad credentials: {cut}\r\n535 5.7.8 {cut}"))
        })
        .await;
        let error = ended.unwrap_err().to_string();
        assert!(error.contains("***"), "{error}");
        let encoded = STANDARD.encode(secret.expose_secret());
        for hidden in [secret.expose_secret(), &encoded, "dHR0dHR0"] {
            assert!(!error.contains(hidden), "{error}");
        }
    }
}
