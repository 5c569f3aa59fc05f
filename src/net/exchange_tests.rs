use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn posted(client: &HttpClient, url: &Url) -> (Result<Option<Bytes>, String>, Option<u16>) {
    let mut headers = HeaderMap::new();
    headers.insert("content-length", 4.into());
    let mut progress = AnswerProgress::default();
    let content = RequestBody::Bytes(Bytes::from_static(b"work"));
    let body = match client.post(url, headers, content, &mut progress).await {
        Ok(mut answer) => answer.body(10).await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    (body, progress.status().map(|status| status.as_u16()))
}

async fn listening() -> (TcpListener, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    (listener, Url::parse(&url).unwrap())
}

async fn read(peer: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"work") {
        assert!(peer.read_buf(&mut request).await.unwrap() > 0);
    }
    String::from_utf8(request).unwrap()
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_costs_nothing() {
    let (listener, url) = listening().await;
    let asked = tokio::spawn(async move {
        let mut asked = Vec::new();
        for words in [
            OK,
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 408 Idle\r\n\r\n",
            OK,
        ] {
            let (mut peer, _) = listener.accept().await.unwrap();
            asked.push(read(&mut peer).await);
            peer.write_all(words).await.unwrap();
            // It says its last words (HAProxy has 408 for who is idle) and leaves.
        }
        asked
    });
    let client = HttpClient::new(None, true).unwrap();
    for _ in 0..3 {
        let (body, status) = posted(&client, &url).await;
        assert_eq!((body.unwrap().as_deref(), status), (Some(&b"ok"[..]), Some(200)));
    }
    for request in asked.await.unwrap() {
        let authority = url.as_str().trim_start_matches("http://").trim_end_matches('/');
        assert!(
            request.starts_with("POST / HTTP/1.1\r\n") && request.contains(&format!("host: {authority}\r\n")),
            "{request}"
        );
    }
}

#[tokio::test]
async fn what_was_said_before_we_asked_is_no_answer() {
    let (listener, url) = listening().await;
    let client = HttpClient::new(None, true).unwrap();
    // Connected, and not asked yet.
    let server = server(&url).unwrap();
    let connection = client.connect(&server, Traffic::Http, None).await.unwrap();
    let (mut peer, _) = listener.accept().await.unwrap();
    peer.write_all(OK).await.unwrap();
    drop(listener);
    client.keep(url.origin().ascii_serialization(), connection);
    let (body, status) = posted(&client, &url).await;
    assert!(body.is_err() && status.is_none(), "{body:?} {status:?}");
}

#[tokio::test]
async fn a_name_in_the_private_network_is_refused_at_connect() {
    for url in ["http://localhost:9/", "http://127.0.0.1:9/", "http://[::1]:9/"] {
        let url = Url::parse(url).unwrap();
        let tried = async |allowed| {
            let client = HttpClient::new(None, allowed).unwrap();
            let content = RequestBody::Bytes(Bytes::new());
            client
                .post(&url, HeaderMap::new(), content, &mut AnswerProgress::default())
                .await
                .unwrap_err()
        };
        let refused = tried(false).await;
        assert!(matches!(refused, ExchangeError::PrivateNetwork(_)), "{refused:?}");
        let allowed = tried(true).await;
        assert!(matches!(allowed, ExchangeError::Connect(_)), "{allowed:?}");
    }
}
