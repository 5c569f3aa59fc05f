use std::time::Instant;

use tokio::net::TcpListener;

use super::*;
use crate::config::Tls;

fn server(host: &str, port: u16) -> Server {
    Server {
        host: host.into(),
        port,
        tls: Tls::Implicit,
    }
}

#[tokio::test]
async fn a_silent_server_ends_at_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let started = Instant::now();
    let result = connect(&server("127.0.0.1", port), None, Duration::from_millis(200)).await;
    assert!(matches!(result, Err(Error::Timeout { .. })), "{result:?}");
    assert!(started.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_closed_port_and_an_unknown_name_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let closed = tcp(&server("127.0.0.1", port), Duration::from_secs(5)).await;
    assert!(matches!(closed, Err(Error::Connect { .. })), "{closed:?}");
    let unknown = tcp(&server("no-such-host.invalid", 993), Duration::from_secs(20)).await;
    assert!(
        matches!(unknown, Err(Error::Resolve { .. } | Error::Timeout { .. })),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn a_server_without_tls_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let plain = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut socket, b"* OK hello\r\n")
            .await
            .unwrap();
        socket
    });
    let result = connect(&server("127.0.0.1", port), None, Duration::from_secs(5)).await;
    assert!(matches!(result, Err(Error::Tls { .. })), "{result:?}");
    drop(plain.await.unwrap());
}

#[test]
fn address_families_take_turns() {
    let order = reach::interleave(
        ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]
            .iter()
            .map(|a| a.parse().unwrap())
            .collect(),
    );
    let text: Vec<_> = order.iter().map(ToString::to_string).collect();
    assert_eq!(text, ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]);
}

#[test]
fn a_ca_file_without_a_certificate_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(tls::config(Some(file.path())), Err(Error::CaFile { .. })));
    assert!(matches!(
        tls::config(Some(Path::new("/no/such/file"))),
        Err(Error::CaFile { .. })
    ));
}
