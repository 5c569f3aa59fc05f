//! The receiving end of webhooks.

use std::time::{Duration, Instant};

use mailjob_testbed::{Answer, Receiver};

use crate::raw::Lines;

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_records_and_answers_as_told() {
    let answer = |request: &mailjob_testbed::Request| match request.number {
        0 => Answer::status(503).header("retry-after", "7"),
        _ => Answer::text(format!("{} bytes", request.body.len())).after(Duration::from_millis(200)),
    };
    let receiver = Receiver::start(answer).await.unwrap();
    let url = receiver.url("");
    let (_, port) = url.rsplit_once(':').unwrap();
    let mut http = Lines::plain(port.parse().unwrap()).await;
    // The line end that `ask` adds is the end of the body.
    let request = "POST /hook?a=b HTTP/1.1\r\nhost: x\r\nwebhook-id: 1\r\ncontent-length: 7\r\n\r\n{\"a\":";
    assert!(http.ask(request, &["HTTP/1.1 "]).await.starts_with("HTTP/1.1 503"));
    assert_eq!(http.until(&["retry-after"]).await, "retry-after: 7");
    let start = Instant::now();
    assert!(http.ask(request, &["HTTP/1.1 "]).await.starts_with("HTTP/1.1 200"));
    assert!(start.elapsed() >= Duration::from_millis(200));

    let requests = receiver.wait_for(2, Duration::from_secs(30)).await.unwrap();
    assert_eq!(
        (
            requests.len(),
            requests[0].path.as_str(),
            requests[1].header("Webhook-Id")
        ),
        (2, "/hook?a=b", "1")
    );
    assert_eq!(&requests[0].body[..], b"{\"a\":\r\n");
    assert!(receiver.wait_for(3, Duration::from_millis(50)).await.is_err());

    drop(receiver);
    http.until(&["7 bytes"]).await;
}
