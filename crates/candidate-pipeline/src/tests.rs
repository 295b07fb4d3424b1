//! The contracts the pipeline keeps, one test each.

use std::time::Duration;

use crate::{
    BoxFuture, Candidate, Filter, Pipeline, QueryHydrator, Scorer, Selector, SideEffect, Source, StageError,
};

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
    fn merge(&mut self, other: Self) {
        self.from.extend(other.from);
    }
}

enum Behaviour {
    Gives(Vec<u32>),
    Fails,
    Panics,
    Hangs,
}

struct Fixed(&'static str, Behaviour);

impl Source<u32, Card> for Fixed {
    fn name(&self) -> &'static str {
        self.0
    }
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
impl QueryHydrator<u32> for Plus {
    fn name(&self) -> &'static str {
        "plus"
    }
    fn hydrate<'a>(&'a self, query: &'a mut u32) -> BoxFuture<'a, Result<(), StageError>> {
        Box::pin(async move {
            *query += self.0;
            Ok(())
        })
    }
}

struct NotTheQuery;
impl Filter<u32, Card> for NotTheQuery {
    fn name(&self) -> &'static str {
        "not_the_query"
    }
    fn check(&self, query: &u32, card: &Card) -> Result<(), &'static str> {
        assert_ne!(card.id, 666, "a bug in a filter");
        if card.id == *query { Err("same") } else { Ok(()) }
    }
}

struct ById;
impl Scorer<u32, Card> for ById {
    fn name(&self) -> &'static str {
        "by_id"
    }
    fn score(&self, _: &u32, cards: &mut [Card]) -> Result<(), StageError> {
        cards.iter_mut().for_each(|card| card.score = card.id * 10);
        Ok(())
    }
}

struct Best(usize);
impl Selector<u32, Card> for Best {
    fn name(&self) -> &'static str {
        "best"
    }
    fn select(&self, _: &u32, mut cards: Vec<Card>) -> Vec<Card> {
        cards.sort_by_key(|card| std::cmp::Reverse(card.score));
        cards.truncate(self.0);
        cards
    }
}

struct Refuses;
impl SideEffect<u32, Card> for Refuses {
    fn name(&self) -> &'static str {
        "refuses"
    }
    fn run(&self, _: &u32, _: &[Card]) -> Result<(), StageError> {
        Err(StageError("log is down".into()))
    }
}

fn pipeline(sources: Vec<Fixed>) -> Pipeline<u32, Card> {
    Pipeline {
        name: "test",
        hydrator_deadline: Duration::from_millis(20),
        source_deadline: Duration::from_millis(20),
        query_hydrators: vec![Box::new(Plus(1))],
        sources: sources
            .into_iter()
            .map(|source| Box::new(source) as Box<dyn Source<_, _>>)
            .collect(),
        hydrators: vec![],
        filters: vec![Box::new(NotTheQuery)],
        scorers: vec![Box::new(ById)],
        selector: Box::new(Best(3)),
        side_effects: vec![Box::new(Refuses)],
    }
}

#[tokio::test(start_paused = true)]
async fn broken_sources_cost_only_their_own_candidates() {
    let outcome = pipeline(vec![
        Fixed("hangs", Behaviour::Hangs),
        Fixed("gives", Behaviour::Gives(vec![1, 2, 3, 4])),
        Fixed("fails", Behaviour::Fails),
        Fixed("panics", Behaviour::Panics),
    ])
    .run(&mut 0)
    .await;
    assert_eq!(
        outcome.selected.iter().map(|card| card.id).collect::<Vec<_>>(),
        [4, 3, 2]
    );
    let failure = |stage: &str| {
        outcome
            .stages
            .iter()
            .find(|count| count.stage == stage)
            .and_then(|count| count.failure.clone())
    };
    assert_eq!(failure("hangs").as_deref(), Some("took longer than 20 ms"));
    assert_eq!(failure("fails").as_deref(), Some("no index"));
    assert_eq!(failure("panics").as_deref(), Some("panicked"));
    assert_eq!(failure("refuses").as_deref(), Some("log is down"));
    assert_eq!(failure("gives"), None);
}

#[tokio::test]
async fn what_is_found_twice_is_shown_once_with_both_sources() {
    let outcome = pipeline(vec![
        Fixed("a", Behaviour::Gives(vec![5, 6])),
        Fixed("b", Behaviour::Gives(vec![6])),
    ])
    .run(&mut 0)
    .await;
    assert_eq!(outcome.selected.len(), 2);
    assert_eq!(outcome.selected[0].from, ["a", "b"]);
}

#[tokio::test]
async fn what_a_filter_removes_stands_beside_with_the_reason() {
    let outcome = pipeline(vec![Fixed("a", Behaviour::Gives(vec![7, 8, 666]))])
        .run(&mut 6)
        .await;
    let removed: Vec<_> = outcome
        .removed
        .iter()
        .map(|r| (r.candidate.id, r.filter, r.reason))
        .collect();
    assert_eq!(
        removed,
        [
            (7, "not_the_query", "same"),
            (666, "not_the_query", "filter_panicked")
        ]
    );
    assert_eq!(
        outcome.selected.iter().map(|card| card.id).collect::<Vec<_>>(),
        [8]
    );
}
