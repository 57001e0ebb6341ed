//! What votes amount to, for any votes.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    model::{BallotOption, BallotRule, Method, NewBallot, Scale, Unit},
    result::{BallotResult, Cast, Outcome, Quartiles, Share, compute},
    votes::VoteValue,
};
use crate::{db::Id, localized::Localized};

fn ballot(method: Method) -> NewBallot {
    let text = || Localized([("id".to_owned(), "Apa?".to_owned())].into());
    let labels = (0..5).map(|_| text()).collect();
    let options = ["a", "b", "c"].map(|key| BallotOption { key: key.into(), label: text() });
    NewBallot {
        question_id: None,
        title: Some(text()),
        method,
        scale: (method == Method::Agreement).then_some(Scale { points: 5, labels, agree_from: 4 }),
        options: if method == Method::Dots { options.into() } else { Vec::new() },
        dots_each: (method == Method::Dots).then_some(5),
        rule: BallotRule { threshold_percent: 60 },
        quorum: 3,
        unit: Unit::Organization,
        anonymous: false,
    }
}

fn vote(kind: &str, value: VoteValue) -> Cast {
    Cast { stakeholder: Id::new(), kind: kind.into(), value, persons: 1 }
}

fn said(choice: &str) -> Cast {
    vote("media", VoteValue::Choice(choice.into()))
}

fn points(values: &[i32]) -> Vec<Cast> {
    values.iter().map(|value| vote("media", VoteValue::Point(*value))).collect()
}

fn result(content: &NewBallot, cast: &[Cast]) -> BallotResult {
    let electorate: Vec<Id> = cast.iter().map(|one| one.stakeholder).collect();
    compute(content, &electorate, cast)
}

fn choices(given: &[(&str, usize)]) -> Vec<Cast> {
    given.iter().flat_map(|(choice, count)| (0..*count).map(|_| said(choice))).collect()
}

#[test]
fn one_objection_stands_against_a_consensus_and_abstaining_does_not() {
    let content = ballot(Method::Consensus);
    let outcome = |given: &[(&str, usize)]| result(&content, &choices(given)).outcome;
    assert_eq!(outcome(&[("agree", 3)]), Outcome::Agreed);
    assert_eq!(outcome(&[("agree", 2), ("abstain", 9)]), Outcome::Agreed);
    assert_eq!(outcome(&[("agree", 9), ("agree_with_reservation", 1)]), Outcome::AgreedWithReservations);
    assert_eq!(outcome(&[("agree", 99), ("object", 1)]), Outcome::NotAgreed);
    assert_eq!(outcome(&[("agree_with_reservation", 1), ("object", 1)]), Outcome::NotAgreed);
    assert_eq!(outcome(&[("abstain", 4)]), Outcome::None);
    assert_eq!(outcome(&[]), Outcome::None);
}

#[test]
fn abstentions_count_for_the_quorum_and_not_for_the_share() {
    let content = ballot(Method::Consensus);
    let told = result(&content, &choices(&[("agree", 1), ("object", 1), ("abstain", 1)]));
    assert_eq!((told.votes_count, told.abstentions_count, told.quorum_met), (3, 1, true));
    assert_eq!(told.percent_agreement, Some(50.0));
    assert!(!result(&content, &choices(&[("agree", 2)])).quorum_met);
}

#[test]
fn a_share_that_only_rounds_up_to_the_threshold_does_not_reach_it() {
    let mut content = ballot(Method::Agreement);
    content.rule.threshold_percent = 67;
    // Two thirds are 66.67 percent.
    assert_eq!(result(&content, &points(&[5, 4, 1])).outcome, Outcome::NotAgreed);
    content.rule.threshold_percent = 66;
    assert_eq!(result(&content, &points(&[5, 4, 1])).outcome, Outcome::Agreed);
    // 599 of 1,000 and 5,999 of 10,000 are told as 59.9 and 60.0: neither is 60 percent.
    content.rule.threshold_percent = 60;
    for (agree, all, told) in [(599, 1000, 59.9), (5999, 10_000, 60.0)] {
        let values: Vec<i32> = (0..all).map(|number| if number < agree { 4 } else { 3 }).collect();
        let result = result(&content, &points(&values));
        assert_eq!((result.percent_agreement, result.outcome), (Some(told), Outcome::NotAgreed));
    }
    assert_eq!(result(&content, &points(&[4, 4, 4, 3, 3])).outcome, Outcome::Agreed);
}

#[test]
fn quartiles_lie_between_their_neighbours() {
    let content = ballot(Method::Agreement);
    let told = |values: &[i32]| {
        let told = result(&content, &points(values));
        let Quartiles { lower, upper } = told.interquartile_range.unwrap();
        (lower, told.median.unwrap(), upper)
    };
    assert_eq!(told(&[4]), (4.0, 4.0, 4.0));
    assert_eq!(told(&[1, 2]), (1.25, 1.5, 1.75));
    assert_eq!(told(&[1, 2, 3, 4]), (1.75, 2.5, 3.25));
    assert_eq!(told(&[5, 1, 4, 2, 3]), (2.0, 3.0, 4.0));
    let abstained = result(&content, &[said("abstain")]);
    assert_eq!((abstained.median, abstained.interquartile_range), (None, None));
}

#[test]
fn where_persons_count_a_vote_weighs_as_many() {
    let mut content = ballot(Method::Agreement);
    content.unit = Unit::Person;
    let mut cast = points(&[5, 1]);
    cast[1].persons = 9;
    let told = result(&content, &cast);
    assert_eq!((told.votes_count, told.percent_agreement, told.median), (2, Some(10.0), Some(1.0)));
    content.unit = Unit::Organization;
    assert_eq!(result(&content, &cast).percent_agreement, Some(50.0));
}

fn kinds(content: &NewBallot, given: &[(&str, usize)]) -> Vec<(String, i64)> {
    let agree = VoteValue::Choice("agree".into());
    let cast: Vec<Cast> =
        given.iter().flat_map(|(kind, count)| (0..*count).map(|_| vote(kind, agree.clone()))).collect();
    let told = result(content, &cast).by_kind.into_iter();
    told.map(|share| (share.kind, share.distribution.iter().map(|one| one.count).sum())).collect()
}

#[test]
fn small_kinds_are_put_together_or_left_out_where_votes_are_anonymous() {
    let mut content = ballot(Method::Consensus);
    let pair = |kind: &str, count| (kind.to_owned(), count);
    assert_eq!(kinds(&content, &[("academia", 1), ("media", 2)]), [pair("academia", 1), pair("media", 2)]);
    content.anonymous = true;
    assert_eq!(kinds(&content, &[("academia", 2), ("media", 1)]), [pair("other", 3)]);
    assert_eq!(
        kinds(&content, &[("academia", 3), ("media", 2), ("ngo_local", 1)]),
        [pair("academia", 3), pair("other", 3)]
    );
    assert_eq!(kinds(&content, &[("other", 3), ("media", 2), ("ngo_local", 1)]), [pair("other", 6)]);
    assert_eq!(kinds(&content, &[("academia", 4)]), [pair("academia", 4)]);
    // What is left over would be known by subtraction.
    assert!(kinds(&content, &[("academia", 9), ("media", 2)]).is_empty());
    assert!(kinds(&content, &[("academia", 1), ("media", 1)]).is_empty());
}

fn any_value(method: Method) -> BoxedStrategy<VoteValue> {
    let choice = |names: &'static [&'static str]| {
        proptest::sample::select(names).prop_map(|name: &str| VoteValue::Choice(name.into()))
    };
    match method {
        Method::Consensus => choice(&["agree", "agree_with_reservation", "object", "abstain"]).boxed(),
        Method::Agreement => prop_oneof![4 => (1..=5).prop_map(VoteValue::Point), 1 => choice(&["abstain"])].boxed(),
        Method::Dots => proptest::collection::btree_map(proptest::sample::select(&["a", "b", "c"][..]), 0..3, 0..4)
            .prop_map(|dots: BTreeMap<&str, i32>| {
                VoteValue::Dots(dots.into_iter().map(|(key, count)| (key.into(), count)).collect())
            })
            .boxed(),
    }
}

/// A ballot, its votes, and the same votes in another order.
fn any_votes() -> impl Strategy<Value = (NewBallot, Vec<Cast>, Vec<Cast>)> {
    let methods = proptest::sample::select(&[Method::Consensus, Method::Agreement, Method::Dots][..]);
    methods.prop_flat_map(|method| {
        let kinds = proptest::sample::select(&["academia", "media", "other", "ngo_local"][..]);
        let one = (kinds, any_value(method), 1..50_i64)
            .prop_map(|(kind, value, persons)| Cast { persons, ..vote(kind, value) });
        let votes = proptest::collection::vec(one, 0..30);
        (votes, any::<bool>(), any::<bool>(), 1..=100).prop_flat_map(move |(cast, anonymous, by_person, threshold)| {
            let mut content = ballot(method);
            content.anonymous = anonymous;
            content.unit = if by_person && !anonymous { Unit::Person } else { Unit::Organization };
            content.rule.threshold_percent = threshold;
            (Just(content), Just(cast.clone()), Just(cast).prop_shuffle())
        })
    })
}

fn sum(shares: &[Share]) -> i64 {
    shares.iter().map(|share| share.count).sum()
}

proptest! {
    #[test]
    fn the_order_of_votes_changes_nothing((content, cast, shuffled) in any_votes()) {
        let electorate: Vec<Id> = cast.iter().map(|one| one.stakeholder).chain([Id::new()]).collect();
        prop_assert_eq!(compute(&content, &electorate, &cast), compute(&content, &electorate, &shuffled));
    }

    #[test]
    fn counts_add_up((content, cast, _) in any_votes()) {
        let absent = Id::new();
        let electorate: Vec<Id> = cast.iter().map(|one| one.stakeholder).chain([absent]).collect();
        let told = compute(&content, &electorate, &cast);
        let weight = |one: &Cast| if content.unit == Unit::Person { one.persons } else { 1 };
        prop_assert_eq!(told.votes_count, cast.len() as i64);
        prop_assert_eq!(told.electorate_count, cast.len() as i64 + 1);
        prop_assert_eq!(told.missing_ids, if content.anonymous { vec![] } else { vec![absent] });
        if content.anonymous && cast.len() < 3 {
            prop_assert!(told.distribution.is_empty() && told.by_kind.is_empty() && told.ranking.is_empty());
            prop_assert_eq!((told.percent_agreement, told.median, told.interquartile_range), (None, None, None));
            prop_assert_eq!((told.abstentions_count, told.outcome), (0, Outcome::None));
            return Ok(());
        }
        if content.method == Method::Dots {
            let dots = |one: &Cast| match &one.value { VoteValue::Dots(dots) => dots.values().map(|n| i64::from(*n)).sum(), _ => 0 };
            prop_assert_eq!(told.ranking.iter().map(|one| one.dots).sum::<i64>(), cast.iter().map(|one| dots(one) * weight(one)).sum::<i64>());
            prop_assert!(told.ranking.is_sorted_by(|one, next| one.dots >= next.dots) && told.distribution.is_empty());
            prop_assert_eq!(told.outcome, Outcome::None);
        } else {
            let all: i64 = cast.iter().map(weight).sum();
            prop_assert_eq!(sum(&told.distribution), all);
            let by_kind: i64 = told.by_kind.iter().map(|kind| sum(&kind.distribution)).sum();
            prop_assert!(by_kind == all || content.anonymous && told.by_kind.is_empty());
        }
        if let (Some(median), Some(range)) = (told.median, told.interquartile_range) {
            prop_assert!(1.0 <= range.lower && range.lower <= median && median <= range.upper && range.upper <= 5.0);
        }
    }

    #[test]
    fn no_kind_of_an_anonymous_ballot_stands_for_fewer_than_three_votes((mut content, cast, _) in any_votes()) {
        content.anonymous = true;
        content.unit = Unit::Organization;
        for kind in result(&content, &cast).by_kind {
            prop_assert!(sum(&kind.distribution) >= 3, "{kind:?}");
        }
    }
}
