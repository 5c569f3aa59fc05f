//! A network that one leaves by a proxy only: Tinyproxy and Dante. The servers' name is known to the proxies alone, so whatever arrives
//! went by them.

use std::time::Instant;

use mailjob_testbed::{
    APP_SECRET, Answer, FAR, Mailjob, OutProxy, PASSWORD, PROXY_PASSWORD, PROXY_USER, Receiver, TlsFront, World,
};

use crate::{
    doctor::said::{Said, run},
    letters::letter,
    program::{PATIENCE, REPLY, answered, processed, program, said},
};

const ADA: &str = "ada@example.test";
const BOB: &str = "bob@example.test";
const EVE: &str = "eve@example.test";

/// The world, as it lies behind the proxy.
struct Far {
    receiver: Receiver,
    hook: TlsFront,
    tokens: TlsFront,
}

impl Far {
    async fn new(world: &World) -> Self {
        let receiver = Receiver::start(|_| Answer::text("received")).await.unwrap();
        let hook = TlsFront::start(world, port(&receiver.url("/"))).await.unwrap();
        let tokens = TlsFront::start(world, port(&world.oauth.token_url())).await.unwrap();
        Self { receiver, hook, tokens }
    }

    /// Ada by IMAP with STARTTLS and an https webhook, Bob by POP3 and an http one, Eve by IMAP as an application.
    fn install(&self, world: &World, mailjob: &mut Mailjob) {
        let (ca, dovecot, postfix) = (world.tls.ca.display(), &world.dovecot, &world.postfix);
        let account = |user: &str, rest: &str| format!("user = \"{user}\"\nca_file = \"{ca}\"\n{rest}");
        let smtp = format!(
            "smtp = {{ host = \"{FAR}\", port = {}, tls = \"starttls\" }}",
            postfix.submission
        );
        let password = "password = { file = \"secrets/mail\" }";
        let imap = format!(
            "imap = {{ host = \"{FAR}\", port = {}, tls = \"starttls\" }}\n{smtp}\n{password}",
            dovecot.imap
        );
        let pop3 = format!(
            "pop3 = {{ host = \"{FAR}\", port = {} }}\n{smtp}\n{password}",
            dovecot.pop3s
        );
        let token = format!(
            "imap = {{ host = \"{FAR}\", port = {} }}\n{smtp}\nclient_id = \"app.{EVE}\"\nclient_secret = {{ file = \"secrets/app\" }}\n\
             oauth = {{ token_url = \"https://{FAR}:{}/token\", scopes = [\"mail\"], ca_file = \"{ca}\" }}",
            dovecot.imaps, self.tokens.port
        );
        mailjob.secret("mail", PASSWORD).unwrap();
        mailjob.secret("app", APP_SECRET).unwrap();
        mailjob.account_as("ada", &account(ADA, &imap)).unwrap();
        mailjob.account_as("bob", &account(BOB, &pop3)).unwrap();
        mailjob.account_as("eve", &account(EVE, &token)).unwrap();
        let secure = format!(
            "url = \"https://{FAR}:{}/ada?key=1\"\nca_file = \"{ca}\"",
            self.hook.port
        );
        let plain = |path: &str| format!("url = \"http://{FAR}:{}{path}\"", port(&self.receiver.url("/")));
        for (name, mailbox, hook) in [
            ("ada", "", secure),
            ("bob", "protocol = \"pop3\"\n", plain("/bob?key=2")),
            ("eve", "", plain("/eve")),
        ] {
            let settle = if name == "bob" {
                "[settle]\ndone = \"delete\"\n"
            } else {
                ""
            };
            let text = format!("[mailbox]\naccount = \"{name}\"\n{mailbox}[webhook]\n{hook}\n{REPLY}{settle}");
            mailjob.endpoint(name, &text).unwrap();
        }
    }

    /// A mail for each of them is done and answered.
    async fn work(&self, world: &World, mailjob: &mut Mailjob) {
        for user in [ADA, BOB, EVE] {
            world.dovecot.deliver(user, &letter(1)).await.unwrap();
        }
        mailjob.start().unwrap();
        answered(world, mailjob, 3).await;
        processed(world, mailjob, ADA, 1).await;
        processed(world, mailjob, EVE, 1).await;
        let mut paths: Vec<_> = self
            .receiver
            .requests()
            .into_iter()
            .map(|request| request.path)
            .collect();
        paths.sort();
        assert_eq!(paths, ["/ada?key=1", "/bob?key=2", "/eve"]);
        assert!(
            self.receiver
                .requests()
                .iter()
                .all(|request| request.headers.get("proxy-authorization").is_none())
        );
    }
}

fn port(url: &str) -> u16 {
    let (_, port) = url.rsplit_once(':').unwrap();
    port.split('/').next().unwrap().parse().unwrap()
}

fn net(mailjob: &mut Mailjob, lines: &str) {
    mailjob.service(&format!("[net]\n{lines}\n")).unwrap();
}

/// What doctor found of each way through the proxy.
async fn well(mailjob: &Mailjob, proxy: &str) {
    let report = run(mailjob, &["doctor", "--json"]).await;
    assert_eq!(report.code, 0, "{}{}\n{}", report.out, report.err, mailjob.log());
    let by_proxy = report.stage("proxy");
    // Three mailboxes, three servers for replies, three webhooks.
    assert_eq!(by_proxy.len(), 9, "{}", report.out);
    assert!(
        by_proxy
            .iter()
            .all(|finding| finding["detail"].as_str().unwrap().contains(proxy)),
        "{}",
        report.out
    );
    assert!(
        report.stage("dns").is_empty() && report.stage("tcp").is_empty(),
        "{}",
        report.out
    );
    assert!(
        mailjob.leaks(&format!("{}{}", report.out, report.err)).is_empty(),
        "{}",
        report.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_leaves_by_an_http_proxy_that_asks_who_we_are() {
    let world = World::start(Default::default()).await.unwrap();
    let proxy = OutProxy::tinyproxy(&world, true, &[]).await.unwrap();
    let far = Far::new(&world).await;
    let mut mailjob = program(&world);
    far.install(&world, &mut mailjob);
    // The name is the proxy's alone.
    let beside = run(&mailjob, &["doctor", "--json"]).await;
    beside.failed("dns", "IMAP", "can't be resolved", "DNS");
    mailjob.secret("proxy", PROXY_PASSWORD).unwrap();
    let address = format!("http://127.0.0.1:{}", proxy.port);
    net(
        &mut mailjob,
        &format!(
            "proxy = \"{address}\"\nproxy_user = \"{PROXY_USER}\"\nproxy_password = {{ file = \"secrets/proxy\" }}"
        ),
    );
    well(&mailjob, &address).await;
    far.work(&world, &mut mailjob).await;
    let log = proxy.log();
    for port in [
        world.dovecot.imap,
        world.dovecot.imaps,
        world.dovecot.pop3s,
        world.postfix.submission,
        far.tokens.port,
        far.hook.port,
    ] {
        assert!(log.contains(&format!("CONNECT {FAR}:{port} ")), "{port}: {log}");
    }
    assert!(
        log.contains(&format!(
            "POST http://{FAR}:{}/bob?key=2 ",
            port(&far.receiver.url("/"))
        )),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_leaves_by_a_socks_proxy_that_a_variable_names() {
    let world = World::start(Default::default()).await.unwrap();
    let proxy = OutProxy::dante(&world, true, 9).await.unwrap();
    let far = Far::new(&world).await;
    let mut mailjob = program(&world);
    far.install(&world, &mut mailjob);
    let address = format!("127.0.0.1:{}", proxy.port);
    mailjob.env(
        "ALL_PROXY",
        &format!("socks5h://{PROXY_USER}:{PROXY_PASSWORD}@{address}"),
    );
    // Registered as a secret: it may not turn up in what is printed.
    mailjob.secret("proxy", PROXY_PASSWORD).unwrap();
    well(&mailjob, &format!("socks5://{address} (ALL_PROXY)")).await;
    far.work(&world, &mut mailjob).await;
    let log = proxy.log();
    for port in [
        world.dovecot.imap,
        world.dovecot.pop3s,
        world.postfix.submission,
        far.tokens.port,
        far.hook.port,
    ] {
        assert!(log.contains(&format!(".{port}")), "{port}: {log}");
    }
}

/// What doctor says of Ada's mailbox, Eve's token and Ada's webhook.
async fn all_say(mailjob: &Mailjob, what: &str, cure: &str) {
    let report: Said = run(mailjob, &["doctor", "--json"]).await;
    report.failed("proxy", "IMAP", what, cure);
    report.failed("proxy", "SMTP", what, cure);
    report.failed("proxy", "webhook", what, cure);
    let credentials = report.stage("credential");
    let told = credentials
        .iter()
        .any(|finding| finding["detail"].as_str().unwrap().contains(what));
    assert!(told, "{what}: {}", report.out);
    assert!(mailjob.leaks(&report.out).is_empty(), "{}", report.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_proxy_says_no_to_is_told_with_its_cure() {
    let world = World::start(Default::default()).await.unwrap();
    let asks = OutProxy::tinyproxy(&world, true, &[]).await.unwrap();
    let narrow = OutProxy::tinyproxy(&world, false, &[443]).await.unwrap();
    let far = Far::new(&world).await;
    let socks = OutProxy::dante(&world, true, world.dovecot.imap).await.unwrap();
    let gone = world_port_that_nobody_has();
    let mut mailjob = program(&world);
    far.install(&world, &mut mailjob);
    mailjob.secret("proxy", "another-password-0815").unwrap();
    let named = |kind: &str, port: u16| format!("proxy = \"{kind}://127.0.0.1:{port}\"");
    let mine = format!("\nproxy_user = \"{PROXY_USER}\"\nproxy_password = {{ file = \"secrets/proxy\" }}");

    net(&mut mailjob, &named("http", gone));
    all_say(
        &mailjob,
        &format!("the proxy http://127.0.0.1:{gone} ([net] proxy) on the way to {FAR}:"),
        "proxy's host and port",
    )
    .await;
    net(&mut mailjob, &named("http", asks.port));
    all_say(&mailjob, "wants to know who connects", "proxy_user").await;
    net(&mut mailjob, &format!("{}{mine}", named("http", asks.port)));
    all_say(&mailjob, "wants to know who connects", "proxy_password").await;
    net(&mut mailjob, &named("http", narrow.port));
    all_say(&mailjob, "refuses to connect to", "administrator").await;
    net(&mut mailjob, &format!("{}{mine}", named("socks5", socks.port)));
    all_say(&mailjob, "wants to know who connects", "proxy_password").await;
    net(&mut mailjob, &named("http", socks.port));
    all_say(&mailjob, "the proxy http://", "socks5://").await;
    mailjob.secret("proxy", PROXY_PASSWORD).unwrap();
    net(&mut mailjob, &format!("{}{mine}", named("socks5", socks.port)));
    let report = run(&mailjob, &["doctor", "--json"]).await;
    report.failed(
        "proxy",
        &format!("IMAP {FAR}:{}", world.dovecot.imap),
        "refuses to connect to",
        "administrator",
    );

    // The program itself: the job waits, the mailbox says why, and all goes on when the proxy lets us.
    net(
        &mut mailjob,
        &format!("{}\nno_proxy = [\"{FAR}:1\"]", named("http", narrow.port)),
    );
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();
    mailjob.start().unwrap();
    let begun = Instant::now();
    said(
        &mailjob,
        &format!("refuses to connect to {FAR}:{}: 403", world.dovecot.imap),
        1,
    )
    .await;
    assert!(begun.elapsed() < PATIENCE);
}

fn world_port_that_nobody_has() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
