use proptest::prelude::*;

use super::*;

fn counted(names: &[&str]) -> Vec<(String, String, bool)> {
    let files = endpoints(names.iter().map(OsString::from));
    let row = |(endpoint, file): (EndpointName, EndpointFile)| {
        let name = file.name.to_string_lossy().into_owned();
        (endpoint.to_string(), name, file.is_misnamed)
    };
    files.into_iter().map(row).collect()
}

#[test]
fn a_file_that_looks_like_an_endpoint_is_one_whatever_its_name() {
    for (name, endpoint, is_misnamed) in [
        ("orders.toml", "orders", false),
        ("a_b-9.toml", "a_b-9", false),
        ("my orders.toml", "my-orders", true),
        ("Hook.toml", "hook", true),
        ("x.TOML", "x", true),
        ("x.Toml", "x", true),
        ("orders.toml.txt", "orders", true),
        ("Orders.TOML.TXT", "orders", true),
        ("orders (copy).toml", "orders-copy", true),
        ("orders.old.toml", "orders-old", true),
        ("_orders.toml", "orders", true),
        ("Größe.toml", "gr-e", true),
        ("注文.toml", "misnamed", true),
        ("-.toml", "misnamed", true),
    ] {
        let row = (endpoint.to_owned(), name.to_owned(), is_misnamed);
        assert_eq!(counted(&[name]), [row], "{name}");
        assert!(is_meant(OsStr::new(name)), "{name}");
        assert_eq!(hints([name.into()]), [""; 0], "{name}");
    }
}

#[test]
fn what_editors_and_people_leave_beside_is_none() {
    for (name, is_told) in [
        (".orders.toml", false),
        (".orders.TOML", false),
        ("..data", false),
        ("#orders.toml#", false),
        ("~$orders.toml", false),
        ("orders.toml~", false),
        ("orders.toml.bak", false),
        ("orders.toml.swp", false),
        ("orders.toml.example", false),
        ("orders.toml.disabled", false),
        ("README", false),
        ("notes.txt", false),
        ("reply.html", false),
        ("toml", false),
        (".toml", false),
        ("base.yaml", true),
        ("a.YML", true),
        ("b.tml", true),
        ("d.json", true),
    ] {
        assert_eq!(counted(&[name]), [], "{name}");
        let told = hints([name.into()]);
        assert_eq!(told.iter().any(|words| words.starts_with(name)), is_told, "{name}");
    }
}

#[test]
fn a_name_that_is_taken_stays_with_whom_it_belongs_to() {
    let row = |(endpoint, file, misnamed): (&str, &str, bool)| (endpoint.to_owned(), file.to_owned(), misnamed);
    let rows = [("hook", "hook.toml", false), ("hook-4d5a3f0d", "Hook.toml", true)].map(row);
    let files = counted(&["Hook.toml", "hook.toml"]);
    assert_eq!(
        (&files[0], files[1].1.as_str(), files[1].2),
        (&rows[0], "Hook.toml", true)
    );
    assert!(files[1].0.starts_with("hook-"), "{files:?}");
    // What Notepad wrote beside the file is a copy of it, and told.
    assert_eq!(counted(&["hook.toml", "hook.toml.txt"]), rows[..1]);
    assert_eq!(hints(["hook.toml".into(), "hook.toml.txt".into()]).len(), 1);
}

proptest! {
    /// Nobody takes the name of a file that is right, no two files have one name, and each that is meant has one or is told of.
    #[test]
    fn each_file_has_a_name_of_its_own(names in prop::collection::btree_set("[aA_ é.-]{0,3}(\\.toml|\\.TOML|\\.toml\\.txt)", 0..12)) {
        let all = || names.iter().map(OsString::from);
        let files = endpoints(all());
        for name in &names {
            let right = name.strip_suffix(".toml").and_then(EndpointName::new);
            if let Some(right) = right {
                prop_assert_eq!(&files[&right].name, name.as_str());
            }
            let given = files.values().filter(|file| file.name == name.as_str()).count();
            let told = hints(all()).len();
            prop_assert!(given == 1 || told > 0 || !is_meant(OsStr::new(name)), "{}", name);
        }
        let misnamed = files.values().filter(|file| file.is_misnamed).count();
        let meant = names.iter().filter(|name| is_meant(OsStr::new(name))).count();
        prop_assert!(misnamed <= meant);
        prop_assert_eq!(files.len() + hints(all()).len(), meant);
    }

    #[test]
    fn any_long_name_has_a_legal_one_near(stem in "\\PC{0,90}") {
        let file = OsString::from(format!("{stem}.toml"));
        let files = endpoints([file.clone()]);
        prop_assert!(files.len() == 1 || stem.is_empty() || stem.starts_with(['.', '#', '~']));
    }
}
