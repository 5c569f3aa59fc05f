//! Several endpoints on one mailbox, through the whole program.

use std::time::{Duration, Instant};

use mailjob_testbed::{Answer, Mailjob, Options, Receiver, SignIn, Start, World};

pub(crate) const USER: &str = "ada@example.test";
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A mail of its own number.
pub(crate) fn mail(number: usize, subject: &str, to: &str) -> Vec<u8> {
    format!(
        "From: Sender <sender@example.test>\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{number}@example.test>\r\n\r\nHello\r\n"
    )
    .into_bytes()
}

/// An endpoint of ada's that tells the receiver at its name; `mailbox` and what follows are further lines.
pub(crate) fn endpoint(receiver: &Receiver, name: &str, mailbox: &str, more: &str) -> String {
    let url = receiver.url(&format!("/{name}"));
    format!(
        "[mailbox]\naccount = \"ada\"\n{mailbox}\n[webhook]\nurl = \"{url}\"\nallow_private_network = true\n{more}\n"
    )
}

/// An installation with ada's account, and who hears of her mails.
pub(crate) struct Scene {
    pub(crate) mailjob: Mailjob,
    pub(crate) world: World,
    pub(crate) receiver: Receiver,
}

impl Scene {
    pub(crate) async fn new(start: Start) -> Self {
        let world = World::start(Options::default()).await.unwrap();
        let receiver = Receiver::start(|_| Answer::text("ok")).await.unwrap();
        let mut mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
        mailjob
            .account(&world, "ada", USER, SignIn::Password, start)
            .await
            .unwrap();
        Self {
            mailjob,
            world,
            receiver,
        }
    }

    pub(crate) fn add(&self, name: &str, mailbox: &str, more: &str) {
        self.mailjob
            .endpoint(name, &endpoint(&self.receiver, name, mailbox, more))
            .unwrap();
    }

    pub(crate) async fn deliver(&self, mails: &[Vec<u8>]) {
        self.world.dovecot.deliver_all(USER, mails).await.unwrap();
    }

    pub(crate) async fn run(&mut self) {
        self.mailjob.start().unwrap();
        self.mailjob.ready().await.unwrap();
    }

    /// What every endpoint was told, in order: `/name subject`.
    pub(crate) async fn told(&self, count: usize) -> Vec<String> {
        let requests = self.receiver.wait_for(count, PATIENCE).await;
        let requests = requests.unwrap_or_else(|error| panic!("{error}\n{}", self.mailjob.log()));
        let subject =
            |request: &mailjob_testbed::Request| request.json()["mail"]["subject"].as_str().unwrap().to_owned();
        let mut told: Vec<_> = requests
            .iter()
            .map(|request| format!("{} {}", request.path, subject(request)))
            .collect();
        told.sort();
        told
    }

    pub(crate) async fn holds(&self, mailbox: &str, count: usize) {
        let held = self.world.dovecot.wait_for(USER, mailbox, count, PATIENCE).await;
        held.unwrap_or_else(|error| panic!("{error}\n{}", self.mailjob.log()));
    }

    pub(crate) async fn says(&self, words: &str) {
        self.mailjob.wait_log(words, PATIENCE).await.unwrap();
    }

    /// How often somebody signed in to read mail.
    fn sign_ins(&self) -> usize {
        let log = self.world.dovecot.log();
        let logins = log
            .lines()
            .filter(|line| line.contains("-login: ") && line.contains("Login: user="));
        logins.count()
    }

    pub(crate) async fn stops(mut self) {
        assert_eq!(self.mailjob.term().unwrap(), 0, "{}", self.mailjob.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_endpoint_that_wants_a_mail_gets_it_over_one_connection() {
    let mut scene = Scene::new(Start::Implicit).await;
    scene.add(
        "a-last",
        "order = 200",
        "[when]\nfrom = [\"sender@*\"]\nsubject = \"*order*\"\n[settle]\ndone = \"flag\"",
    );
    scene.add(
        "b-tickets",
        "",
        "[when]\nplus = [\"tickets\", \"bug-*\"]\n[settle]\ndone = { move = \"Tickets\" }",
    );
    scene.add(
        "c-first",
        "order = 0",
        "[when]\nsubject = \"invoice*\"\n[settle]\nignored = { move = \"Unwanted\" }",
    );
    scene.run().await;
    scene
        .deliver(&[
            mail(1, "invoice and order", USER),
            mail(2, "an order", "ada+bug-7@example.test"),
            mail(3, "an order", USER),
            mail(4, "nothing", "ada+tickets@example.test"),
            mail(5, "nothing", USER),
        ])
        .await;
    let expected = [
        "/a-last an order",
        "/b-tickets an order",
        "/b-tickets nothing",
        "/c-first invoice and order",
    ];
    assert_eq!(scene.told(4).await, expected);
    // Each as the endpoint says that decided; what nobody wants as the mailbox says.
    for (mailbox, count) in [("Tickets", 2), ("Processed", 1), ("Unwanted", 1), ("INBOX", 1)] {
        scene.holds(mailbox, count).await;
    }
    let deadline = Instant::now() + PATIENCE;
    while scene.world.dovecot.flags(USER, "INBOX").await.unwrap() != ["\\Flagged"] {
        assert!(Instant::now() < deadline, "{}", scene.mailjob.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(scene.sign_ins(), 1, "{}", scene.world.dovecot.log());
    assert_eq!(scene.receiver.requests().len(), 4);
    scene.stops().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_endpoints_get_a_mail_once_over_one_connection() {
    let mut scene = Scene::new(Start::StartTls).await;
    scene.add("a", "match = \"all\"", "");
    scene.add("b", "", "[when]\nsubject = \"=two\"");
    scene.add("c", "", "[when]\nsubject = \"t*\"");
    scene.deliver(&[mail(1, "one", USER), mail(2, "two", USER)]).await;
    scene.run().await;
    let expected = ["/a one", "/a two", "/b two", "/c two"];
    assert_eq!(scene.told(4).await, expected);
    scene.holds("Processed", 2).await;
    // The same bytes again are the same mail.
    scene
        .world
        .dovecot
        .append(
            USER,
            "INBOX",
            &scene.world.dovecot.mailbox(USER, "Processed").await.unwrap()[0],
        )
        .await
        .unwrap();
    scene.holds("Processed", 3).await;
    assert_eq!(scene.told(4).await, expected);
    assert_eq!(scene.sign_ins(), 1, "{}", scene.world.dovecot.log());
    scene.stops().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_touches_the_session_only_where_it_has_to() {
    let mut scene = Scene::new(Start::Implicit).await;
    scene.add("a", "", "[when]\nsubject = \"=one\"");
    scene.add("b", "", "[when]\nsubject = \"=two\"");
    scene.run().await;
    scene.deliver(&[mail(1, "one", USER), mail(2, "two", USER)]).await;
    assert_eq!(scene.told(2).await, ["/a one", "/b two"]);
    scene.holds("Processed", 2).await;

    // Another filter is nothing to the mailbox.
    scene.add("b", "", "[when]\nsubject = \"=three\"");
    scene.says("endpoint=b restarted=true").await;
    scene.deliver(&[mail(3, "three", USER)]).await;
    assert_eq!(scene.told(3).await.last().unwrap(), "/b two");
    assert_eq!(scene.sign_ins(), 1, "{}", scene.world.dovecot.log());
    let restarted = |name: &str| format!("endpoint started endpoint={name} restarted=true");
    assert!(
        !scene.mailjob.log().contains(&restarted("a")),
        "{}",
        scene.mailjob.log()
    );

    // Another endpoint is, and what was taken before is none of its.
    scene.deliver(&[mail(4, "four", USER)]).await;
    scene.says("endpoint=b job=").await;
    let deadline = Instant::now() + PATIENCE;
    while scene.mailjob.log().matches("outcome=\"ignored\"").count() < 4 {
        assert!(Instant::now() < deadline, "{}", scene.mailjob.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    scene.add("c", "", "");
    scene.says("endpoints=a,b,c ").await;
    scene.deliver(&[mail(5, "five", USER)]).await;
    let told = scene.told(4).await;
    assert!(told.contains(&"/c five".to_owned()), "{told:?}");
    assert!(!told.contains(&"/c four".to_owned()), "{told:?}");
    assert_eq!(scene.sign_ins(), 2, "{}", scene.world.dovecot.log());
    scene.stops().await;
}

/// A file that is renamed, or removed, loses no mail that waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn mails_of_an_endpoint_that_is_gone_go_to_the_next() {
    let mut scene = Scene::new(Start::Implicit).await;
    scene.add("a", "", "");
    scene.add("b", "", "");
    scene.mailjob.service("jobs = 1\npatience = \"1s\"").unwrap();
    let busy = Receiver::start(|_| Answer::text("ok").after(Duration::from_secs(2)))
        .await
        .unwrap();
    let slow = endpoint(&busy, "a", "", "[settle]\ndone = \"keep\"");
    scene
        .mailjob
        .endpoint("a", &format!("concurrency = 1\n{slow}"))
        .unwrap();
    scene.run().await;
    scene
        .deliver(&[mail(1, "one", USER), mail(2, "two", USER), mail(3, "three", USER)])
        .await;
    busy.wait_for(1, PATIENCE).await.unwrap();
    scene.mailjob.remove_endpoint("a").unwrap();
    scene.says("went on to the next").await;
    let told = scene.told(1).await;
    assert!(told.iter().all(|told| told.starts_with("/b ")), "{told:?}");
    let deadline = Instant::now() + PATIENCE;
    while scene.receiver.requests().len() + busy.requests().len() < 3 {
        assert!(Instant::now() < deadline, "{}", scene.mailjob.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    scene.stops().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_folders_of_one_account_are_two_endpoints() {
    let mut scene = Scene::new(Start::Implicit).await;
    scene
        .world
        .dovecot
        .append(USER, "Orders", &mail(1, "an order", USER))
        .await
        .unwrap();
    scene.add("inbox", "", "");
    scene.add("orders", "name = \"Orders\"", "");
    scene.deliver(&[mail(2, "a letter", USER)]).await;
    scene.run().await;
    assert_eq!(scene.told(2).await, ["/inbox a letter", "/orders an order"]);
    scene.holds("Processed", 2).await;
    scene.stops().await;
}
