//! Whatever an SMTP server sends, and in whatever pieces: a mail counts as taken only where its dot was answered so.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// What a server says of a mail: before it, while it comes, and after its dot; each maybe cut after so many bytes, and twice.
#[derive(Debug, Clone)]
struct Says {
    /// With the 354 already, before anything of the mail was read.
    early: Option<&'static str>,
    /// When the first bytes of the mail have come.
    amid: Option<&'static str>,
    /// To the dot.
    answer: &'static str,
    /// Bytes of that after which the connection ends.
    cut: Option<usize>,
    twice: bool,
}

const WORDS: &[&str] = &[
    "250 2.0.0 queued\r\n",
    "250",
    "2",
    "354 go\r\n",
    "421 4.3.2 bye\r\n",
    "554 5.7.1 no\r\n",
    "\r\n",
    "250-a\r\n250 b\r\n",
];

fn says() -> impl Strategy<Value = Says> {
    let word = || proptest::option::weighted(0.3, proptest::sample::select(WORDS));
    let answer = proptest::sample::select(
        &[
            "250 2.0.0 queued\r\n",
            "250-2.0.0 a\r\n250 2.0.0 b\r\n",
            "554 5.7.1 no\r\n",
            "451 4.3.0 later\r\n",
            "",
        ][..],
    );
    (
        word(),
        word(),
        answer,
        proptest::option::weighted(0.5, 0usize..24),
        any::<bool>(),
    )
        .prop_map(|(early, amid, answer, cut, twice)| Says {
            early,
            amid,
            answer,
            cut,
            twice,
        })
}

/// Plays one mail. What we took for its end, and whether the server really said yes to the dot.
async fn play(says: Says) -> (Result<SmtpReply, SmtpError>, bool) {
    let (near, far) = tokio::io::duplex(4 << 10);
    let yes = Arc::new(Mutex::new(false));
    let said = yes.clone();
    let server = tokio::spawn(async move {
        let (mut read, mut write) = tokio::io::split(far);
        let mut got = Vec::new();
        let mut piece = [0; 4096];
        let mut amid = says.amid;
        let mut begun = false;
        loop {
            let length = read.read(&mut piece).await.unwrap_or(0);
            if length == 0 {
                return;
            }
            got.extend_from_slice(&piece[..length]);
            if !begun && got.ends_with(b"DATA\r\n") {
                begun = true;
                got.clear();
                let go = format!("354 go\r\n{}", says.early.unwrap_or_default());
                if write.write_all(go.as_bytes()).await.is_err() {
                    return;
                }
                continue;
            }
            if let Some(word) = amid.take() {
                drop(write.write_all(word.as_bytes()).await);
            }
            if got.ends_with(b"\r\n.\r\n") {
                let mut answer = says.answer.as_bytes().to_vec();
                if says.twice {
                    answer.extend_from_slice(says.answer.as_bytes());
                }
                let whole = says.answer.len();
                answer.truncate(says.cut.unwrap_or(answer.len()));
                *said.lock().unwrap() = says.answer.starts_with("250") && answer.len() >= whole;
                drop(write.write_all(&answer).await);
                return;
            }
        }
    });
    let mut wire = SmtpConnection::new(near);
    let ended = async {
        let go = wire.command(SmtpStage::Data, "DATA").await?;
        assert_eq!(go.code, 354);
        wire.content(b"Subject: x\r\n\r\ntext\r\n").await
    };
    let ended = ended.await;
    drop(wire);
    server.await.unwrap();
    let yes = *yes.lock().unwrap();
    (ended, yes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn only_an_answer_to_the_dot_is_one(says in says()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let (ended, yes) = runtime.block_on(play(says.clone()));
        if let Ok(reply) = ended && reply.code == 250 {
            prop_assert!(yes, "{says:?}: {reply:?}");
            prop_assert!(says.early.is_none() && says.amid.is_none(), "{says:?}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn what_lies_there_is_no_answer_to_a_command() {
    for (early, words) in [
        ("250 2.0.0 ok\r\n", "250 2.0.0 ok"),
        ("421 4.4.2 timeout\r\n", "421 4.4.2"),
        ("25", "not asked"),
    ] {
        let (near, mut far) = tokio::io::duplex(1024);
        far.write_all(early.as_bytes()).await.unwrap();
        let mut wire = SmtpConnection::new(near);
        assert!(!wire.is_quiet());
        let answer = tokio::time::timeout(
            std::time::Duration::from_secs(60),
            wire.command(SmtpStage::Mail, "MAIL FROM:<>"),
        )
        .await
        .unwrap();
        let error = answer.unwrap_err();
        assert!(
            matches!(
                error,
                SmtpError::Unasked {
                    stage: SmtpStage::Mail,
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.to_string().contains(words), "{error}");
        let mut got = [0; 64];
        let nothing = tokio::time::timeout(std::time::Duration::from_millis(1), far.read(&mut got)).await;
        assert!(nothing.is_err(), "nothing was said");
    }
}
