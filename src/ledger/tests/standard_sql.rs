//! Rules and views speak standard SQL, or what each engine understands: what only one of them knows stands in its dialect.

use std::{fs, path::Path};

use regex::Regex;

/// What only SQLite knows, or knows in its own way; and what is said in its place.
const ITS_OWN: [(&str, &str); 18] = [
    (r"(?i)\b(ifnull|iif|nvl)\(", "coalesce, CASE"),
    (r"(?i)\b(instr|hex|unhex|json\w*|glob|like)\(", "the dialect"),
    (
        r"(?i)\b(total|group_concat|string_agg|typeof|printf|format|quote|unixepoch|strftime|julianday|datetime|random|randomblob|zeroblob|changes|total_changes|last_insert_rowid|likely|unlikely)\(",
        "Rust",
    ),
    (
        r"(?i)\b(I?LIKE|GLOB|REGEXP|MATCH)\b",
        "the dialect's is_like: whether the size of letters counts differs",
    ),
    (
        r"(?i)\b(INDEXED BY|NOT INDEXED|CROSS JOIN)\b",
        "the dialect's by and then_join",
    ),
    (r"(?i)\b(INSERT OR|UPDATE OR|REPLACE INTO)\b", "ON CONFLICT"),
    (r"(?i)\bCOLLATE\b", "lower()"),
    (r"(?i)\b(rowid|_rowid_|oid)\b", "the table's key"),
    (r"(?i)\b(PRAGMA|VACUUM|ATTACH|sqlite_\w+)\b", "the engine itself"),
    (r"(?i)\bIS (NOT )?\?", "IS [NOT] DISTINCT FROM"),
    (r"==|!=", "= and <>"),
    (
        r"(?i)\b(min|max)\((?:[^()]|\([^()]*\))*,",
        "the dialect's greatest, CASE",
    ),
    // An integer is no condition, and a condition is none.
    (
        r"\b(WHERE|AND|OR|NOT|WHEN|ON) +[a-z_]+(\.[a-z_]+)? *(\)|$|\bAND\b|\bOR\b|\bTHEN\b|\bGROUP\b|\bORDER\b|\bLIMIT\b)",
        "= 1",
    ),
    (
        r"[(] *\?\d? (IS NULL OR|OR)\b",
        "what it is held against first, then IS NULL: by that its type is known",
    ),
    (r"\b(x|X)''", "a parameter"),
    (
        r"\b(WHERE|OR|NOT|WHEN|ON) +\?\d? *(\)|$|\bAND\b|\bOR\b|\bTHEN\b)",
        "= 1",
    ),
    (r"\b(WHERE|AND|OR|WHEN) +[01] *(\)|$|AND|OR|THEN)", "1 = 1"),
    (
        r"[-+*] *\((?:[^()]|\([^()]*\))*( IN | IS |[<>=])|coalesce\([^()]*( IN \(| IS |[<>=])",
        "CASE WHEN … THEN 1 ELSE 0 END",
    ),
];

/// What finds all of that, and the texts of a source that may be parts of statements.
struct StandardSql {
    its_own: Vec<(Regex, &'static str)>,
    comment: Regex,
    text: Regex,
    sql: Regex,
}

impl StandardSql {
    fn new() -> Self {
        let regex = |pattern: &str| Regex::new(pattern).unwrap();
        let its_own = ITS_OWN.iter().map(|(word, instead)| (regex(word), *instead));
        Self {
            its_own: its_own.collect(),
            comment: regex(r"(?m)^\s*//.*$"),
            text: regex(r#""((?:[^"\\]|\\.)*)""#),
            sql: regex(r"\b(SELECT|INSERT INTO|UPDATE|DELETE|WHERE|FROM|JOIN|SET|CASE|IN|IS|AND|OR|NULL)\b"),
        }
    }

    fn statements(&self, source: &str) -> Vec<String> {
        let product = source.split("#[cfg(test)]").next().unwrap_or_default();
        let code = self.comment.replace_all(product, "");
        let texts = self.text.captures_iter(&code);
        let texts = texts.map(|found| found[1].replace("\\\n", " "));
        texts.filter(|text| self.sql.is_match(text)).collect()
    }

    /// What is to be said instead of what is only SQLite's in a statement.
    fn faults(&self, statement: &str) -> Vec<&'static str> {
        let its_own = self.its_own.iter();
        let its_own = its_own.filter(|(word, _)| word.is_match(statement));
        its_own.map(|(_, instead)| *instead).collect()
    }
}

#[test]
fn rules_and_views_say_nothing_that_one_engine_alone_understands() {
    let ledger = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ledger");
    let standard = StandardSql::new();
    let (mut seen, mut wrong) = (0, Vec::new());
    for folder in ["rules", "views"] {
        for file in fs::read_dir(ledger.join(folder)).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().display();
            for statement in standard.statements(&fs::read_to_string(&path).unwrap()) {
                seen += 1;
                let faults = standard.faults(&statement);
                wrong.extend(
                    faults
                        .iter()
                        .map(|instead| format!("{folder}/{name}: {statement}\n  say it by {instead}")),
                );
            }
        }
    }
    assert!(seen > 250, "found only {seen} statements");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_only_sqlite_understands_is_found() {
    let standard = StandardSql::new();
    for statement in [
        "SELECT ifnull(a, 0) FROM t",
        "SELECT 1 FROM t WHERE instr(a, 'x') > 0",
        "SELECT a FROM t WHERE a LIKE ?1",
        "INSERT OR IGNORE INTO t (a) VALUES (?1)",
        "SELECT a FROM t WHERE a = ?1 COLLATE NOCASE",
        "DELETE FROM t WHERE rowid = ?1",
        "SELECT a FROM t WHERE a IS ?1",
        "SELECT a FROM t WHERE a IS NOT ?1",
        "SELECT max(a, coalesce(b, 0)) FROM t",
        "SELECT a FROM t WHERE skipped",
        "SELECT a FROM t WHERE NOT skipped AND b = 1",
        "SELECT a FROM t WHERE a = 1 AND (?4 OR b = 1)",
        "SELECT a FROM t WHERE (?1 IS NULL OR a = ?1)",
        "SELECT CASE WHEN ?3 THEN a END FROM t",
        "SELECT a FROM t WHERE a = x''",
        "SELECT a FROM t WHERE d.skipped OR b IS NOT NULL",
        "SELECT a FROM t WHERE 1 AND b = 2",
        "UPDATE t SET a = a + (state IN ('x', 'y'))",
        "SELECT coalesce(r.state IN ('x'), 0) FROM t",
        "SELECT a FROM t INDEXED BY i",
        "SELECT a FROM t WHERE a != b",
    ] {
        assert!(!standard.faults(statement).is_empty(), "{statement}");
    }
    for statement in [
        "SELECT max(a), coalesce(min(b), 0) FROM t WHERE a IS NOT DISTINCT FROM ?1 AND b IS NULL",
        "UPDATE t SET a = a + CASE WHEN state IN ('x') THEN 1 ELSE 0 END WHERE id = ?1",
        "SELECT EXISTS (SELECT 1 FROM t WHERE id BETWEEN ?1 AND ?2) OR a.b = 1",
        "SELECT a FROM t WHERE id BETWEEN ?1 AND ?2 AND (a = ?3 OR ?3 IS NULL)",
        "SELECT a FROM t WHERE NOT EXISTS (SELECT 1 FROM u) ORDER BY a LIMIT 1",
    ] {
        assert_eq!(standard.faults(statement), [""; 0], "{statement}");
    }
}
