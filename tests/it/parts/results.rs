//! Names, texts and sizes of what goes back.

use mailjob_testbed::{Answer, Options, Receiver, World};
use serde_json::json;

use super::{program, replies, to};

#[tokio::test(flavor = "multi_thread")]
async fn results_have_predictable_names_and_fit() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| {
        let file = json!({ "name": "out.pdf", "media_type": "application/pdf", "content": "JVBERg==" });
        Answer::json(&json!({ "reply": { "text": "three", "files": [file, file, file] }, "data": { "id": 7 } }))
    })
    .await
    .unwrap();
    let same = format!(
        "[webhook]\nurl = \"{}\"\nallow_private_network = true",
        receiver.url("/")
    );
    let trip = r#"[command]
argv = ["/bin/sh", "-c", 'cp attachments/* out/; echo {\"said\": {\"text\": \"from JSON\"}}']
[output]
name = "{stem}.{ext}"
text = { json = "/said/text" }"#;
    let large = |policy: &str| {
        format!(
            "[command]\nargv = [\"/bin/sh\", \"-c\", \"head -c 30000 /dev/zero >out/a.bin; head -c 300 /dev/zero >out/b.bin; echo here\"]\n\
             [output]\nmax_size = \"2KiB\"\noversize = \"{policy}\"",
        )
    };
    let zip = large("zip").replace("2KiB", "12KiB");
    let endpoints = [
        ("same", same),
        ("trip", trip.to_owned()),
        ("refuse", large("refuse")),
        ("drop", large("drop")),
        ("zip", zip),
    ];
    let mailjob = program(&world, &endpoints).await;
    for (name, _) in &endpoints {
        let mail = to(name).attach("Scan 1.tar.gz", "application/gzip", b"packed");
        world
            .dovecot
            .deliver(&format!("{name}@example.test"), &mail.bytes())
            .await
            .unwrap();
    }
    let same = replies(&world, &mailjob, "same", 1).await;
    assert_eq!(
        (same[0].text.as_str(), same[0].names()),
        ("three", vec!["out.pdf", "out_1.pdf", "out_2.pdf"])
    );
    let trip = replies(&world, &mailjob, "trip", 1).await;
    assert_eq!(
        (trip[0].text.as_str(), trip[0].names()),
        ("from JSON", vec!["Scan 1.tar.gz"])
    );
    let refuse = replies(&world, &mailjob, "refuse", 1).await;
    assert!(
        refuse[0]
            .text
            .contains("The result has 40 KiB, and 2 KiB may be mailed."),
        "{refuse:?}"
    );
    let drop = replies(&world, &mailjob, "drop", 1).await;
    assert_eq!(drop[0].names(), ["b.bin"]);
    assert_eq!(
        drop[0].text,
        "here\n\nLeft out, because it is too large for a mail:\n  a.bin (29 KiB)"
    );
    let zip = replies(&world, &mailjob, "zip", 1).await;
    assert_eq!(
        (zip[0].names(), &zip[0].files[0].1[..2]),
        (vec!["Scan 1.tar.zip"], &b"PK"[..])
    );
}
