//! Jobs over workers that a test plays: shared, overtaken, cancelled, doubled, and what becomes of them when something breaks.
//!
//! Longer than most files: one stage, and every way in which a job can end.
#![cfg(all(feature = "page", not(target_arch = "wasm32")))]

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use omega_lens::circuits::omega::Circuit;
use omega_lens::model::Weights;
use omega_lens::protocol::attention::{Prompt, Run};
use omega_lens::protocol::gpu::{GpuChoice, GpuReport};
use omega_lens::protocol::heads::{BrokenHead, ExportVectors, File, HeadAt, HeadOutcome, Spectra};
use omega_lens::protocol::model::Open;
use omega_lens::protocol::toy::{Cloud, CloudPiece, Train};
use omega_lens::protocol::{Ask, Asked, BUILD, Failure, Question, QuestionId, Tell};
use omega_lens::worker::jobs::{Handle, Jobs, Notify, Workers};
use omega_lens::worker::offer::Compute;
use omega_lens::worker::own::Listed;
use omega_lens::worker::request::{Files, JobEvent, Request, Running, Trouble};

/// What the jobs did with the workers, newest last.
#[derive(Default)]
struct Desk {
    started: RefCell<Vec<usize>>,
    posted: RefCell<Vec<(usize, QuestionId, Asked)>>,
    running: RefCell<Vec<Running>>,
    troubles: RefCell<Vec<Trouble>>,
    has_gpu: Cell<bool>,
    now: Cell<f64>,
    /// Why no question can be sent, if none can.
    refuses: Cell<Option<&'static str>>,
}

/// Workers that answer what the test says, and when it says so.
struct Played(Rc<Desk>);

impl Workers<&'static str> for Played {
    fn start(&self, slot: usize) -> Result<(), String> {
        self.0.started.borrow_mut().push(slot);
        Ok(())
    }

    fn post(
        &self,
        slot: usize,
        id: QuestionId,
        asked: &Asked,
        _files: Option<&Files<&'static str>>,
    ) -> Result<(), String> {
        if let Some(why) = self.0.refuses.get() {
            return Err(why.to_owned());
        }
        self.0.posted.borrow_mut().push((slot, id, asked.clone()));
        Ok(())
    }

    fn has_gpu(&self) -> bool {
        self.0.has_gpu.get()
    }

    fn now(&self) -> f64 {
        self.0.now.get()
    }
}

struct Stage {
    desk: Rc<Desk>,
    jobs: Jobs<&'static str>,
    handle: Handle<&'static str>,
}

impl Stage {
    /// `n` workers that are started and not there yet.
    fn dark(n: usize) -> Self {
        let desk = Rc::new(Desk::default());
        let (list, trouble) = (desk.clone(), desk.clone());
        let notify = Notify {
            list: Box::new(move |running| *list.running.borrow_mut() = running),
            trouble: Box::new(move |what| trouble.troubles.borrow_mut().push(what)),
        };
        let (mut handle, played) = (None, Played(desk.clone()));
        let jobs = Jobs::new(n, notify, |given| {
            handle = Some(given);
            played
        });
        Self { desk, jobs, handle: handle.expect("the workers were given their handle") }
    }

    /// `n` workers that are there.
    fn new(n: usize) -> Self {
        let stage = Self::dark(n);
        (0..n).for_each(|slot| stage.is_there(slot));
        stage
    }

    fn is_there(&self, slot: usize) {
        self.handle.heard(slot, 0, Tell::Ready { build: BUILD.to_owned() }, Vec::new());
    }

    /// Asks, and keeps what is heard.
    fn ask<Q: Question>(&self, request: Request<Q, &'static str>) -> Ear<Q::Answer>
    where
        Q::Answer: 'static,
    {
        let ear: Ear<Q::Answer> = Rc::default();
        let hears = ear.clone();
        self.jobs.ask(request, move |event| hears.borrow_mut().push(event));
        ear
    }

    /// The questions that were sent since this was asked last.
    fn sent(&self) -> Vec<(usize, QuestionId, Asked)> {
        self.desk.posted.take()
    }

    fn tell<Q: Question>(&self, (slot, id): (usize, QuestionId), answer: Q::Answer) {
        self.handle.heard(slot, id, Q::tell(answer), Vec::new());
    }

    fn done(&self, (slot, id): (usize, QuestionId)) {
        self.handle.heard(slot, id, Tell::Done, Vec::new());
    }
}

type Ear<A> = Rc<RefCell<Vec<JobEvent<A>>>>;

/// What was heard, in short: `b`egun, `p`art, `g`pu, `f`ailed, `d`one, `s`topped.
fn story<A>(ear: &Ear<A>) -> String {
    let letter = |event: &JobEvent<A>| match event {
        JobEvent::Begun => 'b',
        JobEvent::Part { .. } => 'p',
        JobEvent::Gpu(_) => 'g',
        JobEvent::Failed { .. } => 'f',
        JobEvent::Done => 'd',
        JobEvent::Stopped => 's',
    };
    ear.borrow().iter().map(letter).collect()
}

fn failures<A>(ear: &Ear<A>) -> Vec<String> {
    let failure = |event: &JobEvent<A>| match event {
        JobEvent::Failed { failure, .. } => Some(failure.what.clone()),
        _ => None,
    };
    ear.borrow().iter().filter_map(failure).collect()
}

fn at(sent: &(usize, QuestionId, Asked)) -> (usize, QuestionId) {
    (sent.0, sent.1)
}

fn spectra(layers: &[usize]) -> Spectra {
    Spectra { layers: layers.to_vec(), weights: Weights::Folded }
}

/// An answer to [`Spectra`] that says which layer it is about.
fn head(layer: usize) -> HeadOutcome {
    Err(BrokenHead { layer, head: 0, why: "NaN".into() })
}

fn export() -> ExportVectors {
    let at = HeadAt { layer: 0, head: 0, circuit: Circuit::Qk, weights: Weights::Folded };
    ExportVectors { at }
}

fn cloud(seed: u32) -> Cloud {
    Cloud { seed, from: 0, to: 1 }
}

#[test]
fn a_shared_question_is_answered_by_all_workers_and_told_as_one_job() {
    let stage = Stage::new(2);
    let ear = stage.ask(Request::new(spectra(&[0, 1, 2])).shared().listed("spectra"));
    let sent = stage.sent();
    assert_eq!(sent.iter().map(|s| s.0).collect::<Vec<_>>(), [0, 1]);
    stage.tell::<Spectra>(at(&sent[0]), head(0));
    stage.done(at(&sent[0]));
    let third = stage.sent();
    assert_eq!(third[0].2.ask, spectra(&[2]).ask());
    let progress = stage.desk.running.borrow()[0].clone();
    assert_eq!((progress.what.as_str(), progress.done, progress.total), ("spectra", 1, 3));
    for sent in [&sent[1], &third[0]] {
        stage.tell::<Spectra>(at(sent), head(1));
        stage.done(at(sent));
    }
    assert_eq!(story(&ear), "bpppd");
    assert!(stage.desk.running.borrow().is_empty());
}

#[test]
fn opening_a_model_ends_the_jobs_about_the_old_one_and_no_others() {
    let stage = Stage::new(4);
    let old = stage.ask(Request::new(spectra(&[0])).owner("heads/spectra"));
    let toy = stage.ask(Request::new(cloud(0)).owner("cloud"));
    let checkpoint = Files::new(vec!["step-1"]);
    let series =
        Request::many([(spectra(&[0]), Some(checkpoint))]).about_other_models().owner("series");
    let series = stage.ask(series);
    let sent = stage.sent();
    let model = stage.ask(Request::new(Open::default()).beside(&Files::new(vec!["b"])));
    let open = stage.sent();
    // Until it is open, the old model is the model.
    assert_eq!(story(&old), "b");
    stage.tell::<Open>(at(&open[0]), Box::default());
    assert_eq!((story(&old), story(&toy), story(&series)), ("bs".into(), "b".into(), "b".into()));
    stage.done(at(&open[0]));
    stage.tell::<Spectra>(at(&sent[0]), head(0));
    stage.tell::<Cloud>(at(&sent[1]), CloudPiece);
    stage.tell::<Spectra>(at(&sent[2]), head(0));
    sent.iter().for_each(|sent| stage.done(at(sent)));
    assert_eq!(story(&old), "bs", "what comes too late is dropped");
    assert_eq!((story(&toy), story(&series)), ("bpd".into(), "bpd".into()));
    assert_eq!(story(&model), "bpd");
}

#[test]
fn a_series_that_is_asked_twice_is_measured_once() {
    let stage = Stage::new(1);
    let checkpoints: Vec<_> = ["0", "32"].map(|step| Files::new(vec![step])).into();
    let measure = || {
        let asks = checkpoints.iter().map(|files| (spectra(&[0]), Some(files.clone())));
        stage.ask(
            Request::many(asks)
                .about_other_models()
                .one_step_each()
                .owner("series")
                .listed("steps"),
        )
    };
    let (first, second) = (measure(), measure());
    for _ in 0..2 {
        let sent = stage.sent();
        assert_eq!(sent.len(), 1);
        stage.tell::<Spectra>(at(&sent[0]), head(0));
        stage.done(at(&sent[0]));
    }
    assert!(stage.sent().is_empty());
    assert_eq!((story(&first), story(&second)), ("bppd".into(), String::new()));
    // Asked again after its end, it begins again.
    assert_eq!(story(&measure()), "b");
}

#[test]
fn another_question_of_an_owner_takes_the_place_of_the_last_one() {
    let stage = Stage::new(1);
    let first = stage.ask(Request::new(cloud(0)).owner("cloud"));
    let old = stage.sent();
    let second = stage.ask(Request::new(cloud(1)).owner("cloud"));
    assert!(stage.sent().is_empty(), "the worker finishes what it is on");
    stage.tell::<Cloud>(at(&old[0]), CloudPiece);
    stage.done(at(&old[0]));
    let new = stage.sent();
    stage.tell::<Cloud>(at(&new[0]), CloudPiece);
    stage.done(at(&new[0]));
    assert_eq!((story(&first), story(&second)), ("bs".into(), "bpd".into()));
}

#[test]
fn a_run_that_is_taken_on_by_the_same_steps_is_taken_on_each_time() {
    let stage = Stage::new(1);
    let train = || {
        Request::new(Train { steps: 1, milliseconds: 16.0, turned: Vec::new() }).owner("toy/frame")
    };
    stage.ask(train());
    let first = stage.sent();
    // Its frame is here and drawn, its end is not told yet.
    let second = stage.ask(train());
    stage.done(at(&first[0]));
    assert_eq!((stage.sent().len(), story(&second)), (1, "b".into()));
}

#[test]
fn what_is_cancelled_ends_with_its_worker_and_the_others_go_on() {
    let stage = Stage::new(2);
    let ear = Ear::<CloudPiece>::default();
    let hears = ear.clone();
    let request = Request::new(cloud(0)).listed("a long one");
    let id = stage.jobs.ask(request, move |event| hears.borrow_mut().push(event));
    let other = stage.ask(Request::new(cloud(1)).listed("another"));
    let sent = stage.sent();
    assert_eq!(stage.desk.running.borrow().len(), 2);
    stage.jobs.cancel(id);
    assert_eq!(*stage.desk.started.borrow(), [0, 1, sent[0].0]);
    assert_eq!(
        stage.desk.running.borrow().iter().map(|r| &*r.what).collect::<Vec<_>>(),
        ["another"]
    );
    stage.done(at(&sent[1]));
    assert_eq!((story(&ear), story(&other)), ("bs".into(), "bd".into()));
}

#[test]
fn what_a_page_computes_in_a_worker_of_its_own_is_listed_once_it_takes_a_while() {
    let stage = Stage::new(1);
    let cancelled = Rc::new(Cell::new(0));
    let line = Listed::new(stage.jobs.clone(), "training");
    let at = |done, total| {
        let counts = cancelled.clone();
        line.at(done, total, move || counts.set(counts.get() + 1));
    };
    let listed = || stage.desk.running.borrow().clone();
    at(40, 100);
    at(41, 100);
    line.ended();
    assert!(listed().is_empty(), "one step is over before it can be read of");
    at(40, 100);
    stage.desk.now.set(600.0);
    at(50, 100);
    let shown = listed().remove(0);
    assert_eq!((shown.from, shown.done, shown.total, shown.own), (40, 50, 100, true));
    stage.desk.now.set(700.0);
    at(51, 100);
    assert_eq!(listed()[0].done, 50, "the list is not drawn for every frame");
    stage.desk.now.set(1200.0);
    at(52, 120);
    assert_eq!((listed()[0].done, listed()[0].total), (52, 120));
    // Another model changes nothing, and no worker of the jobs is asked.
    let other = stage.ask(Request::new(cloud(0)).listed("another"));
    stage.ask(Request::new(Open::default()));
    let sent = stage.sent();
    stage.done((sent[0].0, sent[0].1));
    let open = stage.sent();
    stage.tell::<Open>((open[0].0, open[0].1), Box::default());
    assert_eq!((sent.len(), listed().len(), cancelled.get()), (1, 1, 0));
    assert_eq!(story(&other), "bd");
    stage.jobs.cancel(listed()[0].id);
    assert!(listed().is_empty() && cancelled.get() == 1);
    // The page has yet to hear of it: what comes late is of no line.
    at(53, 120);
    line.ended();
    assert!(listed().is_empty() && cancelled.get() == 1);
    at(53, 120);
    stage.desk.now.set(2000.0);
    at(54, 120);
    assert_eq!(listed().len(), 1);
    drop(line);
    assert!(listed().is_empty(), "a line goes with its owner");
}

#[test]
fn what_the_reader_looks_at_goes_before_what_waits() {
    let stage = Stage::new(1);
    stage.ask(Request::each([cloud(0), cloud(1)]));
    let first = stage.sent();
    stage.ask(Request::new(export()).urgent());
    stage.done(at(&first[0]));
    assert_eq!(stage.sent()[0].2.ask, export().ask());
}

#[test]
fn a_prompt_goes_to_the_worker_that_has_run_it() {
    let stage = Stage::new(2);
    let prompt = Prompt { text: "Mary".into(), bos: None, ids: false, ..Prompt::default() };
    let run = || Request::new(Run { prompt: prompt.clone() });
    stage.ask(run());
    let first = stage.sent();
    stage.ask(run());
    assert!(stage.sent().is_empty(), "it waits for that worker");
    stage.done(at(&first[0]));
    assert_eq!(stage.sent()[0].0, first[0].0);
}

#[test]
fn what_the_gpu_leaves_the_workers_share() {
    let stage = Stage::new(2);
    let ask = || {
        let request = Request::new(spectra(&[0, 1, 2])).shared().listed("spectra");
        stage.ask(request.owner("heads").offered(Compute::Auto, 1e6))
    };
    ask();
    assert!(stage.sent().iter().all(|sent| sent.2.gpu.is_none()), "there is no GPU");
    stage.jobs.stop("heads");
    stage.desk.has_gpu.set(true);
    let ear = ask();
    // Both workers are still on what nobody wants any more.
    (1..=2).for_each(|id| stage.done((id as usize - 1, id)));
    let offered = stage.sent();
    assert_eq!(offered.len(), 1);
    assert_eq!(offered[0].2.gpu, Some(GpuChoice::IfFaster { workers: 2 }));
    stage.tell::<Spectra>(at(&offered[0]), head(0));
    stage.handle.heard(offered[0].0, offered[0].1, Tell::Progress { done: 1, total: 3 }, vec![]);
    let report = GpuReport::LeftToCpu { layers: vec![1, 2], why: String::new(), ms: None };
    stage.handle.heard(offered[0].0, offered[0].1, Tell::Gpu(report), vec![]);
    stage.done(at(&offered[0]));
    let rest = stage.sent();
    let asked: Vec<_> = rest.iter().map(|sent| &sent.2.ask).collect();
    assert_eq!(asked, [&spectra(&[1]).ask(), &spectra(&[2]).ask()]);
    assert_eq!(stage.desk.running.borrow()[0].total, 3);
    rest.iter().for_each(|sent| stage.done(at(sent)));
    assert_eq!(story(&ear), "bpgd");
}

#[test]
fn a_worker_that_dies_of_a_question_is_replaced_and_asked_once_more() {
    let stage = Stage::new(1);
    let ear = stage.ask(Request::new(cloud(0)));
    for again in [true, false] {
        let sent = stage.sent();
        stage.handle.died(sent[0].0, "out of memory");
        let trouble = Trouble::Stopped { why: "out of memory".into(), again };
        assert_eq!(stage.desk.troubles.borrow().last(), Some(&trouble));
        stage.is_there(0);
    }
    assert_eq!(stage.desk.started.borrow().len(), 3);
    assert_eq!(story(&ear), "bfd");
    assert!(failures(&ear)[0].contains("stopped twice"));
}

#[test]
fn what_a_gpu_driver_kills_twice_the_cpu_does_from_the_beginning() {
    let stage = Stage::new(1);
    let request = Request::new(spectra(&[0, 1])).shared().offered(Compute::Gpu, 0.0);
    let ear = stage.ask(request);
    for _ in 0..2 {
        let sent = stage.sent();
        assert_eq!(sent[0].2.gpu, Some(GpuChoice::Always));
        stage.handle.died(0, "the driver");
        stage.is_there(0);
    }
    for layer in 0..2 {
        let sent = stage.sent();
        assert_eq!((sent[0].2.gpu, &sent[0].2.ask), (None, &spectra(&[layer]).ask()));
        stage.tell::<Spectra>(at(&sent[0]), head(layer));
        stage.done(at(&sent[0]));
    }
    assert_eq!(story(&ear), "bbgppd");
}

#[test]
fn a_message_from_a_worker_that_cannot_be_read_fails_its_question_in_words() {
    let stage = Stage::new(1);
    let lost = stage.ask(Request::new(cloud(0)));
    let next = stage.ask(Request::new(cloud(1)));
    stage.sent();
    stage.handle.unreadable(0, "missing field `done`");
    assert_eq!(story(&lost), "bfd");
    assert!(failures(&lost)[0].contains("cannot be read (missing field `done`)"));
    // Nothing is known of that worker any more; another one goes on.
    assert_eq!(*stage.desk.started.borrow(), [0, 0]);
    stage.is_there(0);
    stage.done(at(&stage.sent()[0]));
    assert_eq!(story(&next), "bd");
}

#[test]
fn a_question_that_cannot_be_sent_or_read_by_its_worker_fails_in_words() {
    let stage = Stage::new(1);
    stage.desk.refuses.set(Some("could not be cloned"));
    let unsent = stage.ask(Request::new(cloud(0)));
    assert_eq!(story(&unsent), "bfd");
    assert!(failures(&unsent)[0].contains("could not be cloned"));
    stage.desk.refuses.set(None);
    stage.is_there(0);
    let unread = stage.ask(Request::new(cloud(0)));
    let sent = stage.sent();
    let failed = Tell::Failed(Failure::new("a question cannot be read (no variant)"));
    stage.handle.heard(sent[0].0, sent[0].1, failed, vec![]);
    assert_eq!(story(&unread), "bfd");
    assert_eq!(failures(&unread), ["a question cannot be read (no variant)"]);
}

#[test]
fn an_answer_to_another_question_is_a_failure_in_words() {
    let stage = Stage::new(1);
    let ear = stage.ask(Request::new(export()));
    stage.tell::<Cloud>(at(&stage.sent()[0]), CloudPiece);
    assert_eq!(failures(&ear), ["a worker answered another question than it was asked"]);
}

#[test]
fn workers_of_another_build_are_asked_nothing_and_it_is_said_once() {
    let stage = Stage::dark(2);
    let ear = stage.ask(Request::new(cloud(0)));
    for slot in 0..2 {
        stage.handle.heard(slot, 0, Tell::Ready { build: "of yesterday".into() }, vec![]);
    }
    assert_eq!(*stage.desk.troubles.borrow(), [Trouble::OtherVersion]);
    assert!(stage.sent().is_empty());
    assert_eq!(story(&ear), "bfd");
    assert!(failures(&ear)[0].contains("different versions"));
    // What is asked from now on fails at once.
    assert_eq!(story(&stage.ask(Request::new(cloud(1)))), "bfd");
}

#[test]
fn workers_that_never_come_are_given_up_and_it_is_said_once() {
    let stage = Stage::dark(2);
    let ear = stage.ask(Request::new(cloud(0)));
    let mut tries = 0;
    while story(&ear) == "b" {
        tries += 1;
        assert!(tries < 100, "it never ends");
        let slot = stage.desk.started.borrow().last().copied();
        stage.handle.died(slot.filter(|_| tries < 9).unwrap_or(tries % 2), "it does not load");
    }
    assert!(tries > 8, "{tries}: a start that fails once may be chance");
    let given_up = Trouble::CannotStart { why: "it does not load".into() };
    let said = stage.desk.troubles.borrow();
    assert_eq!(said.iter().filter(|trouble| **trouble == given_up).count(), 1);
    assert!(failures(&ear)[0].contains("No worker could be started (it does not load)"));
}

#[test]
fn a_program_that_does_not_load_is_said_in_one_way_and_tried_again_with_the_next_model() {
    let stage = Stage::dark(2);
    let open = || stage.ask(Request::new(Open::default()).beside(&Files::new(vec!["a"])));
    let refused = |ear: &Ear<_>| {
        for tries in 0.. {
            if story(ear) == "bfd" {
                break;
            }
            assert!(tries < 100, "it never ends");
            stage.handle.not_loaded(tries % 2, "the host answers 404");
        }
        failures(ear)
    };
    let said = refused(&open());
    assert!(said[0].contains("could not be loaded: the host answers 404"), "{said:?}");
    let trouble = Trouble::NotLoaded { why: "the host answers 404".into() };
    assert_eq!(*stage.desk.troubles.borrow(), std::slice::from_ref(&trouble));
    assert_eq!(trouble.failure().what, said[0]);
    // Another question starts none; another model does, as often as it takes.
    stage.desk.started.take();
    assert_eq!(story(&stage.ask(Request::new(cloud(0)))), "bfd");
    assert!(stage.desk.started.borrow().is_empty());
    assert_eq!(refused(&open()), said);
    stage.desk.started.take();
    let opened = open();
    assert_eq!(*stage.desk.started.borrow(), [0, 1]);
    stage.is_there(0);
    let sent = stage.sent();
    stage.tell::<Open>(at(&sent[0]), Box::default());
    stage.done(at(&sent[0]));
    assert_eq!(story(&opened), "bpd");
}

#[test]
fn every_worker_opens_the_files_before_its_first_question_about_them() {
    let stage = Stage::new(2);
    stage.ask(Request::new(Open::default()).beside(&Files::new(vec!["a"])));
    let open = stage.sent();
    stage.tell::<Open>(at(&open[0]), Box::default());
    stage.done(at(&open[0]));
    stage.ask(Request::each([export(), export()]));
    let sent = stage.sent();
    let opens = |asked: &Asked| matches!(asked.ask, Ask::Model(_));
    assert_eq!(sent.iter().map(|sent| opens(&sent.2)).collect::<Vec<_>>(), [false, true]);
    let second = at(&sent[1]);
    stage.tell::<Open>(second, Box::default());
    stage.done(second);
    let after = stage.sent();
    assert_eq!((at(&after[0]), opens(&after[0].2)), (second, false), "under the same number");
    stage.tell::<ExportVectors>(second, File { name: String::new(), bytes: Vec::new() });
}
