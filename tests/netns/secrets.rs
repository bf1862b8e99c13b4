//! What only the provider may see.

use std::fs;
use std::path::Path;

use crate::agent::{Agent, PASSWORD};
use crate::lab::in_namespace;
use crate::laboratory::fault::Mode;
use crate::world::{HOME, SOON, World, dial};

#[test]
fn a_password_appears_nowhere_but_in_its_own_file_and_in_the_request() {
    in_namespace("secrets::a_password_appears_nowhere_but_in_its_own_file_and_in_the_request", || {
        let world = World::new();
        dial("203.0.113.10");
        // As Basic authentication sends it; and as one provider's URL does.
        let basic = "YWxpY2U6czNjcmV0LVBhNTUtOWYxYw";
        let custom = format!(
            "[record.own]\nprovider = 'custom'\nhostname = 'own.example.test'\npassword = '{PASSWORD}'\n\
             url = '{}/nic/update?hostname={{host}}&myip={{ip}}&key={{password}}'\ninsecure = true\n\
             allow = ['documentation']\nipv4 = 'wan0'\n",
            world.provider.url()
        );
        let records = world.record("home", HOME, "ipv4 = 'wan0'") + &custom;
        let mut agent = Agent::start_with("log_level = 'debug'", &records);
        assert!(world.provider.wait_for(SOON, |requests| requests.len() == 2));
        assert!(world.requests().iter().any(|request| request.target.contains(PASSWORD)));
        let leaks = |agent: &Agent| {
            let mut seen = vec![agent.log()];
            for words in [
                "status",
                "status --json",
                "why home",
                "why --json home",
                "why own",
                "why --json own",
                "test home",
                "test own",
            ] {
                seen.push(agent.says(words));
            }
            for file in ["cmdline", "environ", "comm", "status", "stat", "maps"] {
                seen.push(String::from_utf8_lossy(&fs::read(agent.proc(file)).unwrap()).into_owned());
            }
            for directory in ["state", "run"] {
                seen.extend(texts(&agent.path(directory)));
            }
            seen.into_iter()
                .filter(|text| text.contains(PASSWORD) || text.contains(basic))
                .collect::<Vec<_>>()
        };
        agent.wait_for_state("own", "parked");
        agent.wait_for_state("home", "idle");
        assert!(agent.says("why own").contains("***"));
        assert_eq!(leaks(&agent), Vec::<String>::new());
        // Failures tell more than successes do.
        for mode in [Mode::ResetAfterRequest, Mode::BadAuth, Mode::Captive, Mode::Http500] {
            let before = world.requests().len();
            world.provider.set(mode.clone());
            agent.says("update --force");
            assert!(world.provider.wait_for(SOON, |requests| requests.len() > before), "{mode}");
            agent.wait_for("own", |status| status.names[0].state != "in-flight");
            agent.wait_for("home", |status| status.names[0].state != "in-flight");
            assert_eq!(leaks(&agent), Vec::<String>::new(), "{mode}");
        }
        agent.kill();
        agent.start_again();
        assert_eq!(leaks(&agent), Vec::<String>::new());
    });
}

fn texts(directory: &Path) -> Vec<String> {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    // A socket has no text.
    files.filter(|file| file.is_file()).map(|file| fs::read_to_string(file).unwrap()).collect()
}
