//! Why something failed, with all that caused it: of many errors the first words say nothing (`error sending request`), and the last ones do.

use std::error::Error;

/// What says nothing where something stands behind it.
const EMPTY: [&str; 2] = ["error sending request", "client error (Connect)"];

/// The words of an error and of its causes. What a server wrote may be among them: who shows it cleans it.
#[must_use]
pub fn causes(error: &dyn Error) -> String {
    let mut causes = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        // Some say what their cause says.
        if !causes.iter().any(|known| known.contains(&said)) {
            causes.push(said);
        }
        cause = error.source();
    }
    let last = causes.len().saturating_sub(1);
    let mut told = causes.iter().enumerate();
    let told = told
        .by_ref()
        .filter(|(n, said)| *n == last || !EMPTY.contains(&said.as_str()));
    told.map(|(_, said)| said.as_str()).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use std::{fmt, io};

    use super::*;

    #[derive(Debug)]
    struct Outer(&'static str, Option<Box<dyn Error + 'static>>);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref()
        }
    }

    #[test]
    fn the_last_words_count_and_empty_ones_go() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let connect = Outer("client error (Connect)", Some(Box::new(refused())));
        let request = Outer("error sending request", Some(Box::new(connect)));
        assert_eq!(causes(&request), "connection refused");
        assert_eq!(causes(&Outer("error sending request", None)), "error sending request");
        let twice = Outer("it failed: connection refused", Some(Box::new(refused())));
        assert_eq!(causes(&twice), "it failed: connection refused");
        let other = Outer("the exchange failed", Some(Box::new(refused())));
        assert_eq!(causes(&other), "the exchange failed: connection refused");
    }
}
