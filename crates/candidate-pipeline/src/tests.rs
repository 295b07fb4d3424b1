//! The contracts the pipeline keeps, one test each.

use std::time::Duration;

use types::Fault;

use crate::*;

macro_rules! named {
    ($type:ty, $name:literal) => {
        impl Stage for $type {
            fn name(&self) -> &'static str {
                $name
            }
            fn about(&self) -> &'static str {
                "for a test"
            }
        }
    };
}

impl Asked for u32 {
    fn unit(&self) -> u64 {
        7
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Card {
    id: u32,
    from: Vec<&'static str>,
    score: u32,
}

impl Candidate for Card {
    type Key = u32;
    fn key(&self) -> u32 {
        self.id
    }
    fn merge(&mut self, other: &Self) {
        self.from.extend(&other.from);
    }
}

enum Behaviour {
    Gives(Vec<u32>),
    Fails,
    Panics,
    Hangs,
}

struct Fixed(&'static str, Behaviour);

impl Stage for Fixed {
    fn name(&self) -> &'static str {
        self.0
    }
    fn about(&self) -> &'static str {
        "for a test"
    }
}

impl Source<u32, Card> for Fixed {
    fn retrieve<'a>(&'a self, _: &'a u32) -> BoxFuture<'a, Result<Vec<Card>, StageError>> {
        Box::pin(async move {
            match &self.1 {
                Behaviour::Gives(ids) => Ok(ids
                    .iter()
                    .map(|&id| Card {
                        id,
                        from: vec![self.0],
                        score: 0,
                    })
                    .collect()),
                Behaviour::Fails => Err(StageError("no index".into())),
                Behaviour::Panics => panic!("a bug"),
                Behaviour::Hangs => std::future::pending().await,
            }
        })
    }
}

struct Plus(u32);
named!(Plus, "plus");
impl QueryHydrator<u32> for Plus {
    fn hydrate<'a>(&'a self, query: &'a mut u32) -> BoxFuture<'a, Result<(), StageError>> {
        Box::pin(async move {
            *query += self.0;
            Ok(())
        })
    }
}

struct NotTheQuery;
named!(NotTheQuery, "not_the_query");
impl Filter<u32, Card> for NotTheQuery {
    fn filter(&self, query: &u32, cards: &[Card], removals: &mut Removals) {
        for (place, card) in cards.iter().enumerate() {
            assert_ne!(card.id, 666, "a bug in a filter");
            if card.id == *query {
                removals.remove(place, "same");
            }
        }
    }
}

struct ById;
named!(ById, "by_id");
impl Scorer<u32, Card> for ById {
    fn score(&self, _: &u32, cards: &mut [Card]) -> Result<(), StageError> {
        cards.iter_mut().for_each(|card| card.score = card.id * 10);
        Ok(())
    }
}

struct Best(usize);
named!(Best, "best");
impl Selector<u32, Card> for Best {
    fn select(&self, _: &u32, cards: &mut [Card]) -> Result<Vec<usize>, StageError> {
        let mut places: Vec<usize> = (0..cards.len()).collect();
        places.sort_by_key(|&place| std::cmp::Reverse(cards[place].score));
        places.truncate(self.0);
        Ok(places)
    }
}

struct Refuses;
named!(Refuses, "refuses");
impl SideEffect<u32, Card> for Refuses {
    fn run(&self, _: &u32, _: &[Card]) -> Result<(), StageError> {
        Err(StageError("log is down".into()))
    }
}

fn recipe(sources: Vec<Fixed>) -> Recipe<u32, Card> {
    Recipe {
        name: "test",
        deadlines: Deadlines {
            hydrator: Duration::from_millis(20),
            source: Duration::from_millis(20),
        },
        query_hydrators: vec![Box::new(Plus(1))],
        sources: sources
            .into_iter()
            .map(|source| Box::new(source) as Box<dyn Source<_, _>>)
            .collect(),
        merger: None,
        hydrators: vec![],
        filters: vec![Box::new(NotTheQuery)],
        steps: vec![Step::Score(Box::new(ById))],
        selector: Box::new(Best(3)),
        spare_selector: None,
        side_effects: vec![Box::new(Refuses)],
    }
}

fn gives(name: &'static str, ids: &[u32]) -> Fixed {
    Fixed(name, Behaviour::Gives(ids.to_vec()))
}

async fn run(recipe: Recipe<u32, Card>, mut query: u32) -> Outcome<Card> {
    Pipeline::new(recipe).run(&mut query, Watch::Traced).await
}

fn ids(cards: &[Card]) -> Vec<u32> {
    cards.iter().map(|card| card.id).collect()
}

fn end<'a>(outcome: &'a Outcome<Card>, stage: &str) -> &'a StageEnd {
    let found = outcome.stages.iter().find(|report| report.name == stage);
    &found.expect("every stage reports").end
}

fn failed(error: &str) -> StageEnd {
    StageEnd::Failed(error.into())
}

#[tokio::test(start_paused = true)]
async fn broken_sources_cost_only_their_own_candidates() {
    let sources = vec![
        Fixed("hangs", Behaviour::Hangs),
        gives("gives", &[1, 2, 3, 4]),
        Fixed("fails", Behaviour::Fails),
        Fixed("panics", Behaviour::Panics),
    ];
    let outcome = run(recipe(sources), 0).await;
    assert_eq!(ids(&outcome.selected), [4, 3, 2]);
    assert_eq!(*end(&outcome, "hangs"), failed("took longer than 20 ms"));
    assert_eq!(*end(&outcome, "fails"), failed("no index"));
    assert_eq!(*end(&outcome, "panics"), failed("panicked"));
    assert_eq!(*end(&outcome, "refuses"), failed("log is down"));
    assert_eq!(*end(&outcome, "gives"), StageEnd::Done);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_keeps_failing_is_left_alone() {
    let sources = vec![Fixed("hangs", Behaviour::Hangs), gives("gives", &[1])];
    let pipeline = Pipeline::new(recipe(sources));
    for _ in 0..FAILURES_MAX {
        pipeline.run(&mut 0, Watch::Counted).await;
    }
    let outcome = pipeline.run(&mut 0, Watch::Counted).await;
    assert_eq!(*end(&outcome, "hangs"), StageEnd::Rested);
    // The filter takes the one that equals the query, which is 1 by now.
    assert_eq!(*end(&outcome, "gives"), StageEnd::Done);
}

#[tokio::test]
async fn what_is_found_twice_is_shown_once_with_both_sources() {
    let outcome = run(recipe(vec![gives("a", &[5, 6]), gives("b", &[6])]), 0).await;
    assert_eq!(outcome.selected.len(), 2);
    assert_eq!(outcome.selected[0].from, ["a", "b"]);
}

#[tokio::test]
async fn what_a_filter_removes_stands_beside_with_the_reason() {
    let outcome = run(recipe(vec![gives("a", &[7, 8, 666])]), 6).await;
    let trace = outcome.trace.as_ref().expect("asked for");
    let removed: Vec<_> = trace
        .removed
        .iter()
        .map(|r| (r.candidate.id, r.stage, r.reason))
        .collect();
    let expect = [
        (7, "not_the_query", "same"),
        (666, "not_the_query", "filter_panicked"),
    ];
    assert_eq!(removed, expect);
    assert_eq!(ids(&outcome.selected), [8]);
    let merged = &trace.after[0];
    assert_eq!((merged.0, ids(&merged.1)), ("merged", vec![7, 8, 666]));
    let counted = Pipeline::new(recipe(vec![gives("a", &[7, 8])]))
        .run(&mut 6, Watch::Counted)
        .await;
    assert!(counted.trace.is_none());
    let filter = counted
        .stages
        .iter()
        .find(|report| report.kind == StageKind::Filter);
    let filter = filter.expect("reports");
    assert_eq!((filter.before, filter.after), (2, 1));
    assert_eq!(filter.removed, [("same", 1)]);
}

/// What a scorer may do wrong.
#[derive(Clone, Copy)]
enum Wrong {
    Swaps,
    Forges,
    Panics,
    Fails,
}

struct Bad(Wrong);
named!(Bad, "bad");
impl Scorer<u32, Card> for Bad {
    fn score(&self, _: &u32, cards: &mut [Card]) -> Result<(), StageError> {
        cards[0].score = 1_000;
        match self.0 {
            Wrong::Swaps => cards.swap(0, 1),
            Wrong::Forges => cards[1].id = 99,
            Wrong::Panics => panic!("a bug"),
            Wrong::Fails => return Err(StageError("no model".into())),
        }
        Ok(())
    }
}

#[tokio::test]
async fn what_a_scorer_did_is_undone_when_it_breaks_its_contract() {
    let moved = "put a candidate where another stood";
    let rows = [
        (Wrong::Swaps, moved),
        (Wrong::Forges, moved),
        (Wrong::Panics, "panicked"),
        (Wrong::Fails, "no model"),
    ];
    for (wrong, error) in rows {
        let mut recipe = recipe(vec![gives("a", &[2, 3, 4])]);
        recipe.steps.push(Step::Score(Box::new(Bad(wrong))));
        let outcome = run(recipe, 0).await;
        assert_eq!(*end(&outcome, "bad"), failed(error));
        assert_eq!(ids(&outcome.selected), [4, 3, 2], "{error}");
    }
}

struct Names(Vec<usize>);
named!(Names, "names");
impl Cut<u32, Card> for Names {
    fn keep_max(&self, _: &u32) -> usize {
        2
    }
    fn keep(&self, _: &u32, _: &[Card]) -> Result<Vec<usize>, StageError> {
        Ok(self.0.clone())
    }
}
impl Selector<u32, Card> for Names {
    fn select(&self, _: &u32, _: &mut [Card]) -> Result<Vec<usize>, StageError> {
        Ok(self.0.clone())
    }
}

#[tokio::test]
async fn a_cut_keeps_what_it_names_and_the_first_ones_when_it_names_nonsense() {
    for (names, kept, ends) in [
        (vec![2, 0], [4, 2], StageEnd::Done),
        (vec![9], [3, 2], failed("named a place that does not exist")),
        (vec![1, 1], [3, 2], failed("named a place twice")),
    ] {
        let mut recipe = recipe(vec![gives("a", &[2, 3, 4])]);
        recipe.steps.push(Step::Cut(Box::new(Names(names))));
        let outcome = run(recipe, 0).await;
        assert_eq!(*end(&outcome, "names"), ends);
        assert_eq!(ids(&outcome.selected), kept);
    }
}

#[tokio::test]
async fn a_spare_selector_answers_when_the_first_cannot() {
    let mut recipe = recipe(vec![gives("a", &[2, 3])]);
    recipe.selector = Box::new(Names(vec![5]));
    recipe.spare_selector = Some(Box::new(Best(3)));
    let outcome = run(recipe, 0).await;
    assert_eq!(ids(&outcome.selected), [3, 2]);
}

#[tokio::test]
async fn a_selector_that_is_switched_off_leaves_the_page_to_the_spare_one() {
    let mut recipe = recipe(vec![gives("a", &[2, 3])]);
    recipe.selector = Box::new(Names(vec![0]));
    recipe.spare_selector = Some(Box::new(Best(3)));
    let pipeline = Pipeline::new(recipe);
    pipeline.switch("names", 0.0).expect("it is there");
    let outcome = pipeline.run(&mut 0, Watch::Counted).await;
    assert_eq!(ids(&outcome.selected), [3, 2]);
    assert_eq!(*end(&outcome, "names"), StageEnd::Off);
}

#[tokio::test]
async fn a_stage_that_is_switched_off_is_left_out_and_nonsense_is_refused() {
    let pipeline = Pipeline::new(recipe(vec![gives("a", &[2]), gives("b", &[3])]));
    pipeline.switch("a", 0.0).expect("a is there");
    let outcome = pipeline.run(&mut 0, Watch::Counted).await;
    assert_eq!(ids(&outcome.selected), [3]);
    assert_eq!(*end(&outcome, "a"), StageEnd::Off);
    pipeline.switch("a", 1.0).expect("a is there");
    assert_eq!(pipeline.run(&mut 0, Watch::Counted).await.selected.len(), 2);
    match pipeline.switch("c", 0.5) {
        Err(SwitchError::Unknown { known: listed, .. }) => assert!(listed.contains("plus, a, b"), "{listed}"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        pipeline.switch("a", 1.5),
        Err(SwitchError::Share { .. })
    ));
    assert!(matches!(
        pipeline.switch("merge_by_key", 0.0),
        Err(SwitchError::Fixed(_))
    ));
    let names: Vec<_> = pipeline.recipe().iter().map(|line| line.name).collect();
    let expect = [
        "plus",
        "a",
        "b",
        "merge_by_key",
        "not_the_query",
        "by_id",
        "best",
        "refuses",
    ];
    assert_eq!(names, expect);
}

#[tokio::test(start_paused = true)]
async fn what_is_broken_on_purpose_fails_as_if_by_itself_and_is_mended() {
    let pipeline = Pipeline::new(recipe(vec![gives("a", &[2, 3, 4]), gives("b", &[5])]));
    let broken = "broken on purpose";
    let asked_alone = "panicked; asked about each alone";
    let rows = [
        ("a", Fault::Error, broken, &[5][..]),
        ("a", Fault::Panic, "panicked", &[5]),
        ("a", Fault::Hang, "took longer than 20 ms", &[5]),
        ("plus", Fault::Hang, "took longer than 20 ms", &[5, 4, 3]),
        ("not_the_query", Fault::Panic, asked_alone, &[5, 4, 3]),
        ("by_id", Fault::Panic, "panicked", &[2, 3, 4]),
        ("refuses", Fault::Error, broken, &[5, 4, 3]),
    ];
    for (stage, fault, error, shown) in rows {
        pipeline.break_stage(stage, Some(fault)).expect("it is there");
        let outcome = pipeline.run(&mut 0, Watch::Counted).await;
        assert_eq!(*end(&outcome, stage), failed(error), "{stage}");
        assert_eq!(ids(&outcome.selected), shown, "{stage} {fault:?}");
        let lines = pipeline.recipe();
        let line = lines.iter().find(|line| line.name == stage).expect("listed");
        assert_eq!(line.fault, Some(fault));
        pipeline.break_stage(stage, None).expect("it is there");
        let outcome = pipeline.run(&mut 0, Watch::Counted).await;
        assert_eq!(ids(&outcome.selected), [5, 4, 3], "{stage} is whole again");
    }
    let refused = pipeline.break_stage("by_id", Some(Fault::Hang));
    assert_eq!(refused, Err(SwitchError::NeverWaits("by_id")));
    let unknown = pipeline.break_stage("c", Some(Fault::Error));
    assert!(matches!(unknown, Err(SwitchError::Unknown { .. })));
}
