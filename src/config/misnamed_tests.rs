//! Files whose names no endpoint may have.

use super::*;

/// Names that no endpoint's file may have, and that this one's next name is.
const MISNAMED: [&str; 4] = ["Orders.toml", "orders.TOML", "orders.toml.txt", "_orders.toml"];

impl Folder {
    fn rename(&self, from: &str, to: &str) {
        let folder = self.dir.path().join("endpoints.d");
        fs::rename(folder.join(from), folder.join(to)).unwrap();
    }
}

fn getters(config: &Config) -> Vec<String> {
    config.routes()[0].getters().iter().map(ToString::to_string).collect()
}

#[test]
fn a_file_that_is_renamed_to_what_no_endpoint_is_called_runs_on() {
    for name in MISNAMED {
        let mut folder = Folder::new();
        let before = folder.start().start().unwrap();
        folder.rename("orders.toml", name);
        let loaded = folder.start();
        assert_eq!(loaded.start().unwrap().endpoints, before.endpoints, "{name}");
        let told = &loaded.problems[0];
        assert_eq!(told.endpoint, EndpointName::new("orders"), "{name}");
        assert!(told.to_string().contains(name) && loaded.problems.len() == 1, "{told}");
        // What it says now counts when its name is right.
        folder.write(
            &format!("endpoints.d/{name}"),
            ORDERS.replace("order*", "bill*").as_bytes(),
        );
        assert_eq!(folder.start().start().unwrap().endpoints, before.endpoints, "{name}");
        folder.rename(name, "orders.toml");
        let loaded = folder.start();
        assert_eq!(
            (loaded.problems.len(), loaded.broken.len(), loaded.held.len()),
            (0, 0, 0),
            "{name}"
        );
        assert_ne!(loaded.endpoints, before.endpoints, "{name}");
    }
}

#[test]
fn a_file_that_was_misnamed_from_its_first_day_holds_what_is_nobody_elses() {
    for name in MISNAMED.into_iter().chain(["my orders.toml", "ORDERS (1).toml"]) {
        let mut folder = Folder::new();
        let bills = ORDERS.replace("order*", "bill*");
        folder.write("endpoints.d/bills.toml", bills.as_bytes());
        folder.rename("orders.toml", name);
        let loaded = folder.start();
        let config = loaded.start().unwrap();
        let runs: Vec<_> = config.endpoints.keys().map(EndpointName::as_str).collect();
        assert_eq!(runs, ["bills", "rest"], "{name}: nothing runs by a name that is none");
        let held = loaded.broken.first().unwrap().to_string();
        assert_eq!(getters(&config), ["bills", &held, "rest"], "{name}");
        assert_eq!(folder.start(), loaded, "{name}: also when it is read again");
        folder.rename(name, &format!("{held}.toml"));
        assert_eq!(
            folder.start().start().unwrap().endpoints.len(),
            3,
            "{name}: its mails are done"
        );
    }
}

#[test]
fn a_file_that_ran_and_has_a_name_that_is_far_away_holds_beside_the_one_that_is_gone() {
    let mut folder = Folder::new();
    folder.start();
    folder.rename("orders.toml", "my orders.toml");
    assert_eq!(
        getters(&folder.start().start().unwrap()),
        ["orders", "my-orders", "rest"]
    );
}
