//! Plus-addresses: `user+detail@domain` is `user@domain` with a detail (RFC 5233 section 4). Pure.

use super::Head;

/// The details with which a mail was sent to an address, in this order: as servers delivered it, as To and Cc have it. In the case
/// that was written; nobody proved them.
#[must_use]
pub fn details<'a>(head: &'a Head, ours: &str) -> Vec<&'a str> {
    let named = head.to.iter().chain(&head.cc).map(|address| address.address.as_str());
    let all = head.delivered_to.iter().map(String::as_str).chain(named);
    let mut found: Vec<&str> = Vec::new();
    for detail in all.filter_map(|address| detail(address, ours)) {
        if !found.contains(&detail) {
            found.push(detail);
        }
    }
    found
}

/// The detail of an address that is `ours` but for it.
fn detail<'a>(address: &'a str, ours: &str) -> Option<&'a str> {
    let (local, domain) = address.rsplit_once('@')?;
    let (our_local, our_domain) = ours.rsplit_once('@')?;
    let (user, detail) = local.split_once('+')?;
    let same = user.eq_ignore_ascii_case(our_local) && domain.eq_ignore_ascii_case(our_domain);
    (same && !detail.is_empty()).then_some(detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Address;

    #[test]
    fn the_detail_of_our_own_address_only() {
        for (address, expected) in [
            ("support+bug@us.example", Some("bug")),
            ("Support+Bug-7@US.example", Some("Bug-7")),
            ("support+a+b@us.example", Some("a+b")),
            ("support@us.example", None),
            ("support+@us.example", None),
            ("sales+bug@us.example", None),
            ("support+bug@them.example", None),
            ("support+bug", None),
            ("+bug@us.example", None),
        ] {
            assert_eq!(detail(address, "support@us.example"), expected, "{address}");
        }
    }

    #[test]
    fn what_servers_wrote_comes_first_and_each_once() {
        let address = |address: &str| Address {
            name: None,
            address: address.into(),
        };
        let head = Head {
            delivered_to: vec!["s+hidden@us.example".into()],
            to: vec![address("s+bug@us.example"), address("ann@them.example")],
            cc: vec![address("s+hidden@us.example")],
            ..Head::default()
        };
        assert_eq!(details(&head, "s@us.example"), ["hidden", "bug"]);
    }

    #[tokio::test]
    async fn fields_of_servers_are_read_from_a_mail() {
        let raw = "Delivered-To: <s+one@us.example>\r\nX-Original-To: s+two@us.example\r\nX-Other: s+three@us.example\r\n\r\nHi";
        let head = crate::message::read(raw.into(), crate::config::Limits::default(), |mail| mail.head());
        assert_eq!(details(&head.await.unwrap(), "s@us.example"), ["one", "two"]);
    }
}
