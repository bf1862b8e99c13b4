//! The packages for OpenWrt: what is in them, and that they are what OpenWrt's own build would make.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use flate2::read::GzDecoder;
use ring::digest::{SHA256, digest};
use tempfile::TempDir;

const EPOCH: &str = "1767225600";

#[test]
fn an_ipk_is_what_opkg_reads() {
    let bench = Bench::new();
    let path = bench.ipk("mipsel_24kc");
    assert!(path.ends_with("wanbeacon_0.1.0-r1_mipsel_24kc.ipk"), "{}", path.display());
    let raw = fs::read(&path).unwrap();
    let outer = members(&raw);
    let names: Vec<&str> = outer.iter().map(|member| member.path.as_str()).collect();
    assert_eq!(names, ["./debian-binary", "./data.tar.gz", "./control.tar.gz"]);
    assert_eq!(outer[0].content, b"2.0\n");
    // gzip's own header: no name, no time.
    for compressed in [&raw, &outer[1].content, &outer[2].content] {
        assert_eq!(&compressed[..8], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    }
    let all = outer
        .iter()
        .chain(&members(&outer[1].content))
        .chain(&members(&outer[2].content))
        .cloned()
        .collect::<Vec<_>>();
    for member in all {
        assert_eq!((member.owner, member.time.to_string().as_str()), ((0, 0), EPOCH), "{}", member.path);
        assert!(member.is_gnu, "{}", member.path);
    }
}

#[test]
fn the_files_of_the_package_are_these_with_these_modes() {
    let bench = Bench::new();
    let (data, _) = parts(&bench.ipk("mipsel_24kc"));
    let files: Vec<(&str, u32)> = data
        .iter()
        .filter(|member| !member.is_directory)
        .map(|file| (file.path.as_str(), file.mode))
        .collect();
    let expected = [
        ("./etc/config/wanbeacon", 0o600),
        ("./etc/init.d/wanbeacon", 0o755),
        ("./lib/upgrade/keep.d/wanbeacon", 0o644),
        ("./usr/sbin/wanbeacon", 0o755),
        ("./usr/share/acl.d/wanbeacon.json", 0o644),
        ("./usr/share/rpcd/acl.d/wanbeacon.json", 0o644),
    ];
    assert_eq!(files, expected);
    assert!(data.iter().filter(|member| member.is_directory).all(|directory| directory.mode == 0o755));
    let content = |path: &str| &data.iter().find(|member| member.path == path).unwrap().content;
    assert_eq!(content("./usr/sbin/wanbeacon"), &fs::read(&bench.binary).unwrap());
    assert_eq!(
        content("./etc/init.d/wanbeacon"),
        &fs::read(repository("openwrt/wanbeacon/files/wanbeacon.init")).unwrap()
    );
    // What the user has put there survives sysupgrade; the configuration does so as a conffile.
    assert_eq!(content("./lib/upgrade/keep.d/wanbeacon"), b"/etc/hotplug.d/wanbeacon/\n/etc/wanbeacon/\n");
}

#[test]
fn the_control_fields_are_complete_and_none_is_empty() {
    let bench = Bench::new();
    let path = bench.ipk("mipsel_24kc");
    let (_, control) = parts(&path);
    let names: Vec<(&str, u32)> = control.iter().map(|member| (member.path.as_str(), member.mode)).collect();
    let expected = [
        ("./", 0o755),
        ("./conffiles", 0o644),
        ("./control", 0o644),
        ("./postinst", 0o755),
        ("./postinst-pkg", 0o755),
        ("./postrm", 0o755),
        ("./prerm", 0o755),
    ];
    assert_eq!(names, expected);
    let fields = fields(&text(&control, "./control"));
    let outer = members(&fs::read(&path).unwrap());
    let size = unpacked(&outer[1].content).len().to_string();
    for (name, value) in [
        ("Package", "wanbeacon"),
        ("Version", "0.1.0-r1"),
        ("Depends", "libc, ca-bundle"),
        ("License", env!("CARGO_PKG_LICENSE")),
        ("Section", "net"),
        ("Require-User", "wanbeacon:wanbeacon"),
        ("SourceDateEpoch", EPOCH),
        ("Architecture", "mipsel_24kc"),
        ("Installed-Size", &size),
    ] {
        assert_eq!(fields.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(
        fields.contains_key("Description") && fields.contains_key("Maintainer") && fields.contains_key("URL")
    );
    assert!(fields.values().all(|value| !value.trim().is_empty()), "{fields:?}");
    assert_eq!(text(&control, "./conffiles"), "/etc/config/wanbeacon\n");
}

#[test]
fn the_scripts_call_openwrts_own_and_leave_an_image_alone() {
    let bench = Bench::new();
    let (_, control) = parts(&bench.ipk("x86_64"));
    for (name, call) in [("./postinst", "default_postinst $0 $@"), ("./prerm", "default_prerm $0 $@")] {
        let script = text(&control, name);
        assert!(script.starts_with("#!/bin/sh\n") && script.ends_with(&format!("{call}\n")), "{script}");
        assert!(script.contains("[ -s ${IPKG_INSTROOT}/lib/functions.sh ] || exit 0\n"), "{script}");
    }
    for name in ["./postinst-pkg", "./postrm"] {
        let script = text(&control, name);
        let place = bench.directory.path().join("script");
        fs::write(&place, &script).unwrap();
        assert!(run("busybox", &["ash", "-n", place.to_str().unwrap()]).status.success(), "{script}");
        // Nothing of it may touch the machine that builds an image: without a PATH, any command would fail aloud.
        let ran = Command::new("/bin/sh")
            .arg(&place)
            .env("IPKG_INSTROOT", "/image")
            .env("PATH", "")
            .output()
            .unwrap();
        assert!(ran.status.success() && ran.stderr.is_empty(), "{ran:?}");
    }
}

/// The file that is left after a removal would contain passwords; after an upgrade the agent still needs it.
#[test]
fn only_a_removal_takes_the_rendered_configuration_away() {
    let bench = Bench::new();
    let (_, control) = parts(&bench.ipk("x86_64"));
    let root = bench.directory.path();
    let script = text(&control, "./postrm").replace(" /var/", &format!(" {}/var/", root.display()));
    let script = script.replace(" /etc/", &format!(" {}/etc/", root.display()));
    fs::write(root.join("postrm"), script).unwrap();
    for (argument, remains) in [("upgrade", true), ("remove", false), ("0.1.0-r1", false)] {
        fs::create_dir_all(root.join("var/run/wanbeacon")).unwrap();
        fs::create_dir_all(root.join("etc/hotplug.d/wanbeacon")).unwrap();
        assert!(run("busybox", &["ash", root.join("postrm").to_str().unwrap(), argument]).status.success());
        assert_eq!(root.join("var/run/wanbeacon").exists(), remains, "{argument}");
        assert_eq!(root.join("etc/hotplug.d/wanbeacon").exists(), remains, "{argument}");
    }
    fs::create_dir_all(root.join("etc/hotplug.d/wanbeacon")).unwrap();
    fs::write(root.join("etc/hotplug.d/wanbeacon/10-mine"), "").unwrap();
    run("busybox", &["ash", root.join("postrm").to_str().unwrap(), "remove"]);
    assert!(root.join("etc/hotplug.d/wanbeacon/10-mine").exists());
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let (first, second) = (Bench::new(), Bench::new());
    let one = first.ipk("x86_64");
    // Another directory, another user with other habits, another day.
    let elsewhere = second.directory.path().join("copy");
    copy(&repository("openwrt"), &elsewhere.join("openwrt"));
    let script = format!(
        "umask 077; cd /; TZ=Asia/Tokyo LANG=C.UTF-8 GZIP=-1 exec {}/openwrt/package x86_64 --ipk --binary {}",
        elsewhere.display(),
        second.binary.display()
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]).envs(second.environment());
    if rustix::process::geteuid().is_root() {
        let directory = second.directory.path().to_str().unwrap();
        assert!(run("chown", &["-R", "65534:65534", directory]).status.success());
        command.uid(65534);
    }
    assert!(command.output().unwrap().status.success());
    let two = second.output("wanbeacon_0.1.0-r1_x86_64.ipk");
    assert!(fs::read(one).unwrap() == fs::read(two).unwrap());
}

#[test]
fn every_architecture_has_one_target_and_gets_its_package() {
    let bench = Bench::new();
    let mut all = BTreeSet::new();
    for target in targets() {
        bench.write_elf(&target.elf);
        let output = bench.package(&[&target.triple, "--ipk"]);
        assert!(output.status.success(), "{output:?}");
        for architecture in target.architectures {
            assert!(all.insert(architecture.clone()), "{architecture} is listed twice");
            let (_, control) = parts(&bench.output(&format!("wanbeacon_0.1.0-r1_{architecture}.ipk")));
            assert_eq!(fields(&text(&control, "./control"))["Architecture"], architecture);
        }
    }
    // The names that the project promises, as OpenWrt spells them.
    for name in [
        "aarch64_cortex-a53",
        "aarch64_generic",
        "arm_arm926ej-s",
        "arm_cortex-a7_neon-vfpv4",
        "i386_pentium4",
        "mips_24kc",
        "mipsel_24kc",
        "riscv64_generic",
        "x86_64",
    ] {
        assert!(all.contains(name), "{name}");
    }
}

#[test]
fn a_binary_for_another_machine_is_refused() {
    let bench = Bench::new();
    for (elf, target, said) in [
        (
            "ELF32,little,R3000,soft",
            "mips_24kc",
            "its ELF header says ELF32,little,R3000,soft, mips-unknown-linux-musl has ELF32,big,R3000,soft",
        ),
        (
            "ELF32,little,ARM,hard",
            "arm_cortex-a9",
            "its ELF header says ELF32,little,ARM,hard, armv7-unknown-linux-musleabi has ELF32,little,ARM,soft",
        ),
        (
            "ELF64,little,X86-64",
            "i386_pentium4",
            "its ELF header says ELF64,little,X86-64, i686-unknown-linux-musl has ELF32,little,80386",
        ),
        (
            "ELF64,big,22",
            "x86_64",
            "its ELF header says ELF64,big,22, x86_64-unknown-linux-musl has ELF64,little,X86-64",
        ),
    ] {
        bench.write_elf(elf);
        refused(&bench.package(&[target, "--ipk"]), said);
    }
    fs::write(&bench.binary, "#!/bin/sh\n").unwrap();
    refused(&bench.package(&["x86_64", "--ipk"]), "is not a program: it has no ELF header");
    fs::write(&bench.binary, "\u{7f}ELF").unwrap();
    refused(&bench.package(&["x86_64", "--ipk"]), "its ELF header is cut off");
    fs::remove_file(&bench.binary).unwrap();
    refused(&bench.package(&["x86_64", "--ipk"]), "docs/building.md");
    assert!(!bench.directory.path().join("target/openwrt").exists());
}

#[test]
fn wrong_words_are_refused() {
    let bench = Bench::new();
    refused(&bench.package(&["mipsel_24k"]), "no target and no architecture is called 'mipsel_24k'");
    // A column of the table that is no name.
    refused(
        &bench.package(&["ELF32,little,ARM,soft"]),
        "no target and no architecture is called 'ELF32,little,ARM,soft'",
    );
    for words in [&[][..], &["x86_64", "mips_24kc"], &["x86_64", "--deb"]] {
        refused(&bench.package(words), "openwrt/package TARGET [--ipk] [--apk] [--binary FILE]");
    }
}

/// Without apk-tools it is said, and only who asked for an .apk is left without what was asked for.
#[test]
fn a_missing_apk_is_said() {
    let bench = Bench::new();
    let lacking = |words: &[&str]| bench.command(words).env("APK", "/nonexistent/apk").output().unwrap();
    let output = lacking(&["x86_64"]);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("no .apk is made"), "{output:?}");
    let output = lacking(&["x86_64", "--apk"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("an .apk needs apk-tools 3"), "{output:?}");
}

/// The arguments of `apk mkpkg`, its scripts and its files, by a stand-in for apk that keeps what it is given.
#[test]
fn an_apk_is_made_of_the_same_facts() {
    let bench = Bench::new();
    let kept = bench.directory.path().join("kept");
    let apk = bench.directory.path().join("apk");
    let stand_in = format!(
        "#!/bin/sh\n[ \"$1\" != --version ] || {{ echo 'apk-tools 3.0.5, compiled for here.'; exit; }}\nmkdir {0}\n\
         printf '%s\\n' \"$@\" >{0}/arguments\ncp -a \"$3\" {0}/files\nwhile [ $# -gt 0 ]; do\n\
         [ \"$1\" != --script ] || cp \"${{2#*:}}\" {0}/\n[ \"$1\" != --output ] || echo package >\"$2\"\nshift\ndone\n",
        kept.display()
    );
    fs::write(&apk, stand_in).unwrap();
    fs::set_permissions(&apk, fs::Permissions::from_mode(0o755)).unwrap();
    let output = bench.command(&["x86_64", "--apk"]).env("APK", &apk).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(bench.output("wanbeacon-0.1.0-r1_x86_64.apk").exists());

    let arguments = fs::read_to_string(kept.join("arguments")).unwrap();
    for information in [
        "name:wanbeacon",
        "version:0.1.0-r1",
        "arch:x86_64",
        "depends:libc ca-bundle",
        concat!("license:", env!("CARGO_PKG_LICENSE")),
    ] {
        assert!(arguments.contains(&format!("--info\n{information}\n")), "{information}: {arguments}");
    }
    let read = |name: &str| fs::read_to_string(kept.join(name)).unwrap();
    let lists = "files/lib/apk/packages/wanbeacon";
    assert_eq!(read(&format!("{lists}.rusers")), "wanbeacon:wanbeacon\n");
    assert_eq!(
        read(&format!("{lists}.list")),
        "/etc/config/wanbeacon\n/etc/init.d/wanbeacon\n/lib/apk/packages/wanbeacon.rusers\n\
         /lib/upgrade/keep.d/wanbeacon\n/usr/sbin/wanbeacon\n/usr/share/acl.d/wanbeacon.json\n\
         /usr/share/rpcd/acl.d/wanbeacon.json\n"
    );
    let config = fs::read(repository("openwrt/wanbeacon/files/wanbeacon.config")).unwrap();
    let sum: String = digest(&SHA256, &config).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(read(&format!("{lists}.conffiles_static")), format!("/etc/config/wanbeacon {sum}\n"));
    assert_eq!(read(&format!("{lists}.conffiles")).lines().count(), 3);

    let install = read("post-install");
    let users = install.find("add_group_and_user\n").unwrap();
    let start = install.find("default_postinst\n").unwrap();
    assert!(users < start && start < install.find("killall -HUP ubusd").unwrap(), "{install}");
    assert_eq!(install.matches("#!").count(), 1);
    assert!(read("post-upgrade").starts_with("#!/bin/sh\nexport PKG_UPGRADE=1\n"));
    assert!(read("pre-deinstall").ends_with("default_prerm\n"));
    assert!(read("post-deinstall").contains("rm -rf /var/run/wanbeacon\n"));
}

/// Both package managers must take it for older than the release, and apk refuses the spelling of SemVer.
#[test]
fn a_pre_release_is_spelled_as_the_package_managers_want() {
    let bench = Bench::new();
    let copied = bench.directory.path().join("copy");
    copy(&repository("openwrt"), &copied.join("openwrt"));
    let makefile = copied.join("openwrt/wanbeacon/Makefile");
    let original = fs::read_to_string(&makefile).unwrap();
    for (version, name) in [
        ("1.2.0-rc.1", Some("wanbeacon_1.2.0~rc1-r1_x86_64.ipk")),
        ("1.2.0-alpha", Some("wanbeacon_1.2.0~alpha-r1_x86_64.ipk")),
        ("1.2.0", Some("wanbeacon_1.2.0-r1_x86_64.ipk")),
        ("1.2.0-nightly.3", None),
        ("1.2.0-rc.1.2", None),
        ("1.2.0+build", None),
    ] {
        fs::write(&makefile, original.replace("PKG_VERSION:=0.1.0", &format!("PKG_VERSION:={version}")))
            .unwrap();
        let output = Command::new(copied.join("openwrt/package"))
            .args(["x86_64", "--ipk", "--binary"])
            .arg(&bench.binary)
            .envs(bench.environment())
            .output()
            .unwrap();
        match name {
            Some(name) => assert!(bench.output(name).exists(), "{version}: {output:?}"),
            None => {
                assert_eq!(output.status.code(), Some(1), "{version}");
                assert!(String::from_utf8_lossy(&output.stderr).contains(version), "{output:?}");
            }
        }
    }
}

#[test]
fn the_feed_and_the_crate_agree() {
    let makefile = fs::read_to_string(repository("openwrt/wanbeacon/Makefile")).unwrap();
    for line in [
        concat!("PKG_VERSION:=", env!("CARGO_PKG_VERSION")),
        concat!("PKG_LICENSE:=", env!("CARGO_PKG_LICENSE")),
        "include $(TOPDIR)/feeds/packages/lang/rust/rust-package.mk",
        "$(eval $(call RustBinPackage,wanbeacon))",
        "$(eval $(call BuildPackage,wanbeacon))",
        "  DEPENDS:=$(RUST_ARCH_DEPENDS) +ca-bundle",
    ] {
        assert!(makefile.lines().any(|found| found == line), "{line}");
    }
    for file in makefile.split("PKG_LICENSE_FILES:=").nth(1).unwrap().lines().next().unwrap().split(' ') {
        assert!(repository(file).exists(), "{file}");
    }
    // The feed's own checks run it with the package's name and version.
    let test = fs::read_to_string(repository("openwrt/wanbeacon/test.sh")).unwrap();
    // Its last command wants the configuration that the package has installed.
    let (version, check) = test.trim_end().rsplit_once('\n').unwrap();
    assert!(check.starts_with("wanbeacon check "), "{check}");
    let folder = Path::new(env!("CARGO_BIN_EXE_wanbeacon")).parent().unwrap();
    let version = format!("PATH='{}':$PATH\n{version}", folder.display());
    for (said, passes) in [(env!("CARGO_PKG_VERSION"), true), ("9.9.9", false)] {
        let output = run("busybox", &["ash", "-c", &version, "test.sh", "wanbeacon", said]);
        assert_eq!(output.status.success(), passes, "{output:?}");
    }
}

#[test]
fn the_page_is_one_small_package_for_all_architectures_and_speaks_german() {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(repository("openwrt/package"))
        .args(["luci", "--ipk"])
        .env("SOURCE_DATE_EPOCH", EPOCH)
        .env("CARGO_TARGET_DIR", directory.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let path = directory.path().join("openwrt/luci-app-wanbeacon_0.1.0-r1_all.ipk");
    let size = fs::metadata(&path).unwrap().len();
    assert!(size < 30_000, "{size} bytes");
    let (data, _) = parts(&path);
    let mode = |path: &str| data.iter().find(|member| member.path == path).map(|member| member.mode);
    // rpcd runs what has the bit, and looks at it only then.
    assert_eq!(mode("./usr/libexec/rpcd/luci.wanbeacon"), Some(0o755));
    assert_eq!(mode("./www/luci-static/resources/view/wanbeacon/overview.js"), Some(0o644));
    let german = data.iter().find(|member| member.path.ends_with("i18n/wanbeacon.de.lmo")).unwrap();
    let index = u32::from_be_bytes(german.content[german.content.len() - 4..].try_into().unwrap()) as usize;
    let entries = (german.content.len() - 4 - index) / 16;
    assert!(entries > 150, "{entries} strings");
    // What LuCI's own po2lmo makes of msgid "Published", hash and all.
    let key = 0xfb8c_4c58_u32.to_be_bytes();
    let at = german.content[index..].chunks(16).find(|entry| entry[..4] == key).expect("the hash of LuCI");
    let word = |from: usize| u32::from_be_bytes(at[from..from + 4].try_into().unwrap()) as usize;
    assert_eq!(&german.content[word(8)..word(8) + word(12)], "Veröffentlicht".as_bytes());
}

#[test]
fn the_grants_are_json_and_reading_is_apart_from_writing() {
    let json = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(repository("openwrt/wanbeacon/files").join(name)).unwrap()).unwrap()
    };
    let ubus = json("ubus-acl.json");
    assert_eq!(ubus["user"], "wanbeacon");
    assert_eq!(ubus["publish"], serde_json::json!(["wanbeacon"]));
    let rpcd = json("rpcd-acl.json");
    let granted = |access: &str| rpcd["wanbeacon"][access]["ubus"]["wanbeacon"].to_string();
    assert!(!granted("read").contains("update") && granted("write").contains("update"), "{rpcd}");
    // To read the section is to read the passwords.
    assert!(rpcd["wanbeacon"]["read"]["uci"].is_null(), "{rpcd}");
    // A list without functions would grant "write" alone, and nobody can edit what he cannot see.
    assert_eq!(rpcd["wanbeacon"]["write"]["uci"]["wanbeacon"], serde_json::json!(["read", "write"]));
}

#[test]
fn the_shell_scripts_are_sound() {
    let scripts = [
        repository("openwrt/package"),
        repository("openwrt/release"),
        repository("openwrt/luci-app-wanbeacon/root/usr/libexec/rpcd/luci.wanbeacon"),
        repository("openwrt/wanbeacon/test.sh"),
        repository("openwrt/wanbeacon/files/wanbeacon.init"),
        repository("tests/luci/run"),
        repository("tests/data/openwrt/wanbeacon"),
    ];
    for script in scripts {
        let output = Command::new("shellcheck").arg("--norc").arg(&script).output().expect("shellcheck");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    for name in ["files/wanbeacon.init", "test.sh"] {
        let script = repository("openwrt/wanbeacon").join(name);
        assert!(run("busybox", &["ash", "-n", script.to_str().unwrap()]).status.success(), "{name}");
    }
}

/// A tag can be moved to other code, a commit cannot.
#[test]
fn the_workflows_take_foreign_code_by_its_commit_and_steps_from_the_repository() {
    let release = fs::read_to_string(repository("openwrt/release")).unwrap();
    for name in ["ci.yml", "release.yml"] {
        let workflow = fs::read_to_string(repository(".github/workflows").join(name)).unwrap();
        for action in workflow.lines().filter_map(|line| line.split_once("uses: ")).map(|(_, action)| action)
        {
            let (_, version) = action.split_once('@').expect(action);
            let commit = version.split(' ').next().unwrap();
            assert!(
                commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{name}: {action}"
            );
        }
        for step in workflow.lines().filter_map(|line| line.split_once("run: openwrt/release ")) {
            let word = step.1.split(' ').next().unwrap();
            assert!(release.contains(&format!("\n{word}:")), "{name}: openwrt/release has no step {word}");
        }
        assert!(workflow.contains("\npermissions:"), "{name}");
    }
}

/// Otherwise the first `uci commit` and `reload_config` after an installation would change nothing.
#[test]
fn the_configuration_is_known_to_reload_config_from_the_installation_on() {
    let bench = Bench::new();
    let (_, control) = parts(&bench.ipk("x86_64"));
    let root = bench.directory.path();
    let place = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let script = text(&control, "./postinst-pkg");
    let script = script
        .replace("=/var/run/", &format!("={}/", place("run")))
        .replace("/etc/init.d/", &place("init.d/"));
    let stand_ins = "killall() { echo killall \"$@\"; }\nreload_config() { echo reload_config; }\n\
                     uci() { echo 'wanbeacon.home=record'; }\n";
    fs::write(root.join("postinst"), format!("{stand_ins}{script}")).unwrap();
    fs::create_dir_all(root.join("run")).unwrap();
    let install = || {
        let output = run("busybox", &["ash", &place("postinst")]);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(install(), "killall -HUP ubusd\nreload_config\n");

    let (seen, other) = (place("run/config.check/wanbeacon"), "0123  /var/run/config.check/network\n");
    // md5 of what the stand-in for uci prints.
    let own = format!("d0cdcf8d307b4cc3ff9808a5b68f7953  {seen}\n");
    for before in [other.to_owned(), format!("4567  {seen}\n{other}")] {
        fs::write(root.join("run/config.md5"), before).unwrap();
        assert_eq!(install(), "killall -HUP ubusd\n");
        assert_eq!(fs::read_to_string(root.join("run/config.md5")).unwrap(), format!("{other}{own}"));
        assert!(!root.join("run/config.check").exists());
    }
}

/// A place to make packages in, with a binary of 40 bytes: nothing but the beginning of an ELF header.
struct Bench {
    directory: TempDir,
    binary: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let binary = directory.path().join("binary");
        let bench = Self { directory, binary };
        bench.write_elf("ELF64,little,X86-64");
        bench
    }

    /// `elf` as in `openwrt/targets`; a machine without a name there is its number.
    fn write_elf(&self, elf: &str) {
        let words: Vec<&str> = elf.split(',').collect();
        let class = if words[0] == "ELF64" { 2 } else { 1 };
        // elf.h of the kernel.
        let machine: u16 = match words[2] {
            "80386" => 3,
            "R3000" => 8,
            "ARM" => 40,
            "X86-64" => 62,
            "AArch64" => 183,
            "RISC-V" => 243,
            number => number.parse().unwrap(),
        };
        let (order, machine) = match words[1] {
            "little" => (1, machine.to_le_bytes()),
            _ => (2, machine.to_be_bytes()),
        };
        let mut header = vec![0x7f, b'E', b'L', b'F', class, order, 1];
        header.resize(18, 0);
        header.extend(machine);
        header.resize(40, 0);
        // EF_ARM_ABI_FLOAT_HARD or _SOFT in the second byte of e_flags.
        header[37] = if words.last() == Some(&"hard") { 4 } else { 2 };
        fs::write(&self.binary, header).unwrap();
    }

    fn environment(&self) -> [(&'static str, PathBuf); 2] {
        [
            ("CARGO_TARGET_DIR", self.directory.path().join("target")),
            ("SOURCE_DATE_EPOCH", PathBuf::from(EPOCH)),
        ]
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(repository("openwrt/package"));
        command.args(words).arg("--binary").arg(&self.binary).envs(self.environment());
        command
    }

    fn package(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    fn output(&self, name: &str) -> PathBuf {
        self.directory.path().join("target/openwrt").join(name)
    }

    /// Makes the package of one architecture from a binary that fits.
    fn ipk(&self, architecture: &str) -> PathBuf {
        let is_it = |target: &Target| target.architectures.iter().any(|name| name == architecture);
        self.write_elf(&targets().into_iter().find(is_it).unwrap().elf);
        let output = self.package(&[architecture, "--ipk"]);
        assert!(output.status.success(), "{output:?}");
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
    }
}

struct Target {
    triple: String,
    elf: String,
    architectures: Vec<String>,
}

fn targets() -> Vec<Target> {
    let table = fs::read_to_string(repository("openwrt/targets")).unwrap();
    let rows = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let target = |row: &str| {
        let mut words: Vec<String> = row.split_whitespace().map(str::to_owned).collect();
        let architectures = words.split_off(3);
        assert!(!architectures.is_empty(), "{row}");
        Target { triple: words[0].clone(), elf: words[1].clone(), architectures }
    };
    rows.map(target).collect()
}

#[derive(Clone)]
struct Member {
    path: String,
    mode: u32,
    owner: (u64, u64),
    time: u64,
    is_directory: bool,
    is_gnu: bool,
    content: Vec<u8>,
}

fn members(compressed: &[u8]) -> Vec<Member> {
    let unpacked = unpacked(compressed);
    let mut archive = tar::Archive::new(unpacked.as_slice());
    let member = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let header = entry.header();
        Member {
            path: entry.path().unwrap().to_str().unwrap().to_owned(),
            mode: header.mode().unwrap(),
            owner: (header.uid().unwrap(), header.gid().unwrap()),
            time: header.mtime().unwrap(),
            is_directory: header.entry_type().is_dir(),
            is_gnu: header.as_gnu().is_some() && header.username() == Ok(Some("")),
            content,
        }
    };
    archive.entries().unwrap().map(member).collect()
}

/// What is installed, and what is said about it.
fn parts(ipk: &Path) -> (Vec<Member>, Vec<Member>) {
    let outer = members(&fs::read(ipk).unwrap());
    (members(&outer[1].content), members(&outer[2].content))
}

fn unpacked(compressed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(compressed).read_to_end(&mut bytes).unwrap();
    bytes
}

fn text(members: &[Member], path: &str) -> String {
    let member = members.iter().find(|member| member.path == path).expect(path);
    String::from_utf8(member.content.clone()).unwrap()
}

/// A line that begins with a blank continues the one before.
fn fields(control: &str) -> BTreeMap<String, String> {
    let joined = control.replace("\n ", " ");
    let field = |line: &str| {
        let (name, value) = line.split_once(':').expect(line);
        (name.to_owned(), value.trim_start().to_owned())
    };
    joined.lines().map(field).collect()
}

fn refused(output: &Output, said: &str) {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains(said), "{error}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    assert!(run("cp", &["-a", from.to_str().unwrap(), to.to_str().unwrap()]).status.success());
}

fn run(program: &str, words: &[&str]) -> Output {
    Command::new(program).args(words).output().expect(program)
}

fn repository(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
