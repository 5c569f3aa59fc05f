//! What is meant by a name that there is not: another key of ours, by its likeness or by what others call it, or another place. Pure.

/// The longest name, in bytes, that is compared with those known.
const LONGEST_NAME: usize = 64;

/// Words that others have for our keys.
const SYNONYMS: [(&str, &str); 34] = [
    ("to", "recipient recipients receiver send_to email mail_to"),
    ("when", "filter filters condition conditions rule rules if trigger"),
    ("name", "folder mailbox mailfolder box inbox label"),
    ("url", "uri endpoint address link target href"),
    (
        "argv",
        "command cmd exec args arguments program run script path executable",
    ),
    ("command", "exec script shell process run program cmd"),
    ("webhook", "http hook post rest"),
    ("reply", "response answer respond notification"),
    ("settle", "after cleanup finally disposition"),
    ("mailbox", "source inbox imap email"),
    ("timeout", "time_limit max_time deadline ttl"),
    ("headers", "header http_headers"),
    (
        "every",
        "interval poll polling poll_interval frequency period check_interval",
    ),
    ("cron", "schedule crontab cron_expression"),
    ("timezone", "tz zone time_zone"),
    ("account", "credentials login connection"),
    ("user", "username login email mail login_name run_as uid"),
    ("password", "pass pw passwd passphrase pwd"),
    ("imap", "incoming imap_host imap_server server host"),
    ("pop3", "pop pop3_host pop_host"),
    ("smtp", "outgoing smtp_host smtp_server submission"),
    ("host", "server hostname address"),
    ("tls", "ssl encryption secure security starttls use_ssl"),
    ("ca_file", "ca cacert ca_cert cert certificate ca_bundle"),
    ("concurrency", "parallel parallelism workers threads max_jobs"),
    ("allow", "whitelist allowlist allowed accept"),
    ("deny", "blacklist blocklist block blocked denied reject"),
    ("text", "message content template body"),
    ("env", "environment variables vars"),
    ("tenant", "tenant_id directory directory_id"),
    ("client_id", "application_id app_id clientid"),
    ("enabled", "active disabled enable disable"),
    ("move", "to folder target mailbox"),
    ("subject", "title subjects headline"),
];

/// The key that goes by this name elsewhere.
pub(super) fn synonym(name: &str, known: &[&'static str]) -> Option<&'static str> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let meant = SYNONYMS
        .iter()
        .filter(|(_, others)| others.split(' ').any(|other| other == name));
    meant.map(|(key, _)| *key).find(|key| known.contains(key))
}

/// The known name that somebody meant who wrote this one: a letter in three may differ.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST_NAME {
        return None;
    }
    let distance = |known: &&str| strsim::damerau_levenshtein(known, name);
    let nearest = known.min_by_key(distance)?;
    (distance(&nearest) <= nearest.len().max(name.len()) / 3).then_some(nearest)
}
