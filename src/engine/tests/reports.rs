//! What a person is told unasked.

use super::*;

#[test]
fn the_milliseconds_of_a_publication_count_from_the_kernels_event() {
    let mut bench = Bench::simple();
    bench.see(&[A]);
    bench.pass(Duration::from_millis(250));
    let reply = Event::Reply {
        job: JobId(1),
        outcome: Outcome::Answered(vec![Verdict::Good]),
        exchange: Exchange::default(),
    };
    let reports = bench.all(reply);
    let published = reports.iter().find_map(|action| {
        let Action::Report(Report::Published { event_ms, changes, .. }) = action else { return None };
        Some((*event_ms, changes.clone()))
    });
    let change = Change { address: A.parse().unwrap(), previous: None };
    assert_eq!(published, Some((Some(250.0), vec![change])));
    assert_eq!(bench.engine.status(bench.now()).records[0].event_to_answer_ms, Some(250.0));
}

#[test]
fn the_first_success_after_what_was_told_is_a_recovery_whatever_led_to_it() {
    let recovered = |bench: &mut Bench, job| {
        let outcome = Outcome::Answered(vec![Verdict::Good]);
        let actions = bench.all(Event::Reply { job: JobId(job), outcome, exchange: Exchange::default() });
        actions.into_iter().find_map(|action| {
            let Action::Report(Report::Published { recovered, .. }) = action else { return None };
            Some(recovered)
        })
    };
    let all = || Event::Update { records: Vec::new(), force: false };
    for trouble in [busy(None), refused(Refusal::Credentials)] {
        let mut bench = Bench::simple();
        bench.see(&[A]);
        assert_eq!(recovered(&mut bench, 1), Some(false));
        assert_eq!(bench.see(&[B]), [send(2, B)]);
        bench.reply(2, trouble);
        assert_eq!(bench.tell(all()), [send(3, B)], "the user says: now");
        assert_eq!(recovered(&mut bench, 3), Some(true));
        bench.see(&[A]);
        assert_eq!(recovered(&mut bench, 4), Some(false));
    }
    let mut bench = Bench::simple();
    bench.see(&[A]);
    bench.reply(1, busy(None));
    assert_eq!(bench.see(&[B]), [send(2, B)], "a newer address");
    assert_eq!(recovered(&mut bench, 2), Some(true));
}

#[test]
fn a_publication_tells_what_was_published_before() {
    let mut bench = Bench::simple();
    let change = |bench: &mut Bench, job, event| {
        bench.tell(event);
        let exchange = Exchange::default();
        let outcome = Outcome::Answered(vec![Verdict::Good]);
        let actions = bench.all(Event::Reply { job: JobId(job), outcome, exchange });
        actions.into_iter().find_map(|action| {
            let Action::Report(Report::Published { changes, .. }) = action else { return None };
            Some(changes[0].previous.map(|ip| ip.to_string()))
        })
    };
    let see = |bench: &Bench, ip| Event::Network { snapshot: table(&[ip]), bell: bench.now };
    let first = see(&bench, A);
    assert_eq!(change(&mut bench, 1, first), Some(None));
    let second = see(&bench, B);
    assert_eq!(change(&mut bench, 2, second), Some(Some(A.to_owned())));
    let again = Event::Update { records: Vec::new(), force: true };
    assert_eq!(change(&mut bench, 3, again), Some(Some(B.to_owned())));
}
