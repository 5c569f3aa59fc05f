use super::*;
use crate::{
    config::{AuthorizationServer, ClientProof, Cloud, Server, Tls},
    secret::SecretRef,
};

fn account(provider: Provider, grant: Grant, scopes: Option<&[&str]>) -> Account {
    let server = Server {
        host: "mail.example".into(),
        port: 993,
        tls: Tls::Implicit,
    };
    Account {
        name: "a".into(),
        sign_in: "a".into(),
        provider,
        user: "ada@example.com".into(),
        imap: Some(server.clone()),
        pop3: Some(server.clone()),
        smtp: Some(server),
        auth: Auth::OAuth(Box::new(OAuth {
            server: AuthorizationServer::Discover {
                issuer: "https://login.example".into(),
            },
            client_id: "id".into(),
            client: ClientProof::Public,
            scopes: scopes.map(|scopes| scopes.iter().map(|scope| (*scope).to_owned()).collect()),
            grant,
            ca_file: None,
            refresh_life: None,
        })),
        ca_file: None,
        client: None,
        from: None,
        pace: None,
        hello: None,
        smtp_auth: true,
    }
}

fn person() -> Grant {
    Grant::RefreshToken(None)
}

fn service_account() -> Grant {
    Grant::ServiceAccount {
        key: SecretRef::Env("KEY".into()),
    }
}

#[test]
fn the_least_is_asked_for() {
    use Protocol::{Imap, Pop3, Smtp};
    let microsoft = Provider::Microsoft(Cloud::Global);
    let government = Provider::Microsoft(Cloud::UsGovernment);
    let cases: &[(Provider, Grant, &[Protocol], &[&str])] = &[
        (
            microsoft,
            person(),
            &[Imap],
            &["https://outlook.office.com/IMAP.AccessAsUser.All", "offline_access"],
        ),
        (
            microsoft,
            person(),
            &[Pop3, Smtp],
            &[
                "https://outlook.office.com/POP.AccessAsUser.All",
                "https://outlook.office.com/SMTP.Send",
                "offline_access",
            ],
        ),
        (
            government,
            person(),
            &[Imap],
            &["https://outlook.office365.us/IMAP.AccessAsUser.All", "offline_access"],
        ),
        (
            microsoft,
            Grant::ClientCredentials,
            &[Imap, Smtp],
            &["https://outlook.office365.com/.default"],
        ),
        (Provider::Google, person(), &[Imap, Smtp], &["https://mail.google.com/"]),
        (
            Provider::Google,
            service_account(),
            &[Pop3],
            &["https://mail.google.com/"],
        ),
        (Provider::Other, person(), &[Imap], &[]),
    ];
    for (provider, grant, uses, scopes) in cases {
        let asked = account(*provider, grant.clone(), None).scopes(uses);
        assert_eq!(asked, *scopes, "{provider:?} {grant:?} {uses:?}");
        assert!(!asked.iter().any(|scope| scope.contains("graph.microsoft")));
        let written = account(*provider, grant.clone(), Some(&["mine"])).scopes(uses);
        assert_eq!(written, ["mine"]);
    }
}

#[test]
fn a_person_signs_in_for_many_mailboxes_and_a_service_account_for_one() {
    for (grant, shared) in [(person(), true), (service_account(), false)] {
        let one = account(Provider::Google, grant, None);
        let other = Account {
            user: "shared@example.com".into(),
            ..one.clone()
        };
        assert!(one.signs_in_like(&one.clone()));
        assert_eq!(one.signs_in_like(&other), shared);
        let elsewhere = Account {
            provider: Provider::Other,
            ..one.clone()
        };
        assert!(!one.signs_in_like(&elsewhere));
    }
}
