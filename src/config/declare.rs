//! A key of the configuration is declared once, on one line of [`keys!`], of which come its field, its reader, its default, and its place in
//! the reference, the JSON Schema and `mailjob show`. A line left out is a field that isn't there, so that nothing can be forgotten.
//!
//! Serde's derive does not do here: it ends at the first fault, where an operator is told all of them, each with its place, its limits and
//! what to write; and it knows nothing of examples and words. What TOML says is read by the crate `toml`, which keeps the places.

use super::{
    key::{Allowed, Examples, Key, KeyDefault},
    kind::{Described, Kind},
    rule::{Names, Rule},
    sheet::PlacedValue,
    table::Table,
};

/// What a key is that is not written.
pub(super) struct Else<F> {
    /// What its field holds then, and where what is written is wrong: its file has a problem then, and won't be used.
    usual: F,
    /// Why it must be written, if it must: the cure, and whether nothing comes of the table without it.
    lacks: Option<(&'static str, bool)>,
    given: KeyDefault,
}

/// A value that stands for it, and is shown as its kind writes it.
pub(super) struct Usual<F>(F);

/// What a key of this kind is that is not written.
pub(super) trait Otherwise<K, F> {
    fn given(&self, kind: &K) -> KeyDefault;
    fn lacks(&self) -> Option<(&'static str, bool)>;
    /// What its field holds all the same, if anything can come of the table.
    fn fallback(self) -> Option<F>;
}

/// The same for a key of a table that may say nothing.
pub(super) trait Unwritten<K, F>: Otherwise<K, F> {
    fn usual(self) -> F;
}

/// It must be written, and nothing comes of the table without it: the cure, and an example.
pub(super) struct Vital(&'static str, &'static str);

impl<K, F> Otherwise<K, F> for Vital {
    fn given(&self, _: &K) -> KeyDefault {
        KeyDefault::Must(self.1, &[])
    }

    fn lacks(&self) -> Option<(&'static str, bool)> {
        Some((self.0, true))
    }

    fn fallback(self) -> Option<F> {
        None
    }
}

impl<K, F> Otherwise<K, F> for Else<F> {
    fn given(&self, _: &K) -> KeyDefault {
        self.given.clone()
    }

    fn lacks(&self) -> Option<(&'static str, bool)> {
        self.lacks
    }

    fn fallback(self) -> Option<F> {
        let is_vital = self.lacks.is_some_and(|(_, is_vital)| is_vital);
        (!is_vital).then_some(self.usual)
    }
}

impl<K, F> Unwritten<K, F> for Else<F> {
    fn usual(self) -> F {
        self.usual
    }
}

impl<K: Kind<Is = F>, F> Otherwise<K, F> for Usual<F> {
    fn given(&self, kind: &K) -> KeyDefault {
        KeyDefault::Usual(kind.written(&self.0))
    }

    fn lacks(&self) -> Option<(&'static str, bool)> {
        None
    }

    fn fallback(self) -> Option<F> {
        Some(self.0)
    }
}

impl<K: Kind<Is = F>, F> Unwritten<K, F> for Usual<F> {
    fn usual(self) -> F {
        self.0
    }
}

fn otherwise<F>(usual: F, lacks: Option<(&'static str, bool)>, given: KeyDefault) -> Else<F> {
    Else { usual, lacks, given }
}

/// It has this default.
pub(super) fn usual<F>(usual: F) -> Usual<F> {
    Usual(usual)
}

/// It has this default, which is written so.
pub(super) fn usual_as<F>(usual: F, written: &str) -> Else<F> {
    otherwise(usual, None, KeyDefault::Usual(written.to_owned()))
}

/// Its default is nothing here, or depends on more than this table; written so.
pub(super) fn implied<F: Default>(written: &str) -> Else<F> {
    usual_as(F::default(), written)
}

/// It has no default; an example.
pub(super) fn never<F: Default>(example: &'static str) -> Else<F> {
    never_so(&[(example, "")])
}

/// It has no default; examples, each with what is said of it alone.
pub(super) fn never_so<F: Default>(examples: &[(&'static str, &'static str)]) -> Else<F> {
    otherwise(F::default(), None, KeyDefault::Never(examples.to_vec()))
}

/// Its default is this where nothing else says another one; an example.
pub(super) fn depends<F>(usual: F, example: &'static str) -> Else<F> {
    otherwise(usual, None, KeyDefault::Never(vec![(example, "")]))
}

/// It must be written: the cure, and an example.
pub(super) fn must<F: Default>(cure: &'static str, example: &'static str) -> Else<F> {
    otherwise(F::default(), Some((cure, true)), KeyDefault::Must(example, &[]))
}

/// It must be written, and there is nothing that could stand for it: the cure, and an example.
pub(super) fn vital(cure: &'static str, example: &'static str) -> Vital {
    Vital(cure, example)
}

/// It must be written, but without it the rest of the table is of use for telling what is wrong there.
pub(super) fn wanted<F: Default>(cure: &'static str, example: &'static str, others: Examples) -> Else<F> {
    otherwise(F::default(), Some((cure, false)), KeyDefault::Must(example, others))
}

/// The field of a key: `found` is what was made of its value, if it is written.
pub(super) fn field<K, T: Into<F>, F>(
    table: &Table<'_>,
    key: &'static str,
    _: &K,
    found: Option<Option<T>>,
    otherwise: impl Otherwise<K, F>,
) -> Option<F> {
    match (found, otherwise.lacks()) {
        (Some(Some(value)), _) => return Some(value.into()),
        (None, Some((cure, _))) => table.lacks_key(key, cure),
        (Some(None) | None, _) => {}
    }
    otherwise.fallback()
}

/// What there is to say of a key.
pub(super) fn described<K: Described, F>(
    name: &'static str,
    kind: &K,
    otherwise: &impl Otherwise<K, F>,
    about: &'static str,
) -> Key {
    Key::of(name, kind.allowed(), otherwise.given(kind), about)
}

/// The field of a key in a table that says nothing.
pub(super) fn unwritten<K, F>(_: &K, otherwise: impl Unwritten<K, F>) -> F {
    otherwise.usual()
}

/// What a reader makes of a value.
pub(super) fn by<'a, T>(reader: impl FnOnce(PlacedValue<'a>) -> Option<T>, value: PlacedValue<'a>) -> Option<T> {
    reader(value)
}

/// Notes what is written in a table against its rules; `keys` are its keys. Of keys that clash no more is told.
pub(super) fn check_rules(rules: &[Rule], table: &mut Table<'_>, keys: impl Fn() -> Vec<Key>) {
    let mut clash: &[Names] = &[];
    for rule in rules {
        match *rule {
            Rule::OneWay(ways, why, cure) => {
                let mut written = ways.iter().filter_map(|way| first(table, way));
                if let (Some((key, one)), Some((_, other))) = (written.next(), written.next()) {
                    let cause = format!("stands beside `{}`{why}", other.path);
                    told(&one, key, &cause, cure, &keys());
                    clash = ways;
                }
            }
            Rule::Some(names, cure) => {
                if let (Some(name), None) = (names.first(), first(table, names)) {
                    table.lacks_key(name, cure);
                }
            }
            Rule::With(names, other, cure) if !table.has(other) => {
                let names = names.iter().filter(|name| !clash.iter().any(|way| way.contains(name)));
                for (name, value) in names.filter_map(|name| Some((name, table.value(name)?))) {
                    told(&value, name, &format!("has no use without {other}"), cure, &keys());
                }
            }
            Rule::With(..) => {}
        }
    }
}

/// The first of these that is written.
fn first<'a>(table: &mut Table<'a>, names: Names) -> Option<(&'static str, PlacedValue<'a>)> {
    names.iter().find_map(|name| Some((*name, table.value(name)?)))
}

/// Notes what is wrong with a value. Where a secret's place should stand, the secret itself may stand: it is not shown.
fn told(value: &PlacedValue<'_>, key: &str, cause: &str, cure: &str, keys: &[Key]) {
    let is_secret = |key: &Key| match &key.allowed {
        Allowed::Either(several) => several.iter().any(|one| matches!(one, Allowed::Secret)),
        allowed => matches!(allowed, Allowed::Secret),
    };
    match keys.iter().any(|known| known.name == key && is_secret(known)) {
        true => value.wrong_secret::<()>(cause, cure),
        false => value.wrong::<()>(cause, cure),
    };
}

/// Declares a table: a struct with a line for each key,
///
/// ```text
/// field: Type = kind, otherwise, "what it is for", more(…);
/// field("key"): Type = what is allowed => reader, otherwise, "what it is for";
/// ```
///
/// where `kind` is one of `kind.rs`, `otherwise` says what a key is that is not written ([`usual`], [`usual_as`], [`implied`], [`never`],
/// [`never_so`], [`depends`], [`must`], [`vital`], [`wanted`]), and `more` is a method of [`Key`]. `Type::read` reads the table, with what it takes after `reads`, which readers
/// may use, as they may use the fields above theirs. `Type::section` describes it. `: Default` makes a table that says nothing. Behind the
/// lines `and` names a field whose keys are declared by themselves and stand in the same table, `beside` one that is filled from
/// elsewhere, and `rules` what keys are to one another ([`Rule`](super::rule::Rule)). `Type::allowed` is the table as a value.
macro_rules! keys {
    (
        $(#[$meta:meta])* $vis:vis struct $name:ident : Default in $section:literal $about:literal $(reads($($with:tt)*))? { $($body:tt)* }
            $(and $rest:ident: $group:ident $(($($handed:expr),*))?, $group_for:literal)?
            $(beside $beside:ident: $beside_type:ty, $beside_for:literal)*
            $(rules $rules:expr)?
    ) => {
        keys! {
            $(#[$meta])* $vis struct $name in $section $about $(reads($($with)*))? { $($body)* }
            $(and $rest: $group $(($($handed),*))?, $group_for)?
            $(beside $beside: $beside_type, $beside_for)*
            $(rules $rules)?
        }
        keys! { @default $name { $($body)* } $(and $rest: $group)? $(beside $beside)* }
    };
    (
        $(#[$meta:meta])* $vis:vis struct $name:ident in $section:literal $about:literal $(reads($($with:ident: $is:ty),*))? {
            $($(#[$doc:meta])* $field:ident $(($key:literal))? : $type:ty = $kind:expr $(=> $reader:expr)?, $otherwise:expr,
                $for:literal $(, $more:ident($($value:expr),*))*;)*
        } $(and $rest:ident: $group:ident $(($($handed:expr),*))?, $group_for:literal)? $(beside $beside:ident: $beside_type:ty, $beside_for:literal)*
            $(rules $rules:expr)?
    ) => {
        $(#[$meta])*
        #[allow(rustdoc::broken_intra_doc_links, reason = "keys are told in the words of the reference, where [name] is a table")]
        $vis struct $name {
            $($(#[$doc])* #[doc = concat!("`", keys!(@key $field $($key)?), "`: ", $for)] $vis $field: $type,)*
            $(#[doc = $group_for] $vis $rest: $group,)?
            $(#[doc = $beside_for] $vis $beside: $beside_type,)*
        }

        impl $name {
            /// Reads the table. Every key is asked for before anything is given up.
            pub(in crate::config) fn read(
                table: &mut $crate::config::table::Table<'_>,
                $($($with: $is),*)?
            ) -> Option<Self> {
                $(
                    let key = keys!(@key $field $($key)?);
                    let found = table.value(key).map(|value| keys!(@value value, $kind $(=> $reader)?));
                    let $field: Option<$type> = $crate::config::declare::field(table, key, &$kind, found, $otherwise);
                )*
                $(let $rest = $group::read(table $($(, $handed)*)?);)?
                $(
                    $crate::config::declare::check_rules($rules, table, || Self::section().keys);
                )?
                Some(Self { $($field: $field?,)* $($rest: $rest?,)? $($beside: Default::default(),)* })
            }

            /// The table as the reference has it.
            pub(in crate::config) fn section() -> $crate::config::key::Section {
                let keys = vec![
                    $($crate::config::declare::described::<_, $type>(keys!(@key $field $($key)?), &$kind, &$otherwise, $for)$(.$more($($value),*))*),*
                ];
                $crate::config::key::Section::new($section, $about, keys)
                    $(.and($group::section()))?
                    $(.ruled($rules))?
            }

            /// It as the value of a key.
            #[allow(dead_code, reason = "most tables have a header of their own")]
            pub(in crate::config) fn allowed() -> $crate::config::key::Allowed {
                $crate::config::key::Allowed::Table(Self::section().inner())
            }
        }
    };
    (
        @default $name:ident {
            $($(#[$doc:meta])* $field:ident $(($key:literal))? : $type:ty = $kind:expr $(=> $reader:expr)?, $otherwise:expr,
                $for:literal $(, $more:ident($($value:expr),*))*;)*
        } $(and $rest:ident: $group:ident)? $(beside $beside:ident)*
    ) => {
        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $crate::config::declare::unwritten(&$kind, $otherwise),)* $($rest: $group::default(),)? $($beside: Default::default(),)* }
            }
        }
    };
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
    (@value $value:ident, $kind:expr) => { $crate::config::kind::Kind::read(&$kind, $value) };
    (@value $value:ident, $allowed:expr => $reader:expr) => { $crate::config::declare::by($reader, $value) };
}

pub(super) use keys;
