//! The same metrics in the older text format of Prometheus (0.0.4), for whoever does not ask for OpenMetrics. Pure.
//!
//! There a counter's family is named as its samples are, with `_total`, and an info is a gauge whose value is 1; there are no units and
//! no end.

/// The media type of [`classic`].
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// OpenMetrics text, as the registry writes it, in the older format.
#[must_use]
pub fn classic(text: &str) -> String {
    let mut older = String::with_capacity(text.len());
    let mut help = None;
    for line in text.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("HELP"), Some(name), Some(words)) => help = Some((name, words)),
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => {
                let (suffix, kind) = match kind {
                    "counter" => ("_total", kind),
                    "info" => ("_info", "gauge"),
                    "unknown" => ("", "untyped"),
                    _ => ("", kind),
                };
                if let Some((_, words)) = help.take().filter(|(of, _)| *of == name) {
                    older.push_str(&format!("# HELP {name}{suffix} {words}\n"));
                }
                older.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
            }
            (Some("#"), ..) => {}
            _ => {
                older.push_str(line);
                older.push('\n');
            }
        }
    }
    older
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_named_as_their_samples() {
        let text = "# HELP m_build The program.\n# TYPE m_build info\nm_build_info{version=\"1\"} 1\n\
                    # HELP m_done Done.\n# TYPE m_done counter\nm_done_total{a=\"b c\"} 2\n\
                    # HELP m_t_seconds Time.\n# TYPE m_t_seconds histogram\n# UNIT m_t_seconds seconds\nm_t_seconds_sum 1.0\n\
                    # TYPE m_x unknown\nm_x 1\n# EOF\n";
        assert_eq!(
            classic(text),
            "# HELP m_build_info The program.\n# TYPE m_build_info gauge\nm_build_info{version=\"1\"} 1\n\
             # HELP m_done_total Done.\n# TYPE m_done_total counter\nm_done_total{a=\"b c\"} 2\n\
             # HELP m_t_seconds Time.\n# TYPE m_t_seconds histogram\nm_t_seconds_sum 1.0\n\
             # TYPE m_x untyped\nm_x 1\n"
        );
    }
}
