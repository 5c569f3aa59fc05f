use std::{path::Path, sync::Arc, time::Instant};

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
    assert!(matches!(result, Err(ConnectError::Timeout { .. })), "{result:?}");
    assert!(started.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_closed_port_and_an_unknown_name_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let closed = tcp(&server("127.0.0.1", port), Duration::from_secs(5)).await;
    assert!(matches!(closed, Err(ConnectError::Connect { .. })), "{closed:?}");
    let unknown = tcp(&server("no-such-host.invalid", 993), Duration::from_secs(20)).await;
    assert!(
        matches!(
            unknown,
            Err(ConnectError::Resolve { .. } | ConnectError::Timeout { .. })
        ),
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
    assert!(matches!(result, Err(ConnectError::Tls { .. })), "{result:?}");
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
    assert!(matches!(
        tls::config(Some(file.path())),
        Err(ConnectError::CaFile { .. })
    ));
    assert!(matches!(
        tls::config(Some(Path::new("/no/such/file"))),
        Err(ConnectError::CaFile { .. })
    ));
}

/// Answers each request with 200, with the certificate of this authority.
async fn https(tls: &mailjob_testbed::Tls) -> u16 {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let chain = vec![CertificateDer::from_pem_file(&tls.cert).unwrap()];
    let key = PrivateKeyDer::from_pem_file(&tls.key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            // Who does not trust us hangs up.
            let Ok(mut stream) = acceptor.accept(socket).await else {
                continue;
            };
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            drop(tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await);
            drop(tokio::io::AsyncWriteExt::shutdown(&mut stream).await);
        }
    });
    port
}

#[tokio::test]
async fn a_rotated_ca_file_counts_for_the_next_connection_of_the_same_client() {
    let folder = tempfile::tempdir().unwrap();
    let authority = |name: &str| mailjob_testbed::Tls::new(&folder.path().join(name)).unwrap();
    let (old, new) = (authority("old"), authority("new"));
    let (port, rotated) = (https(&old).await, https(&new).await);
    let ca_file = folder.path().join("ca.pem");
    std::fs::copy(&old.ca, &ca_file).unwrap();
    let client = http::client(Some(&*ca_file)).unwrap();
    let ask = async |port: u16| client.get(format!("https://localhost:{port}/")).send().await;
    assert!(ask(port).await.unwrap().status().is_success());
    assert!(ask(rotated).await.is_err(), "its authority is not trusted yet");

    // As the kubelet does it: another file under the same name.
    std::fs::copy(&new.ca, folder.path().join("next")).unwrap();
    std::fs::rename(folder.path().join("next"), &ca_file).unwrap();
    assert!(ask(rotated).await.unwrap().status().is_success());

    std::fs::write(&ca_file, "torn").unwrap();
    assert!(ask(rotated).await.is_err(), "a broken file trusts nobody");
}
