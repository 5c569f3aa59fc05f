use proptest::prelude::*;

use super::*;

/// Answers as mail programs write them, each with its own text.
const CORPUS: &[(&str, &str, &str)] = &[
    (
        "Gmail, wrapped",
        "Yes\r\n\r\nOn Mon, Nov 16, 2026 at 9:30 AM Approvals <approvals+mzxw6ytbojtg633cmfzgm33pmi@us.example>\r\nwrote:\r\n\r\n> Please approve order 7.\r\n>\r\n> Answer yes or no.\r\n",
        "Yes",
    ),
    (
        "Gmail, German",
        "Ja, gerne.\n\nGruß\nAnn\n\nAm Mo., 16. Nov. 2026 um 09:30 Uhr schrieb Approvals <\napprovals@us.example>:\n\n> Bitte freigeben.\n",
        "Ja, gerne.\n\nGruß\nAnn",
    ),
    (
        "Apple Mail",
        "no, too expensive\n\n> On 16. Nov 2026, at 09:30, approvals@us.example wrote:\n> \n> Please approve.\n",
        "no, too expensive",
    ),
    (
        "Apple Mail, attribution without a mark",
        "yes\n\nSent from my iPhone\n\nOn 16 Nov 2026, at 09:30, approvals@us.example wrote:\n\n\u{feff}Please approve.\n",
        "yes\n\nSent from my iPhone",
    ),
    (
        "Apple Mail, German",
        "ja\n\nAm 16.11.2026 um 09:30 schrieb approvals@us.example:\n\n> Bitte\n",
        "ja",
    ),
    (
        "Thunderbird, below the quote",
        "On 16/11/2026 09:30, approvals@us.example wrote:\n> Please approve order 7.\n> Answer yes or no.\n\nyes\n",
        "yes",
    ),
    (
        "Thunderbird, German, between the quotes",
        "Am 16.11.26 um 09:30 schrieb Approvals:\n> Auftrag 7?\nJa.\n> Auftrag 8?\nNein.\n",
        "Ja.\nNein.",
    ),
    (
        "Outlook for Windows",
        "Approved.\r\n\r\nBest regards\r\nThe Boss\r\n\r\n-----Original Message-----\r\nFrom: Approvals <approvals@us.example>\r\nSent: Monday, November 16, 2026 9:30 AM\r\nTo: Boss <boss@us.example>\r\nSubject: Re: order 7\r\n\r\nPlease answer yes.\r\n",
        "Approved.\n\nBest regards\nThe Boss",
    ),
    (
        "Outlook without a separator",
        "ok\n\nFrom: Approvals <approvals@us.example>\nSent: Monday, November 16, 2026 9:30 AM\nTo: Boss <boss@us.example>\nSubject: Re: order 7\n\nPlease answer yes.\n",
        "ok",
    ),
    (
        "Outlook on the web",
        "Yes please\n________________________________\nFrom: Approvals <approvals@us.example>\nSent: Monday, November 16, 2026 9:30:00 AM\nTo: Boss\nSubject: Re: order 7\n\nPlease\n",
        "Yes please",
    ),
    (
        "Outlook, German",
        "Freigegeben\n\nVon: Approvals <approvals@us.example>\nGesendet: Montag, 16. November 2026 09:30\nAn: Chef <boss@us.example>\nBetreff: Re: Auftrag 7\n\nBitte\n",
        "Freigegeben",
    ),
    (
        "Outlook, German, older",
        "Nein!\n\n-----Ursprüngliche Nachricht-----\nVon: approvals@us.example [mailto:approvals@us.example]\nBitte\n",
        "Nein!",
    ),
    (
        "Outlook, HTML put into text",
        "ja\n\n*Von:* Approvals\n*Gesendet:* Montag\n*An:* Chef\n*Betreff:* Re: Auftrag\n\nBitte",
        "ja",
    ),
    (
        "Outlook, French",
        "oui\n\nDe : Approvals\nEnvoyé : lundi\nÀ : Chef\nObjet : Re: commande\n\nVeuillez",
        "oui",
    ),
    ("no quote", "  yes\n\n-- \nThe Boss\n", "yes\n\n--\nThe Boss"),
    (
        "nothing of its own",
        "On 16/11/2026 09:30, a@us.example wrote:\n> yes\n",
        "",
    ),
    // Where there is doubt, everything is kept.
    (
        "a person's own words",
        "On 3 May he wrote:\nthat it is fine.\nFrom: here on I agree.",
        "On 3 May he wrote:\nthat it is fine.\nFrom: here on I agree.",
    ),
    (
        "marks without an attribution, between own lines",
        "> two of these\nyes\n> three of those\nno",
        "> two of these\nyes\n> three of those\nno",
    ),
    (
        "an answer somewhere in Outlook's copy",
        "-----Original Message-----\nFrom: a\nyes, see here",
        "-----Original Message-----\nFrom: a\nyes, see here",
    ),
    ("a rule", "yes\n____________\nno header", "yes\n____________\nno header"),
    ("empty", " \n", ""),
];

#[test]
fn answers_of_mail_programs() {
    for (program, text, own) in CORPUS {
        assert_eq!(own_text(text), *own, "{program}");
    }
}

#[test]
fn a_long_answer_is_cut() {
    assert_eq!(own_text(&"ä".repeat(MAX)).len(), MAX);
}

proptest! {
    /// Whatever a person writes above, a marked quote below an attribution never comes back.
    #[test]
    fn a_marked_quote_never_comes_back(own in "[a-z ,.!\n]{0,80}") {
        let text = format!("{own}\n\nOn Mon, Nov 16, 2026 at 9:30 AM X <x@us.example> wrote:\n> SECRET 1\n>\n> SECRET 2\n");
        let found = own_text(&text);
        prop_assert_eq!(found.contains("SECRET"), false, "{}", found);
        prop_assert!(own.contains(found.lines().next().unwrap_or_default()));
    }

    #[test]
    fn any_text_is_survived(text in "(On |Am |From:|Von:|wrote:|schrieb|>|_{10}|-----Original Message-----|[0-9a-z@ ]{0,5}|\n){0,60}") {
        let own = own_text(&text);
        prop_assert!(own.len() <= text.len());
    }
}
