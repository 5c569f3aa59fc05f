//! Mails that OpenSSL signed and encrypted are read as far as anybody can read them.

use std::{fs, path::Path, process::Command};

use mailjob::{config::Limits, message};

const INNER: &str = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nPlease pay.\r\n--b\r\nContent-Type: application/pdf; name=invoice.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\n--b--\r\n";

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What is read of a mail: its scheme of encryption and of signature, its text, and its files with their bytes.
async fn read(folder: &Path, name: &str) -> (Option<String>, Option<String>, String, Vec<(String, usize)>) {
    let mail = fs::read_to_string(folder.join(name)).unwrap();
    let mail = format!("From: Ann <ann@a.example>\r\nSubject: Invoice\r\n{mail}");
    let read = message::read(mail.into(), Limits::default(), |mail| {
        assert_eq!(mail.head().subject, "Invoice");
        let scheme = |scheme: Option<message::Scheme>| scheme.map(|scheme| scheme.name().to_owned());
        let files = mail.attachments();
        let files = files.iter().map(|file| (file.safe_name.clone(), file.data().len()));
        let text = mail.text().unwrap_or_default().trim().to_owned();
        (scheme(mail.encrypted()), scheme(mail.signed()), text, files.collect())
    });
    read.await.unwrap()
}

#[tokio::test]
async fn what_openssl_signed_is_read_and_what_it_encrypted_is_recognised() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("inner"), INNER).unwrap();
    openssl(
        folder,
        "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=ann@a.example",
    );
    let sign = "cms -sign -binary -signer cert.pem -inkey key.pem";
    openssl(folder, &format!("{sign} -nodetach -in inner -out opaque"));
    openssl(folder, &format!("{sign} -nodetach -stream -in inner -out streamed"));
    openssl(folder, &format!("{sign} -nodetach -in opaque -out twice"));
    openssl(folder, &format!("{sign} -in inner -out clear"));
    openssl(folder, "cms -encrypt -binary -aes256 -in inner -out encrypted cert.pem");
    let smime = || Some("smime".to_owned());
    let text = || "Please pay.".to_owned();
    let files = || vec![("invoice.pdf".to_owned(), 9)];
    for name in ["opaque", "streamed", "twice", "clear"] {
        assert_eq!(read(folder, name).await, (None, smime(), text(), files()), "{name}");
    }
    let (encrypted, signed, text, files) = read(folder, "encrypted").await;
    assert_eq!((encrypted, signed, text.as_str()), (smime(), None, ""));
    assert_eq!(files.len(), 1);
}
