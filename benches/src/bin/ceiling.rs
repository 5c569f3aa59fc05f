//! The raw ceiling as a program: see [`mailjob_bench::ceiling`]. Prints one line of JSON when it is done.
//!
//! ```text
//! ceiling backlog --port N --ca FILE --user U --password P --url http://127.0.0.1:N/path
//! ceiling push    (the same) --count N
//! ceiling spawn   --count N
//! ```

use std::{collections::HashMap, str::FromStr, time::Instant};

use anyhow::{Context, Result, bail};
use mailjob_bench::{
    ceiling::{self, Login},
    usage::Usage,
};
use serde_json::json;

fn main() -> Result<()> {
    let begin = Instant::now();
    let mut words = std::env::args().skip(1);
    let mode = words.next().context("backlog, push or spawn?")?;
    let mut options = HashMap::new();
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        options.insert(name.trim_start_matches("--").to_owned(), value);
    }
    let mails = match mode.as_str() {
        "backlog" => ceiling::backlog(&login(&options)?, &option::<String>(&options, "url")?)?,
        "push" => ceiling::push(
            &login(&options)?,
            &option::<String>(&options, "url")?,
            option(&options, "count")?,
        )?,
        "spawn" => ceiling::spawn(option(&options, "count")?)?,
        other => bail!("{other}? backlog, push or spawn"),
    };
    let seconds = begin.elapsed().as_secs_f64();
    let Usage {
        cpu, children, peak, ..
    } = Usage::of("self")?;
    println!(
        "{}",
        json!({ "mails": mails, "seconds": seconds, "cpu": cpu + children, "peak_kib": peak })
    );
    Ok(())
}

fn login(options: &HashMap<String, String>) -> Result<Login> {
    Ok(Login {
        port: option(options, "port")?,
        ca: option(options, "ca")?,
        user: option(options, "user")?,
        password: option(options, "password")?,
    })
}

fn option<T: FromStr>(options: &HashMap<String, String>, name: &str) -> Result<T> {
    let value = options.get(name).with_context(|| format!("--{name} is missing"))?;
    value.parse().ok().with_context(|| format!("--{name} {value}?"))
}
