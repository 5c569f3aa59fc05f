use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn routes(net: &Net, variables: &[(&str, &str)]) -> Routes {
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    Routes::of(net, |name| variables.get(name).map(|value| (*value).to_owned()))
}

/// By whom each kind of traffic leaves, towards this server.
fn ways(routes: &Routes, host: &str, port: u16) -> [String; 3] {
    [Traffic::Https, Traffic::Http, Traffic::Mail].map(|traffic| match routes.via(traffic, host, port) {
        Ok(None) => "direct".to_owned(),
        Ok(Some(via)) => via.to_string(),
        Err(error) => error.to_string(),
    })
}

#[test]
fn variables_count_as_elsewhere() {
    let none = ["direct", "direct", "direct"];
    for (variables, expected) in [
        (&[][..], none),
        (&[("HTTPS_PROXY", "")], none),
        (
            &[("HTTPS_PROXY", "http://p:1")],
            ["http://p:1 (HTTPS_PROXY)", "direct", "direct"],
        ),
        (
            &[("http_proxy", "p:1"), ("ALL_PROXY", "socks5h://s")],
            [
                "socks5://s:1080 (ALL_PROXY)",
                "http://p:1 (HTTP_PROXY)",
                "socks5://s:1080 (ALL_PROXY)",
            ],
        ),
        (
            &[
                ("https_proxy", "http://ada:hu%40sh@p:1"),
                ("HTTPS_PROXY", "http://other:2"),
            ],
            ["http://p:1 (HTTPS_PROXY)", "direct", "direct"],
        ),
        (
            &[
                ("ALL_PROXY", "http://p:1"),
                ("NO_PROXY", "other.test, .example.com,10.0.0.0/8"),
            ],
            none,
        ),
        (&[("ALL_PROXY", "http://p:1"), ("no_proxy", "*")], none),
    ] {
        assert_eq!(
            ways(&routes(&Net::default(), variables), "imap.example.com", 993),
            expected,
            "{variables:?}"
        );
    }
}

#[test]
fn the_configuration_goes_before_the_environment() {
    let variables = [("ALL_PROXY", "http://p:1"), ("NO_PROXY", "erp.example")];
    let proxy = ProxyChoice::Through(Proxy::at("socks5://q:2").unwrap());
    let configured = Net { proxy, no_proxy: None };
    let by = "socks5://q:2 ([net] proxy)";
    assert_eq!(ways(&routes(&configured, &variables), "imap.example", 993), [by; 3]);
    assert_eq!(
        ways(&routes(&configured, &variables), "erp.example", 443),
        ["direct"; 3]
    );
    let no_proxy = Some(vec!["imap.example:993".parse().unwrap()]);
    let own_list = Net { no_proxy, ..configured };
    assert_eq!(ways(&routes(&own_list, &variables), "erp.example", 443), [by; 3]);
    assert_eq!(ways(&routes(&own_list, &variables), "imap.example", 993), ["direct"; 3]);
    let proxy = ProxyChoice::None;
    let none = Net { proxy, no_proxy: None };
    assert_eq!(ways(&routes(&none, &variables), "imap.example", 993), ["direct"; 3]);
    assert!(routes(&none, &variables).told().is_empty());
}

#[test]
fn nothing_leaves_beside_a_variable_that_can_t_be_used_and_no_password_is_shown() {
    for value in [
        "https://p:1",
        "ftp://p",
        "http://",
        "http://ada:hush@",
        "socks4://p:1",
        "ht tp",
    ] {
        let routes = routes(&Net::default(), &[("ALL_PROXY", value)]);
        for way in ways(&routes, "imap.example", 993) {
            assert!(way.contains("ALL_PROXY") && way.contains("imap.example:993"), "{way}");
            assert!(!way.contains("hush"), "{way}");
        }
        assert_eq!(ways(&routes, "localhost", 993), ["direct"; 3]);
    }
    let routes = routes(&Net::default(), &[("ALL_PROXY", "http://ada:hush@p:1")]);
    let shown = format!("{routes:?} {:?}", routes.told());
    assert!(!shown.contains("hush") && shown.contains("p:1"), "{shown}");
    let via = routes.via(Traffic::Mail, "imap.example", 993).unwrap().unwrap();
    let proof = via.authorization().unwrap().unwrap();
    assert_eq!(proof, "Basic YWRhOmh1c2g=");
    assert!(!format!("{proof:?}").contains("YWRh"));
    assert_eq!(via.url().unwrap().as_str(), "http://ada:hush@p:1/");
}

#[test]
fn what_a_proxy_says_is_told_apart_by_who_must_act() {
    let of = |trouble| ProxyError {
        proxy: "http://p:1 (HTTPS_PROXY)".to_owned(),
        server: "imap.example:993".to_owned(),
        trouble,
    };
    for (status, needs_person, cure) in [
        (407, true, "proxy_password"),
        (401, true, "proxy_password"),
        (403, true, "administrator"),
        (405, true, "administrator"),
        (302, true, "administrator"),
        (408, false, "log"),
        (429, false, "log"),
        (500, false, "log"),
        (503, false, "log"),
    ] {
        let error = of(ProxyTrouble::of_status(status, &format!("HTTP/1.1 {status} Said so")));
        assert_eq!(error.needs_person(), needs_person, "{error}");
        assert!(error.cure().contains(cure), "{error}: {}", error.cure());
        let words = error.to_string();
        for part in [
            "http://p:1 (HTTPS_PROXY)",
            "imap.example:993",
            &format!("{status} Said so"),
        ] {
            assert!(words.contains(part), "{words}");
        }
    }
    for (said, needs_person) in [
        (tokio_socks::Error::ConnectionNotAllowedByRuleset, true),
        (tokio_socks::Error::PasswordAuthFailure(1), true),
        (tokio_socks::Error::NoAcceptableAuthMethods, true),
        (tokio_socks::Error::InvalidResponseVersion, true),
        (tokio_socks::Error::HostUnreachable, false),
        (tokio_socks::Error::GeneralSocksServerFailure, false),
        (
            tokio_socks::Error::Io(std::io::ErrorKind::ConnectionReset.into()),
            false,
        ),
    ] {
        let error = of(ProxyTrouble::of_socks(said));
        assert_eq!(error.needs_person(), needs_person, "{error}");
    }
}

proptest! {
    #[test]
    fn this_machine_is_never_reached_by_a_proxy(last: u8, port: u16, name in "[a-z]{1,8}") {
        let routes = routes(&Net::default(), &[("ALL_PROXY", "http://p:1")]);
        let hosts = [format!("127.0.0.{last}"), format!("::ffff:127.1.0.{last}"), "::1".to_owned(), format!("{name}.localhost."), "LocalHost".to_owned()];
        for host in hosts {
            prop_assert_eq!(ways(&routes, &host, port), ["direct"; 3]);
        }
        prop_assert!(ways(&routes, &name, port).iter().all(|way| way.starts_with("http://p:1")));
    }

    #[test]
    fn whatever_a_variable_holds_a_password_in_it_is_not_told(user in "[a-z]{1,5}", password in "[A-Z]{12,20}", place in "[a-z:/@. 0-9]{0,12}") {
        let value = format!("http://{user}:{password}@{place}");
        let routes = routes(&Net::default(), &[("ALL_PROXY", &value)]);
        let shown = format!("{:?} {routes:?} {:?}", ways(&routes, "imap.example", 993), routes.told());
        prop_assert!(!shown.contains(&password), "{}", shown);
    }
}

#[test]
fn a_password_in_a_variable_is_struck_out_of_anything() {
    let net = Net::default();
    routes(&net, &[("HTTPS_PROXY", "http://ada:proxy%2Dcanary%40%31@p:1")]);
    routes(&net, &[("ALL_PROXY", "gopher://ada:another-proxy-canary@p:1")]);
    for (said, left) in [
        ("407 for ada:proxy-canary@1", "407 for ada:***"),
        ("http://ada:proxy%2Dcanary%40%31@p:1", "http://ada:***@p:1"),
        ("gopher://ada:another-proxy-canary@p:1", "gopher://ada:***@p:1"),
    ] {
        assert_eq!(secret::known::strike(said), left);
    }
}
