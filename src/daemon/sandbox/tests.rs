use super::*;
use std::os::unix::fs::symlink;

#[test]
fn a_chain_of_links_is_within_reach_with_all_its_directories() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    for name in ["etc", "tmp", "tmp/resolv.conf.d"] {
        fs::create_dir(path(name)).unwrap();
    }
    symlink("../tmp/resolv.conf", path("etc/resolv.conf")).unwrap();
    symlink(path("tmp/resolv.conf.d/resolv.conf.auto"), path("tmp/resolv.conf")).unwrap();
    fs::write(path("tmp/resolv.conf.d/resolv.conf.auto"), "").unwrap();
    let mut reach = Reach::default();
    reach.may_read(&path("etc/resolv.conf"));
    let wanted = [path("etc"), path("etc/../tmp"), path("tmp/resolv.conf.d")];
    assert_eq!(reach.read, BTreeSet::from(wanted));
    assert!(reach.covers(&path("etc/resolv.conf")));
    assert!(!reach.covers(dir.path()));
}

#[test]
fn a_file_in_the_root_directory_does_not_open_everything() {
    let mut reach = Reach::default();
    reach.may_read(Path::new("/wanbeacon.toml"));
    assert_eq!(reach.read, BTreeSet::from([PathBuf::from("/wanbeacon.toml")]));
}

#[test]
fn links_in_a_circle_come_to_an_end() {
    let dir = tempfile::tempdir().unwrap();
    symlink("b", dir.path().join("a")).unwrap();
    symlink("a", dir.path().join("b")).unwrap();
    let mut reach = Reach::default();
    reach.may_read(&dir.path().join("a"));
    assert_eq!(reach.read, BTreeSet::from([dir.path().to_owned()]));
}

#[test]
fn a_sandbox_is_said_in_one_line() {
    let mut sandbox = Sandbox {
        user: "wanbeacon".to_owned(),
        no_new_privs: true,
        capabilities: Vec::new(),
        landlock: "ABI 3".to_owned(),
        seccomp: "on".to_owned(),
        jail: false,
    };
    assert_eq!(
        sandbox.line(),
        "user wanbeacon, no new privileges, no capabilities, Landlock ABI 3, seccomp on"
    );
    (sandbox.jail, sandbox.no_new_privs) = (true, false);
    sandbox.landlock = "not in this kernel".to_owned();
    sandbox.capabilities = vec!["NET_RAW".to_owned()];
    assert_eq!(
        sandbox.line(),
        "user wanbeacon, new privileges are possible, capabilities NET_RAW, Landlock not in this kernel, seccomp on, \
         in a jail"
    );
}
