//! What templates are given, by name, down to the last part; and what one asks for that there is not. Pure.
//!
//! A test beside each place that makes such values holds them against these names.

use std::{collections::BTreeSet, sync::Arc};

use minijinja::{
    Value,
    value::{Enumerator, Object, ObjectRepr},
};
use parking_lot::Mutex;

use super::meant::nearest;

/// What a template may ask for under a name.
#[derive(Debug, PartialEq, Eq)]
pub enum TemplateShape {
    /// A text or a number.
    One,
    /// What others say: an input, the data of an answer. Nobody knows its parts.
    Anything,
    /// Parts, each under its name.
    Parts(&'static [(&'static str, TemplateShape)]),
    /// A list of such.
    Many(&'static TemplateShape),
}

use TemplateShape::{Anything, Many, One, Parts};

const ADDRESS: TemplateShape = Parts(&[("name", One), ("address", One)]);
const FILE: TemplateShape = Parts(&[("name", One), ("size", One), ("media_type", One)]);
const NEWS: TemplateShape = Parts(&[
    ("name", One),
    ("kind", One),
    ("headline", One),
    ("since", One),
    ("why", One),
    ("cure", One),
    ("words", One),
]);

/// What templates of replies are given.
pub const REPLY: TemplateShape = Parts(&[
    (
        "mail",
        Parts(&[
            ("subject", One),
            ("topic", One),
            ("from", ADDRESS),
            ("to", Many(&ADDRESS)),
            ("cc", Many(&ADDRESS)),
            ("date", One),
            ("message_id", One),
            ("text", One),
        ]),
    ),
    ("job", One),
    ("endpoint", One),
    (
        "answer",
        Parts(&[("text", One), ("data", Anything), ("files", Many(&FILE))]),
    ),
    ("reason", Parts(&[("code", One), ("sentence", One)])),
    ("tell", One),
    ("inputs", Anything),
    ("now", One),
]);

/// What templates of mails to the operator are given.
pub const OPERATOR: TemplateShape = Parts(&[
    ("headline", One),
    ("news", Many(&NEWS)),
    ("closing", One),
    ("host", One),
    ("ledger", One),
]);

/// What a template asks for that there is not, and what to write.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stray {
    pub(super) asked: String,
    pub(super) cure: String,
}

/// What all of them come to: cause and cure. Pure.
pub(super) fn told(strays: &BTreeSet<Stray>) -> (String, String) {
    let names: Vec<_> = strays.iter().map(|stray| format!("`{}`", stray.asked)).collect();
    let mut cures: Vec<(&str, Vec<&str>)> = Vec::new();
    for Stray { asked, cure } in strays {
        match cures.iter_mut().find(|(known, _)| known == cure) {
            Some((_, names)) => names.push(asked),
            None => cures.push((cure, vec![asked])),
        }
    }
    let cure = match cures.as_slice() {
        [(cure, _)] => (*cure).to_owned(),
        several => {
            let each = several
                .iter()
                .map(|(cure, names)| format!("{}: {cure}", names.join(", ")));
            each.collect::<Vec<_>>().join("; ")
        }
    };
    let (last, others) = names
        .split_last()
        .map_or(("", &[][..]), |(last, others)| (last.as_str(), others));
    let cause = match others {
        [] => format!("uses {last}, which does not exist"),
        others => format!("uses {} and {last}, which do not exist", others.join(", ")),
    };
    (cause, cure)
}

impl TemplateShape {
    /// What is wrong with such a name, e.g. `mail.from.adress`; nothing where there is such a value.
    pub(super) fn stray(&'static self, asked: &str) -> Option<Stray> {
        let (mut here, mut path) = (self, String::new());
        for part in asked.split('.') {
            match here.part(&path, part) {
                Ok(next) => here = next?,
                Err(stray) => return Some(stray),
            }
            path = below(&path, part);
        }
        None
    }

    /// What is there under a name; nothing where nobody knows.
    fn part(&'static self, path: &str, name: &str) -> Result<Option<&'static Self>, Stray> {
        let stray = |cure: String| Stray {
            asked: below(path, name),
            cure,
        };
        match self {
            Anything => Ok(None),
            Parts(parts) => match parts.iter().find(|(known, _)| *known == name) {
                Some((_, part)) => Ok(Some(part)),
                None => {
                    let known: Vec<_> = parts.iter().map(|(name, _)| *name).collect();
                    Err(stray(match nearest(name, known.iter().copied()) {
                        Some(nearest) => format!("did you mean `{nearest}`?"),
                        None => format!("known here: {}", known.join(", ")),
                    }))
                }
            },
            Many(of) if name.bytes().all(|digit| digit.is_ascii_digit()) => Ok(Some(of)),
            Many(_) => Err(stray(format!(
                "`{path}` is a list: write {{% for one in {path} %}}{{{{ one.… }}}}{{% endfor %}}, or {path}[0].…"
            ))),
            One => Err(stray(format!("`{path}` is a text, which has no parts: write `{path}`"))),
        }
    }

    /// A value that leads through a template and notes what it is asked for in vain, but for what is absent.
    pub(super) fn sample(&'static self, absent: &'static [&'static str]) -> (Value, Strays) {
        let strays = Strays::default();
        let probe = TemplateProbe {
            given: self,
            path: String::new(),
            absent,
            strays: strays.clone(),
        };
        (probe.value(), strays)
    }
}

fn below(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// What was asked for in vain.
#[derive(Debug, Clone, Default)]
pub(super) struct Strays(Arc<Mutex<BTreeSet<Stray>>>);

impl Strays {
    pub(super) fn all(&self) -> BTreeSet<Stray> {
        self.0.lock().clone()
    }
}

/// Parts that note what they are asked for.
#[derive(Debug)]
struct TemplateProbe {
    given: &'static TemplateShape,
    path: String,
    absent: &'static [&'static str],
    strays: Strays,
}

impl TemplateProbe {
    fn value(self) -> Value {
        match self.given {
            One => Value::from("x"),
            Anything => Value::UNDEFINED,
            Parts(_) => Value::from_object(self),
            Many(_) if self.absent.contains(&self.path.as_str()) => Value::from(Vec::<Value>::new()),
            Many(of) => Value::from(vec![Self { given: of, ..self }.value()]),
        }
    }
}

impl Object for TemplateProbe {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        match self.given.part(&self.path, name) {
            Ok(given) => {
                let probe = Self {
                    given: given?,
                    path: below(&self.path, name),
                    absent: self.absent,
                    strays: self.strays.clone(),
                };
                let is_absent = !matches!(probe.given, Many(_)) && self.absent.contains(&probe.path.as_str());
                Some(probe.value()).filter(|_| !is_absent)
            }
            Err(stray) => {
                let mut strays = self.strays.0.lock();
                strays.insert(stray);
                None
            }
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match self.given {
            Parts(parts) => Enumerator::Values(parts.iter().map(|(name, _)| Value::from(*name)).collect()),
            _ => Enumerator::Empty,
        }
    }
}

/// The names of a value that was made to be given; a list's are those of its first. For tests that hold what is made against what is said.
#[cfg(test)]
pub(crate) fn names(value: &Value, given: &TemplateShape) -> BTreeSet<String> {
    fn into(value: &Value, path: &str, given: &TemplateShape, names: &mut BTreeSet<String>) {
        match given {
            _ if value.is_undefined() => {}
            Parts(parts) => {
                for name in value.try_iter().unwrap() {
                    let part = parts.iter().find(|(known, _)| *known == name.as_str().unwrap());
                    let part = part.map_or(&One, |(_, part)| part);
                    let path = below(path, name.as_str().unwrap());
                    into(&value.get_item(&name).unwrap(), &path, part, names);
                }
            }
            Many(of) => into(&value.get_item_by_index(0).unwrap_or_default(), path, of, names),
            One | Anything => drop(names.insert(path.to_owned())),
        }
    }
    let mut names = BTreeSet::new();
    into(value, "", given, &mut names);
    names
}

/// All names that there are.
#[cfg(test)]
pub(crate) fn all(given: &'static TemplateShape) -> BTreeSet<String> {
    fn into(given: &TemplateShape, path: &str, names: &mut BTreeSet<String>) {
        match given {
            Parts(parts) => parts
                .iter()
                .for_each(|(name, part)| into(part, &below(path, name), names)),
            Many(of) => into(of, path, names),
            One | Anything => drop(names.insert(path.to_owned())),
        }
    }
    let mut names = BTreeSet::new();
    into(given, "", &mut names);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_down_to_its_last_part() {
        for (asked, told) in [
            ("mail.from.address", None),
            ("mail.to.0.address", None),
            ("answer.data.anything.at.all", None),
            ("inputs.order", None),
            ("mial", Some("mial: did you mean `mail`?")),
            ("mail.from.adress", Some("mail.from.adress: did you mean `address`?")),
            (
                "mail.from.mailbox",
                Some("mail.from.mailbox: known here: name, address"),
            ),
            (
                "mail.nothing.at.all",
                Some("mail.nothing: known here: subject, topic, from, to, cc, date, message_id, text"),
            ),
            (
                "mail.subject.text",
                Some("mail.subject.text: `mail.subject` is a text, which has no parts: write `mail.subject`"),
            ),
            (
                "mail.to.address",
                Some(
                    "mail.to.address: `mail.to` is a list: write {% for one in mail.to %}{{ one.… }}{% endfor %}, or mail.to[0].…",
                ),
            ),
        ] {
            let stray = REPLY
                .stray(asked)
                .map(|Stray { asked, cure }| format!("{asked}: {cure}"));
            assert_eq!(stray.as_deref(), told, "{asked}");
        }
        assert_eq!(OPERATOR.stray("news.words").unwrap().asked, "news.words");
    }
}
