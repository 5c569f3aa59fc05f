//! Domains whose addresses anybody can have: of one owner is nothing there but the address itself. Pure.

use crate::addr_spec::normal_domain;

/// Whether anybody can have an address of this domain: at a public mail provider, or at one for those whom it connects.
#[must_use]
pub(super) fn is_public(domain: &str) -> bool {
    let Some(domain) = normal_domain(domain) else {
        return true;
    };
    // `yahoo.co.jp`, `mx.gmx.de`: the brand is the first label but for those of hosts.
    let family = domain
        .split_once('.')
        .is_some_and(|(brand, rest)| FAMILIES.contains(&brand) && rest.split('.').all(|label| label.len() <= 4));
    let known = |domain: &str| DOMAINS.binary_search(&domain).is_ok();
    family
        || known(&domain)
        || domain
            .match_indices('.')
            .any(|(at, _)| known(domain.get(at + 1..).unwrap_or_default()))
}

/// Providers that have a domain in many countries.
const FAMILIES: [&str; 14] = [
    "aol",
    "excite",
    "gmx",
    "hotmail",
    "icloud",
    "live",
    "lycos",
    "msn",
    "outlook",
    "rediffmail",
    "tiscali",
    "yahoo",
    "yandex",
    "ymail",
];

/// In order, for a search: of providers, of those whom they connect, of throw-away and of masked addresses (2026).
#[rustfmt::skip]
const DOMAINS: [&str; 368] = [
    "012.net.il", "10minutemail.com", "126.com", "139.com", "163.com", "188.com", "189.cn", "21cn.com", "a1.net",
    "abv.bg", "addy.io", "adinet.com.uy", "aim.com", "aleeas.com", "alice.it", "aliceadsl.fr", "aliyun.com",
    "ameritech.net", "anonaddy.com", "anonaddy.me", "aon.at", "arcor.de", "arnet.com.ar", "asahi-net.or.jp",
    "asia.com", "atlas.cz", "att.net", "au.com", "azet.sk", "bbox.fr", "bell.net", "bellsouth.net", "bezeqint.net",
    "biglobe.ne.jp", "bigmir.net", "bigpond.com", "bigpond.net.au", "bk.ru", "bluewin.ch", "blueyonder.co.uk",
    "bol.com.br", "bredband.net", "bsnl.in", "btinternet.com", "btopenworld.com", "cableone.net", "cantv.net",
    "casema.nl", "cegetel.net", "centrum.cz", "centrum.sk", "centurylink.net", "centurytel.net", "charter.net",
    "cheerful.com", "chello.at", "chello.nl", "citromail.hu", "ciudad.com.ar", "clix.pt", "club-internet.fr",
    "cogeco.ca", "comcast.net", "comhem.se", "compuserve.com", "consultant.com", "cox.net", "cs.com", "ctemplar.com",
    "daum.net", "dion.ne.jp", "dir.bg", "dispostable.com", "disroot.org", "docomo.ne.jp", "dodo.com.au", "dr.com",
    "duck.com", "earthlink.net", "eastlink.ca", "eircom.net", "elisanet.fi", "email.com", "email.cz", "email.de",
    "email.it", "embarqmail.com", "engineer.com", "europe.com", "ewe.net", "ewetel.net", "ezweb.ne.jp",
    "fastmail.com", "fastmail.fm", "fastmail.net", "fastwebnet.it", "fibertel.com.ar", "forthnet.gr", "foxmail.com",
    "free.fr", "freemail.hu", "freenet.de", "frontier.com", "frontiernet.net", "gawab.com", "gazeta.pl",
    "getnada.com", "globo.com", "globomail.com", "gmail.com", "googlemail.com", "guerrillamail.com", "hanmail.net",
    "hetnet.nl", "hey.com", "hinet.net", "hispeed.ch", "hkbn.net", "hol.gr", "home.nl", "hot.ee", "hush.com",
    "hushmail.com", "i.softbank.jp", "i.ua", "iafrica.com", "icloud.com", "ig.com.br", "iinet.net.au", "in.com",
    "iname.com", "inbox.com", "inbox.lt", "inbox.lv", "inbox.ru", "indamail.hu", "indiatimes.com", "interia.eu",
    "interia.pl", "internet.ru", "internode.on.net", "inwind.it", "iol.it", "iol.pt", "juno.com", "kabelmail.de",
    "kakao.com", "kolumbus.fi", "kpnmail.nl", "kpnplanet.nl", "laposte.net", "lenta.ru", "libero.it", "list.ru",
    "love.com", "luukku.com", "mac.com", "magenta.de", "mail.bg", "mail.com", "mail.de", "mail.dk", "mail.ee",
    "mail.pt", "mail.ru", "mailbox.org", "maildrop.cc", "mailfence.com", "mailinator.com", "mailnesia.com",
    "maktoob.com", "me.com", "mediacombb.net", "meta.ua", "mindspring.com", "movistar.es", "mozmail.com", "mts.net",
    "mweb.co.za", "mynet.com", "myself.com", "nate.com", "naver.com", "netcabo.pt", "netcologne.de", "netscape.com",
    "netscape.net", "netvigator.com", "netvision.net.il", "netzero.com", "netzero.net", "neuf.fr", "nifty.com",
    "noos.fr", "ntlworld.com", "numericable.fr", "o2.co.uk", "o2.pl", "ocn.ne.jp", "oi.com.br", "one.lt", "onet.eu",
    "onet.pl", "online.de", "online.no", "ono.com", "op.pl", "optimum.net", "optonline.net", "optusnet.com.au",
    "orange.fr", "otenet.gr", "pacbell.net", "passmail.net", "passport.com", "pchome.com.tw", "plala.or.jp",
    "planet.nl", "plus.com", "plusnet.com", "pm.me", "poczta.fm", "poczta.onet.pl", "post.com", "post.cz", "post.sk",
    "poste.it", "posteo.de", "posteo.net", "privaterelay.appleid.com", "prodigy.net.mx", "proton.me", "protonmail.ch",
    "protonmail.com", "proximus.be", "q.com", "qq.com", "quicknet.nl", "r7.com", "rakuten.jp", "rambler.ru",
    "rcn.com", "relay.firefox.com", "riseup.net", "ro.ru", "roadrunner.com", "rocketmail.com", "rogers.com", "rr.com",
    "runbox.com", "sancharnet.in", "sapo.pt", "sasktel.net", "sbcglobal.net", "scarlet.be", "seed.net.tw",
    "seznam.cz", "sfr.fr", "sharklasers.com", "shaw.ca", "sify.com", "simplelogin.co", "simplelogin.com", "sina.cn",
    "sina.com", "singnet.com.sg", "skiff.com", "sky.com", "skynet.be", "slingshot.co.nz", "slmail.me", "so-net.ne.jp",
    "softbank.ne.jp", "sohu.com", "spectrum.net", "speedy.com.ar", "spray.se", "starhub.net.sg", "startmail.com",
    "stofanet.dk", "streamyx.com", "suddenlink.net", "sunrise.ch", "suomi24.fi", "swbell.net", "swissonline.ch",
    "sympatico.ca", "t-online.de", "t-online.hu", "talktalk.net", "tdcadsl.dk", "tds.net", "techie.com", "tele2.se",
    "telefonica.net", "telenet.be", "telenor.no", "teletu.it", "telia.com", "telkomsa.net", "telus.net",
    "temp-mail.org", "terra.com.br", "terra.es", "tesco.net", "tim.it", "tin.it", "tlen.pl", "tm.net.my", "tom.com",
    "tpg.com.au", "trashmail.com", "tut.by", "tuta.com", "tuta.io", "tutamail.com", "tutanota.com", "tutanota.de",
    "twc.com", "ukr.net", "une.net.co", "unitybox.de", "uol.com.br", "upcmail.nl", "usa.com", "utanet.at",
    "verizon.net", "videotron.ca", "vip.qq.com", "virgilio.it", "virgin.net", "virginmedia.com", "vnn.vn",
    "vodafone.de", "vodafone.it", "vodafone.ne.jp", "vodamail.co.za", "voila.fr", "volny.cz", "voo.be", "vp.pl",
    "vsnl.net", "vtr.net", "walla.co.il", "walla.com", "wanadoo.fr", "web.de", "webmail.co.za", "westnet.com.au",
    "windowslive.com", "windstream.net", "wo.cn", "workmail.com", "wowway.com", "wp.pl", "writeme.com", "xs4all.nl",
    "xtra.co.nz", "ya.ru", "yeah.net", "yopmail.com", "ziggo.nl", "zipmail.com.br", "zoho.com", "zohomail.com",
    "zohomail.eu", "zonnet.nl", "zoznam.sk",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_are_told_from_owners() {
        for (domain, public) in [
            ("gmail.com", true),
            ("GMail.com", true),
            ("googlemail.com", true),
            ("yahoo.co.jp", true),
            ("yahoo.com.br", true),
            ("hotmail.fr", true),
            ("gmx.de", true),
            ("gmx.net", true),
            ("web.de", true),
            ("t-online.de", true),
            ("qq.com", true),
            ("163.com", true),
            ("mail.ru", true),
            ("docomo.ne.jp", true),
            ("proton.me", true),
            ("mx.libero.it", true),
            ("", true),
            ("not a domain", true),
            ("supplier.example", false),
            ("gmail.com.example", false),
            ("mygmail.com", false),
            ("live.supplier.example", false),
            ("contoso.onmicrosoft.com", false),
            ("us.example", false),
        ] {
            assert_eq!(is_public(domain), public, "{domain}");
        }
    }

    #[test]
    fn the_list_can_be_searched() {
        assert!(DOMAINS.is_sorted());
        assert!(
            DOMAINS
                .iter()
                .all(|domain| normal_domain(domain).as_deref() == Some(domain))
        );
    }
}
