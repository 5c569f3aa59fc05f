//! Secrets and roots that are rotated under the running program, as the kubelet does it: names are links through `..data`, and an update
//! swaps that one link.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    time::Duration,
};

use mailjob_testbed::{Answer, Mailjob, Options, PASSWORD, Receiver, Tls, World};

use crate::letters::letter;

/// Longer than the wait after a few failed connections.
const PATIENCE: Duration = Duration::from_secs(90);

const ADA: &str = "ada@example.test";

/// A mounted Secret of one file.
struct Mount {
    folder: PathBuf,
    versions: usize,
}

impl Mount {
    fn new(folder: PathBuf, name: &str, content: &[u8]) -> Self {
        fs::create_dir(&folder).unwrap();
        symlink(Path::new("..data").join(name), folder.join(name)).unwrap();
        let mut mount = Self { folder, versions: 0 };
        mount.swap(name, content);
        mount
    }

    fn swap(&mut self, name: &str, content: &[u8]) {
        self.versions += 1;
        let version = format!("..version_{}", self.versions);
        let file = self.folder.join(&version).join(name);
        fs::create_dir(self.folder.join(&version)).unwrap();
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&version, self.folder.join("..data_tmp")).unwrap();
        fs::rename(self.folder.join("..data_tmp"), self.folder.join("..data")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_password_and_a_rotated_ca_file_are_picked_up() {
    let mut world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("ok")).await.unwrap();
    let mut mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    let mut secret = Mount::new(mailjob.dir().join("secret"), "password", PASSWORD.as_bytes());
    let ca = fs::read(&world.tls.ca).unwrap();
    let mut roots = Mount::new(mailjob.dir().join("roots"), "ca.pem", &ca);
    let account = format!(
        "user = \"{ADA}\"\npassword = {{ file = \"secret/password\" }}\nca_file = \"roots/ca.pem\"\n\
         imap = {{ host = \"localhost\", port = {} }}",
        world.dovecot.imaps
    );
    mailjob.account_as("ada", &account).unwrap();
    let endpoint = format!(
        "[mailbox]\naccount = \"ada\"\n[webhook]\nurl = \"{}\"\nallow_private_network = true\n",
        receiver.url("/hook")
    );
    mailjob.endpoint("ada", &endpoint).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();
    receiver.wait_for(1, PATIENCE).await.unwrap();

    world.dovecot.stop();
    world.dovecot.change_password("another-password").unwrap();
    secret.swap("password", b"another-password");
    world.dovecot.start().await.unwrap();
    world.dovecot.deliver(ADA, &letter(2)).await.unwrap();
    receiver.wait_for(2, PATIENCE).await.unwrap();

    let new = Tls::new(&world.dir().join("new-authority")).unwrap();
    world.dovecot.stop();
    world.dovecot.change_certificate(&world.tls, &new).unwrap();
    roots.swap("ca.pem", &fs::read(&new.ca).unwrap());
    world.dovecot.start().await.unwrap();
    world.dovecot.deliver(ADA, &letter(3)).await.unwrap();
    receiver.wait_for(3, PATIENCE).await.unwrap();
    assert_eq!(mailjob.term().unwrap(), 0);
}
