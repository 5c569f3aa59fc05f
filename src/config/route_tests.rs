use proptest::prelude::*;

use super::*;
use crate::{
    config::{Account, Action, Auth, Command, Filter, Limits, Provider, ReadBy, Server, Tls},
    secret::SecretRef,
};

fn endpoint(name: &str, mailbox: &str, order: usize) -> Arc<Endpoint> {
    let server = Server {
        host: "mail.example.com".to_owned(),
        port: 993,
        tls: Tls::Implicit,
    };
    let account = Account {
        name: "a".to_owned(),
        sign_in: "a".to_owned(),
        provider: Provider::Other,
        user: "Ada".to_owned(),
        imap: Some(server.clone()),
        pop3: None,
        smtp: None,
        auth: Auth::Password(SecretRef::Env("A".to_owned())),
        ca_file: None,
        client: None,
        from: None,
        pace: None,
        hello: None,
        smtp_auth: true,
    };
    let mailbox = Mailbox {
        name: mailbox.to_owned(),
        ..Mailbox::inbox(Arc::new(account), ReadBy::Imap, server)
    };
    let command = Command::new(vec!["true".into()]);
    let name = EndpointName::new(name).unwrap();
    Arc::new(Endpoint {
        order,
        ..Endpoint::new(name, mailbox, Action::Command(command))
    })
}

fn named(route: &Route) -> Vec<String> {
    route.names().iter().map(ToString::to_string).collect()
}

#[test]
fn endpoints_of_one_mailbox_come_in_order() {
    let all = [
        endpoint("d", "INBOX", 100),
        endpoint("b", "inbox", 100),
        endpoint("c", "Inbox", 7),
        endpoint("a", "INBOX", 200),
        endpoint("e", "Orders", 1),
        endpoint("f", "orders", 1),
    ];
    let routes: Vec<_> = routes(&all).iter().map(named).collect();
    let expected = [vec!["c", "b", "d", "a"], vec!["e"], vec!["f"]];
    assert_eq!(routes, expected, "only INBOX is the same in any case");
}

#[test]
fn an_account_by_another_name_is_the_same_mailbox() {
    let mut other = endpoint("b", "INBOX", 1);
    let mailbox = &mut Arc::make_mut(&mut other).mailbox;
    Arc::make_mut(&mut mailbox.account).user = "aDA".to_owned();
    mailbox.server.host = "MAIL.example.com".to_owned();
    let found = routes(&[endpoint("a", "INBOX", 2), other]);
    assert_eq!(found.iter().map(named).collect::<Vec<_>>(), [["b", "a"]]);
}

#[test]
fn the_first_takes_a_mail_and_the_others_may_have_it_after_it() {
    let mut all = [
        endpoint("a", "INBOX", 2),
        endpoint("b", "INBOX", 1),
        endpoint("c", "INBOX", 3),
    ];
    let limits = Limits {
        size: 1 << 30,
        ..Limits::default()
    };
    Arc::make_mut(&mut all[2]).limits = limits;
    for endpoint in &mut all {
        Arc::make_mut(endpoint).settle.ignored = SettleAction::Flag;
    }
    let route = routes(&all).pop().unwrap();
    let inlet = route.inlet();
    assert_eq!(inlet.takers, [all[1].name.clone()]);
    assert_eq!(
        (inlet.size, inlet.settle.len(), inlet.ignored),
        (1 << 30, 3, SettleAction::Flag)
    );
    let after = |name: &str| {
        let names = route.successors(&EndpointName::new(name).unwrap());
        names.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(after("b"), ["a", "c"]);
    assert_eq!(
        after("c"),
        ["b", "a"],
        "those before it had the mail already, if they were there"
    );

    for endpoint in &mut all {
        Arc::make_mut(endpoint).mailbox.taker = MatchMode::All;
    }
    let route = routes(&all).pop().unwrap();
    assert_eq!(route.inlet().takers, route.names());
    assert!(route.successors(&all[1].name).is_empty());
}

#[test]
fn a_watch_goes_on_while_what_it_uses_stays() {
    let all = [endpoint("a", "INBOX", 1), endpoint("b", "INBOX", 2)];
    let inlet = |all: &[Arc<Endpoint>]| routes(all).pop().unwrap().inlet();
    let changed = |change: fn(&mut Endpoint)| {
        let mut all = all.clone();
        change(Arc::make_mut(&mut all[1]));
        inlet(&all) != inlet(&[endpoint("a", "INBOX", 1), endpoint("b", "INBOX", 2)])
    };
    assert!(!changed(|endpoint| endpoint.filter.subject = vec!["x".to_owned()]));
    assert!(!changed(|endpoint| endpoint.order = 50));
    assert!(!changed(|endpoint| endpoint.limits.size = 5));
    assert!(changed(|endpoint| endpoint.order = 0));
    assert!(changed(|endpoint| endpoint.limits.size = 1 << 40));
    assert!(changed(|endpoint| endpoint.settle.done = SettleAction::Keep));
}

proptest! {
    /// Whatever the orders: every endpoint is in one route, and a mail that nobody wants comes to each of its route once.
    #[test]
    fn a_mail_comes_to_each_once(all in prop::collection::btree_map("[a-d]{1,3}", (0usize..3, 0usize..4), 1..12)) {
        let endpoints: Vec<_> = all.iter().map(|(name, (mailbox, order))| endpoint(name, &mailbox.to_string(), *order)).collect();
        let routes = routes(&endpoints);
        prop_assert_eq!(routes.iter().map(|route| route.endpoints.len()).sum::<usize>(), endpoints.len());
        for route in routes {
            let turns: Vec<_> = route.endpoints.iter().map(|endpoint| (endpoint.order, endpoint.name.clone())).collect();
            prop_assert!(turns.is_sorted());
            let mut had = route.inlet().takers;
            while let Some(next) = route.successors(had.last().unwrap()).into_iter().find(|name| !had.contains(name)) {
                had.push(next);
            }
            prop_assert_eq!(had, route.names());
        }
    }

    /// Who is held back is who comes behind a held one in the order in which mails are given, and nobody else; who names what he means
    /// never is, by one whose turn is not known.
    #[test]
    fn who_is_held_back_is_known(
        all in prop::collection::btree_map("[a-d]{1,3}", (0usize..4, any::<bool>()), 1..8),
        held in prop::collection::btree_map("[e-h]", (0usize..4, any::<bool>(), 0u8..4), 0..4),
        is_for_all in any::<bool>(),
    ) {
        let taker = if is_for_all { MatchMode::All } else { MatchMode::First };
        let one = |name: &str, order: usize, owns: bool| {
            let mut endpoint = Endpoint::clone(&endpoint(name, "INBOX", order));
            endpoint.mailbox.taker = taker;
            endpoint.filter.subject = owns.then(|| "x*".to_owned()).into_iter().collect();
            Arc::new(endpoint)
        };
        let endpoints: Vec<_> = all.iter().map(|(name, (order, owns))| one(name, *order, *owns)).collect();
        let id = endpoints[0].mailbox.id();
        let claim = |name: &str, order, kind| match kind {
            0 => MailboxClaim::Endpoint(one(name, order, true)),
            1 => MailboxClaim::At(id.clone()),
            2 => MailboxClaim::Beside(endpoint("z", "Other", 0).mailbox.id()),
            _ => MailboxClaim::Anywhere,
        };
        let held: BTreeMap<_, _> = held
            .iter()
            .map(|(name, (order, away, kind))| {
                let held = HeldEndpoint { claim: claim(name, *order, *kind), away: *away };
                (EndpointName::new(name).unwrap(), held)
            })
            .collect();
        let route = routes(&endpoints).remove(0).holding(&held);
        let (getters, held_back) = (route.getters(), route.held_back());
        for endpoint in &endpoints {
            let turn = getters.iter().position(|name| *name == endpoint.name).unwrap();
            let before: Vec<_> = getters[..turn].iter().filter(|name| held.contains_key(*name)).cloned().collect();
            let told: Vec<_> = held_back.get(&endpoint.name).into_iter().flatten().map(|(name, _)| name.clone()).collect();
            prop_assert_eq!(&told, &if is_for_all { Vec::new() } else { before.clone() });
            let in_turn = |name: &EndpointName| held[name].in_turn().is_some();
            let greedy = endpoints.iter().any(|other| !other.filter.owns() && (other.order, &other.name) <= (endpoint.order, &endpoint.name));
            prop_assert!(greedy || before.iter().all(in_turn));
        }
    }
}

#[test]
fn who_stands_behind_one_that_takes_every_mail_is_told() {
    let shadowed = |change: fn(&mut Endpoint)| {
        let mut all = [
            endpoint("a", "INBOX", 100),
            endpoint("b", "INBOX", 100),
            endpoint("c", "INBOX", 1),
        ];
        all.iter_mut()
            .for_each(|one| Arc::make_mut(one).filter.subject = vec!["x*".to_owned()]);
        change(Arc::make_mut(&mut all[0]));
        let found = routes(&all).pop().unwrap().shadowed();
        found
            .iter()
            .map(|(name, by)| format!("{name} by {by}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(shadowed(|_| ()), [""; 0]);
    assert_eq!(shadowed(|a| a.filter = Filter::default()), ["b by a"]);
    assert_eq!(shadowed(|a| a.filter.subject = vec!["*".to_owned()]), ["b by a"]);
    let large = |a: &mut Endpoint| {
        a.filter = Filter {
            max_size: Some(1),
            ..Filter::default()
        };
    };
    assert_eq!(shadowed(large), [""; 0]);
    let all = |a: &mut Endpoint| {
        a.filter = Filter::default();
        a.mailbox.taker = MatchMode::All;
        a.order = 0;
    };
    assert_eq!(shadowed(all), [""; 0]);
}
