//! Clients that prove who they are by something signed: a certificate, another issuer's token, a service account's key.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Result;
use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::{Value, json};

use super::{OAuth, text};

/// A certificate with its key, as an operator has them: two PEM texts.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The self-signed certificate.
    pub certificate: String,
    /// Its RSA key, PKCS#8.
    pub key: String,
}

/// Another issuer's word for a client: Microsoft's workload identity with a Kubernetes API server.
#[derive(Debug, Clone)]
pub struct Federation {
    /// The issuer's RSA key, PKCS#8.
    pub key: String,
    issuer: String,
    subject: String,
}

/// The audience of a token that is for Microsoft's token endpoint.
const EXCHANGE: &str = "api://AzureADTokenExchange";

impl Federation {
    /// The claims of a projected service account token that ends `life` seconds from now, or did so already.
    #[must_use]
    pub fn claims(&self, life: i64) -> Value {
        let now = now();
        json!({
            "iss": self.issuer,
            "sub": self.subject,
            "aud": [EXCHANGE],
            "iat": now.min(now + life - 1),
            "nbf": now.min(now + life - 1),
            "exp": now + life,
        })
    }
}

/// A Google-like service account that may act for every user of a domain (domain-wide delegation).
#[derive(Debug, Clone)]
pub struct ServiceAccount {
    /// `client_email`: its name.
    pub email: String,
    /// Its RSA key, PKCS#8.
    pub key: String,
    /// `private_key_id`: the name of the key.
    pub key_id: String,
    token_url: String,
}

impl ServiceAccount {
    /// Writes the JSON file that Google gives out for a service account's key, for its owner's eyes only.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let json = json!({
            "type": "service_account",
            "project_id": "testbed",
            "private_key_id": self.key_id,
            "private_key": self.key,
            "client_email": self.email,
            "client_id": "100000000000000000001",
            "token_uri": self.token_url,
        });
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
        Ok(file.write_all(json.to_string().as_bytes())?)
    }

    /// The claims of an assertion for the mailbox of `user` that lives 3,600 s.
    #[must_use]
    pub fn claims(&self, user: &str) -> Value {
        let now = now();
        json!({
            "iss": self.email,
            "sub": user,
            "scope": "https://mail.google.com/",
            "aud": self.token_url,
            "iat": now,
            "exp": now + 3600,
        })
    }
}

impl OAuth {
    /// Registers an application that proves by a certificate who it is, as Microsoft wants it (PS256, `x5t#S256` in the
    /// header), and may act for `user`, or for whoever signs in. Makes the certificate.
    ///
    /// # Errors
    /// When the server doesn't answer.
    pub async fn register_certificate(&self, client: &str, user: &str) -> Result<Certificate> {
        let made = self.certificate().await?;
        let body = json!({ "client": client, "user": user, "certificate": made.certificate });
        self.testbed("certificate", body).await?;
        Ok(made)
    }

    /// A certificate that nobody registered.
    ///
    /// # Errors
    /// When the server, which makes the key, doesn't answer.
    pub async fn certificate(&self) -> Result<Certificate> {
        let key = self.rsa_key().await?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Mailjob");
        let certificate = params.self_signed(&KeyPair::from_pem(&key)?)?.pem();
        Ok(Certificate { certificate, key })
    }

    /// Registers an application that may act for `user` and for which a Kubernetes API server vouches: with a token of the
    /// service account `account` in `namespace`, for the audience of Microsoft's token exchange.
    ///
    /// # Errors
    /// When the server doesn't answer.
    pub async fn register_federation(
        &self,
        client: &str,
        user: &str,
        namespace: &str,
        account: &str,
    ) -> Result<Federation> {
        let federation = Federation {
            key: self.rsa_key().await?,
            issuer: "https://kubernetes.default.svc.cluster.local".to_owned(),
            subject: format!("system:serviceaccount:{namespace}:{account}"),
        };
        let Federation { key, issuer, subject } = &federation;
        let body = json!({
            "client": client, "user": user, "issuer": issuer, "subject": subject, "audience": EXCHANGE, "key": key,
        });
        self.testbed("federation", body).await?;
        Ok(federation)
    }

    /// A projected service account token, as the kubelet writes it into a file; it ends `life` seconds from now, or did so
    /// already.
    ///
    /// # Errors
    /// When the server, which signs it, doesn't answer.
    pub async fn federated_token(&self, federation: &Federation, life: i64) -> Result<String> {
        let header = json!({ "alg": "RS256", "kid": "kubernetes" });
        self.sign(&federation.key, header, federation.claims(life)).await
    }

    /// Registers a service account that may act for the users of `domain`.
    ///
    /// # Errors
    /// When the server doesn't answer.
    pub async fn register_service_account(&self, email: &str, domain: &str) -> Result<ServiceAccount> {
        let account = ServiceAccount {
            email: email.to_owned(),
            key: self.rsa_key().await?,
            key_id: format!("{:016x}", fastrand::u64(..)),
            token_url: self.token_url(),
        };
        let body = json!({ "email": email, "key": account.key, "key_id": account.key_id, "domains": [domain] });
        self.testbed("service-account", body).await?;
        Ok(account)
    }

    /// A JWT with this header and these claims, signed by the algorithm that the header names.
    ///
    /// # Errors
    /// When the key isn't for that algorithm.
    pub async fn sign(&self, key: &str, header: Value, claims: Value) -> Result<String> {
        let body = json!({ "key": key, "header": header, "claims": claims });
        text(&self.testbed("sign", body).await?, "jwt")
    }

    async fn rsa_key(&self) -> Result<String> {
        text(&self.testbed("rsa-key", json!({})).await?, "key")
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
