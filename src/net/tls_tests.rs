//! Real handshakes over loopback: whom we trust, what proves us, and what is said where there is no TLS to be had.

use std::{io, path::Path, process::Stdio, sync::Arc};

use mailjob_testbed::Pair;
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
};

use super::*;
use crate::{
    config::{ClientCertificate, Tls},
    secret::SecretRef,
};

/// How long a handshake may take on a machine with much to do.
const PATIENCE: Duration = Duration::from_secs(60);

fn chain(file: &Path) -> Vec<CertificateDer<'static>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).unwrap().collect();
    found.unwrap()
}

/// A server with this certificate; with `clients` it takes only whom that one has certified.
async fn server(pair: &Pair, clients: Option<&Path>, alpn: &[&[u8]]) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(chain(ca));
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::from_pem_file(&pair.key).unwrap();
    let mut config = builder.with_single_cert(chain(&pair.cert), key).unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Who does not trust the server hangs up.
                let mut request = [0; 10_000];
                let mut stream = match acceptor.accept(socket).into_fallible().await {
                    Ok(stream) => stream,
                    // What was sent already is read, or the alert would be lost with the connection.
                    Err((_, mut socket)) => {
                        while let Ok(1..) = socket.read(&mut request).await {}
                        return;
                    }
                };
                drop(stream.read(&mut request).await);
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
                drop(stream.write_all(answer).await);
                drop(stream.read(&mut request).await);
            });
        }
    });
    port
}

fn at(host: &str, port: u16) -> Server {
    Server {
        host: host.to_owned(),
        port,
        tls: Tls::Implicit,
    }
}

/// What becomes of a connection: its error with the cure.
async fn tried(host: &str, port: u16, files: TlsFiles<'_>) -> Result<Stream, String> {
    let connected = connect(&at(host, port), files, PATIENCE).await;
    connected.map_err(|error| format!("{error}; {}", error.cure()))
}

/// The same by an HTTP client.
async fn asked(port: u16, files: TlsFiles<'_>) -> Result<String, String> {
    let client = http::client(files).map_err(|error| error.to_string())?;
    let answer = client.get(format!("https://localhost:{port}/")).send().await;
    let answer = answer.map_err(|error| tls_cure(&error).unwrap_or("no word of TLS").to_owned())?;
    answer.text().await.map_err(|error| error.to_string())
}

fn trusting(file: &Path) -> TlsFiles<'_> {
    Some(file).into()
}

#[tokio::test]
async fn a_certificate_that_the_operator_named_is_trusted_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Pair::self_signed(&folder.path().join("a"), "bridge", &["localhost", "127.0.0.1"]).unwrap();
    let other = Pair::self_signed(&folder.path().join("b"), "bridge", &["localhost", "127.0.0.1"]).unwrap();
    let port = server(&ours, None, &[]).await;
    for host in ["localhost", "127.0.0.1"] {
        tried(host, port, trusting(&ours.cert)).await.unwrap();
    }
    assert_eq!(asked(port, trusting(&ours.cert)).await.unwrap(), "hi");
    // Another one of the same subject and names is another one, and the advice is not to do what was done.
    let refused = tried("localhost", port, trusting(&other.cert)).await.unwrap_err();
    assert!(refused.contains("signed by itself (CN=bridge)"), "{refused}");
    assert!(refused.contains("ca_file holds other certificates"), "{refused}");
    let refused = asked(port, trusting(&other.cert)).await.unwrap_err();
    assert!(refused.contains("ca_file holds other certificates"), "{refused}");
    let refused = tried("localhost", port, TlsFiles::default()).await.unwrap_err();
    assert!(refused.contains("name it in ca_file"), "{refused}");
}

#[tokio::test]
async fn a_named_certificate_counts_for_its_names_and_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = Pair::self_signed(&folder.path().join("a"), "localhost", &["bridge.example"]).unwrap();
    let refused = tried(
        "localhost",
        server(&elsewhere, None, &[]).await,
        trusting(&elsewhere.cert),
    )
    .await;
    let refused = refused.unwrap_err();
    assert!(
        refused.contains("bridge.example") && refused.contains("host name"),
        "{refused}"
    );
    // `openssl req -x509 -subj /CN=localhost` has no alternative name.
    let bare = Pair::self_signed(&folder.path().join("b"), "localhost", &[]).unwrap();
    let port = server(&bare, None, &[]).await;
    tried("localhost", port, trusting(&bare.cert)).await.unwrap();
    assert!(tried("127.0.0.1", port, trusting(&bare.cert)).await.is_err());
    let over = Pair::expired(&folder.path().join("c"), "localhost").unwrap();
    let refused = tried("localhost", server(&over, None, &[]).await, trusting(&over.cert)).await;
    assert!(refused.unwrap_err().contains("renewed"));
}

#[tokio::test]
async fn a_missing_intermediate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, root) = Pair::by_intermediate(&folder.path().join("a"), true).unwrap();
    tried("localhost", server(&whole, None, &[]).await, trusting(&root))
        .await
        .unwrap();
    let (bare, root) = Pair::by_intermediate(&folder.path().join("b"), false).unwrap();
    let refused = tried("localhost", server(&bare, None, &[]).await, trusting(&root)).await;
    let refused = refused.unwrap_err();
    for words in [
        "Mailjob testbed intermediate",
        "intermediate is missing",
        "fullchain.pem",
    ] {
        assert!(refused.contains(words), "{refused}");
    }
}

#[tokio::test]
async fn a_client_s_certificate_is_shown_where_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let authority = mailjob_testbed::Tls::new(&folder.path().join("server")).unwrap();
    let (us, root) = Pair::by_intermediate(&folder.path().join("us"), true).unwrap();
    let (strange, _) = Pair::by_intermediate(&folder.path().join("strange"), true).unwrap();
    let pair = Pair {
        cert: authority.cert.clone(),
        key: authority.key.clone(),
    };
    let port = server(&pair, Some(&root), &[b"http/1.1"]).await;
    let proven = |pair: &Pair| ClientCertificate {
        cert: pair.cert.clone(),
        key: SecretRef::File(pair.key.clone()),
    };
    let (ours, strangers) = (proven(&us), proven(&strange));
    let files = |client| TlsFiles {
        ca_file: Some(&authority.ca),
        client,
    };
    let mut stream = tried("localhost", port, files(Some(&ours))).await.unwrap();
    assert_eq!(stream.first_words(Duration::from_millis(1)).await, FirstWords::Fine);
    assert_eq!(asked(port, files(Some(&ours))).await.unwrap(), "hi");

    // With TLS 1.3 it is said after the handshake.
    let mut stream = tried("localhost", port, files(None)).await.unwrap();
    let FirstWords::Ends(Some(cure)) = stream.first_words(PATIENCE).await else {
        panic!("it was let in")
    };
    assert!(cure.contains("tls = { cert"), "{cure}");
    let refused = asked(port, files(None)).await.unwrap_err();
    assert!(refused.contains("tls = { cert"), "{refused}");
    let refused = asked(port, files(Some(&strangers))).await.unwrap_err();
    assert!(refused.contains("does not take our client's certificate"), "{refused}");

    // Both files are read anew: a rotated pair counts for the next connection of the same client.
    let client = http::client(files(Some(&strangers))).unwrap();
    let ask = async || client.get(format!("https://localhost:{port}/")).send().await;
    assert!(ask().await.is_err());
    std::fs::copy(&us.cert, &strange.cert).unwrap();
    std::fs::copy(&us.key, &strange.key).unwrap();
    assert!(ask().await.unwrap().status().is_success());
}

#[tokio::test]
async fn a_client_s_certificate_that_can_t_be_used_is_said() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let one = Pair::self_signed(&folder.path().join("a"), "one", &["one"]).unwrap();
    let two = Pair::self_signed(&folder.path().join("b"), "two", &["two"]).unwrap();
    let refused = |cert: &Path, key: &Path| {
        let client = ClientCertificate {
            cert: cert.to_owned(),
            key: SecretRef::File(key.to_owned()),
        };
        let files = TlsFiles {
            ca_file: None,
            client: Some(&client),
        };
        tls::config(files).unwrap_err().to_string()
    };
    assert!(refused(&one.cert, &two.key).contains("does not go with its key"));
    assert!(refused(&one.key, &one.key).contains("no certificate"));
    assert!(refused(&one.cert, Path::new("/no/such/key")).contains("/no/such/key"));
    std::fs::set_permissions(&one.key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(refused(&one.cert, &one.key).contains("chmod 600"), "as every secret");
}

#[tokio::test]
async fn a_server_of_http_2_alone_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let pair = Pair::self_signed(folder.path(), "localhost", &["localhost"]).unwrap();
    let port = server(&pair, None, &[b"h2"]).await;
    let socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let refused = upgrade_http(socket, &at("localhost", port), trusting(&pair.cert), PATIENCE).await;
    assert!(refused.unwrap_err().cure().contains("HTTP/2 only"));
    assert!(
        asked(port, trusting(&pair.cert))
            .await
            .unwrap_err()
            .contains("HTTP/2 only")
    );
}

/// OpenSSL's own server, as old as these options make it.
async fn openssl(pair: &Pair, options: &[&str]) -> io::Result<(Child, u16)> {
    let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let mut child = Command::new("openssl")
        .args(["s_server", "-accept", &format!("127.0.0.1:{port}"), "-cert"])
        .arg(&pair.cert)
        .arg("-key")
        .arg(&pair.key)
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?).lines();
    while let Some(line) = lines.next_line().await? {
        if line.contains("ACCEPT") {
            break;
        }
    }
    // Its words are read on, so that it never waits for us.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok((child, port))
}

#[tokio::test]
async fn a_server_with_outdated_tls_only_is_said_to_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let pair = folder.path().join("rsa");
    std::fs::create_dir(&pair).unwrap();
    let pair = Pair {
        cert: pair.join("cert.pem"),
        key: pair.join("key.pem"),
    };
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-keyout",
        ])
        .arg(&pair.key)
        .arg("-out")
        .arg(&pair.cert)
        .stderr(Stdio::null())
        .status();
    assert!(made.await.unwrap().success());
    for options in [
        &["-tls1_2", "-cipher", "AES128-SHA"][..],
        &["-tls1_2", "-cipher", "AES256-GCM-SHA384"],
        &["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"],
        &["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA"],
        &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        &["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
    ] {
        let (child, port) = openssl(&pair, options).await.unwrap();
        let refused = tried("localhost", port, trusting(&pair.cert)).await.unwrap_err();
        assert!(refused.contains("outdated TLS"), "{options:?}: {refused}");
        drop(child);
    }
    let (_child, port) = openssl(&pair, &["-tls1_2"]).await.unwrap();
    tried("localhost", port, trusting(&pair.cert)).await.unwrap();
}

#[tokio::test]
async fn a_server_that_waits_for_tls_is_named_and_a_late_greeting_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pair = Pair::self_signed(folder.path(), "bridge", &["localhost"]).unwrap();
    let short = Duration::from_millis(50);
    let starttls = |port| Server {
        tls: Tls::StartTls,
        ..at("localhost", port)
    };
    // Nobody need trust its certificate to see that it speaks TLS.
    let server = starttls(server(&pair, None, &[]).await);
    let socket = tcp(&server, PATIENCE).await.unwrap();
    let error = silence::heard_within(&socket, &server, short).await.unwrap_err();
    let words = with_cure(&error);
    assert!(matches!(error, ConnectError::WaitsForTls { .. }), "{error:?}");
    assert!(
        words.contains("TLS from the first byte") && words.contains("implicit"),
        "{words}"
    );

    // One that greets late, and whoever speaks before it is told something that is no TLS.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let late = starttls(listener.local_addr().unwrap().port());
    let greets = tokio::spawn(async move {
        let (mut first, _) = listener.accept().await.unwrap();
        let (mut beside, _) = listener.accept().await.unwrap();
        beside
            .write_all(b"554 5.5.1 speak when you are spoken to\r\n")
            .await
            .unwrap();
        first.write_all(b"220 here I am\r\n").await.unwrap();
        (first, beside)
    });
    let socket = tcp(&late, PATIENCE).await.unwrap();
    silence::heard_within(&socket, &late, short).await.unwrap();
    drop(greets.await.unwrap());
}
