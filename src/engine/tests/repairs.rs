//! What somebody else changes at the provider.

use super::visible::*;
use super::*;

#[test]
fn what_is_changed_or_deleted_at_the_provider_is_repaired_once_and_then_left_alone() {
    for stranger in [&[][..], &[B]] {
        let mut bench = Bench::at_peace();
        let (job, slept) = bench.next_look();
        assert!(is_slow(slept), "{slept:?}");
        let look = bench.repaired(job, stranger);
        assert_eq!(bench.checked(look, all(&[A])), []);
        assert_eq!(
            bench.engine.status(bench.now()).records[0].event_to_visible_ms,
            Some(500.0),
            "not of the repair"
        );
        let (job, _) = bench.next_look();
        let reports = bench.reports(job, all(stranger));
        let [Report::Shown { what, is_trouble: true, .. }] = reports.as_slice() else {
            panic!("{reports:?}")
        };
        assert!(what.contains("again and again") && bench.shown().as_ref() == Some(what), "{what}");
        let mut last = job;
        for _ in 0..20 {
            let (job, slept) = bench.next_look();
            assert!(is_slow(slept), "{slept:?}");
            assert_eq!(bench.reports(job, all(stranger)), [], "told once, and never repaired");
            last = job;
        }
        let sent = bench.sees(&["81.2.0.9"]);
        assert_eq!(sent, [send(last + 1, "81.2.0.9")], "a new address goes as ever");
        bench.good(last + 1);
        let (job, _) = bench.next_look();
        bench.checked(job, all(&["81.2.0.9"]));
        let (job, _) = bench.next_look();
        assert_eq!(bench.checked(job, all(stranger)), [send(job + 1, "81.2.0.9")], "and is defended again");
    }
}

#[test]
fn a_change_more_than_a_day_after_the_last_repair_is_repaired_again() {
    let mut bench = Bench::at_peace();
    let (job, _) = bench.next_look();
    let mut look = bench.repaired(job, &[]);
    for _ in 0..5 {
        assert_eq!(bench.checked(look, all(&[A])), []);
        look = bench.next_look().0;
    }
    bench.repaired(look, &[]);
}

#[test]
fn a_repair_keeps_to_the_limits_and_a_refusal_of_it_parks() {
    let limits = vec![Limit { count: 1, window: Duration::from_secs(8 * 3600) }];
    let mut bench = Bench::new(only(verified(Manners { limits, ..Manners::default() })));
    bench.sees(&[A]);
    bench.checked(1, all(&[]));
    bench.good(2);
    let (job, _) = bench.next_look();
    bench.checked(job, all(&[A]));
    let (job, _) = bench.next_look();
    assert_eq!(bench.checked(job, all(&[])), []);
    let (actions, _, reason) = bench.wake();
    assert_eq!((actions, reason), (vec![send(job + 1, A)], WakeReason::Pacing));
    bench.reply(job + 1, refused(Refusal::Credentials));
    assert!(bench.sleeps_for_good(), "until a person acts");
}

#[test]
fn update_looks_now_and_defends_what_was_left_alone() {
    let mut bench = Bench::at_peace();
    let (job, _) = bench.next_look();
    let look = bench.repaired(job, &[]);
    bench.checked(look, all(&[A]));
    let (job, _) = bench.next_look();
    assert_eq!(bench.checked(job, all(&[])), [], "left alone");
    bench.pass(HALF);
    let update = Event::Update { records: Vec::new(), force: false };
    assert_eq!(bench.looks(update), [check(job + 1)]);
    assert_eq!(bench.checked(job + 1, all(&[])), [send(job + 2, A)]);
}

#[test]
fn servers_that_disagree_are_the_providers_to_mend() {
    let mut bench = Bench::at_peace();
    let (right, wrong): (&[&str], &[&str]) = (&[A], &[B]);
    let (job, _) = bench.next_look();
    assert_eq!(bench.checked(job, servers(&[Ok(right), Ok(wrong)])), []);
    assert_eq!(bench.shown().unwrap(), "ns2 shows 81.2.0.2, others do not");
    let (job, slept) = bench.next_look();
    assert!(is_slow(slept), "{slept:?}");
    assert_eq!(bench.checked(job, all(right)), []);
    assert_eq!(bench.shown(), None);
}

#[test]
fn while_the_line_is_down_nobody_looks_and_nothing_is_repaired() {
    let mut bench = Bench::at_peace();
    let (job, _) = bench.next_look();
    assert_eq!(bench.sees(&[]), []);
    assert_eq!(bench.checked(job, all(&[])), []);
    assert!(bench.sleeps_for_good());
    bench.pass(DAY);
    assert_eq!(bench.sees(&[A]), [check(job + 1)], "the look that was due meanwhile");
}
