//! What the votes amount to. Distributions and spread, never only a mean; a result is no decision.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    model::{Method, NewBallot, Unit},
    votes::VoteValue,
};
use crate::db::Id;

/// Groups with fewer votes are not told apart in an anonymous ballot.
const SMALLEST_GROUP: i64 = 3;

/// One vote that counts.
#[derive(Clone, Debug)]
pub struct Cast {
    pub stakeholder: Id,
    /// The kind of the organisation.
    pub kind: String,
    pub value: VoteValue,
    pub persons: i64,
}

/// How many said so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Share {
    pub value: VoteValue,
    /// Organisations or persons, as the ballot counts.
    #[schema(minimum = 0)]
    pub count: i64,
}

/// What the organisations of one kind said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KindShare {
    /// A kind of stakeholder. In an anonymous ballot `other` stands for kinds with fewer than three votes together.
    #[schema(example = "provincial_government")]
    pub kind: String,
    pub distribution: Vec<Share>,
}

/// The dots on one option.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Ranked {
    pub key: String,
    #[schema(minimum = 0)]
    pub dots: i64,
}

/// The middle half of the votes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Quartiles {
    pub lower: f64,
    pub upper: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Agreed,
    /// Agreed, and some had reservations.
    AgreedWithReservations,
    NotAgreed,
    /// Nobody voted, fewer than three voted anonymously, or the method ranks and does not agree.
    None,
}

/// What the votes amount to. Of an anonymous ballot with fewer than three votes only the counts are told: anything more
/// would tell what single voters said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BallotResult {
    /// Votes, abstentions among them.
    #[schema(minimum = 0)]
    pub votes_count: i64,
    /// 0 where fewer than three voted anonymously.
    #[schema(minimum = 0)]
    pub abstentions_count: i64,
    #[schema(minimum = 0)]
    pub electorate_count: i64,
    pub quorum_met: bool,
    /// Organisations of the electorate that did not vote. Empty where the ballot is anonymous.
    pub missing_ids: Vec<Id>,
    pub distribution: Vec<Share>,
    pub by_kind: Vec<KindShare>,
    /// With `consensus`: not objecting; with `agreement`: at or above `agree_from`; of those who did not abstain.
    pub percent_agreement: Option<f64>,
    /// With `agreement`.
    pub median: Option<f64>,
    /// With `agreement`: the first and the third quartile.
    pub interquartile_range: Option<Quartiles>,
    /// With `dots`: the options, those with most dots first.
    pub ranking: Vec<Ranked>,
    pub outcome: Outcome,
}

/// Counts the votes of a ballot. Their order does not matter.
pub fn compute(content: &NewBallot, electorate: &[Id], cast: &[Cast]) -> BallotResult {
    let weight = |one: &Cast| if content.unit == Unit::Person { one.persons } else { 1 };
    let weighted: Vec<(&Cast, i64)> = cast.iter().map(|one| (one, weight(one))).collect();
    let votes_count = cast.len() as i64;
    let abstentions_count = cast.iter().filter(|one| one.value.abstains()).count() as i64;
    let voiced: i64 = weighted.iter().filter(|(one, _)| !one.value.abstains()).map(|(_, weight)| weight).sum();
    let agreeing: i64 = weighted.iter().filter(|(one, _)| agrees(content, &one.value)).map(|(_, weight)| weight).sum();
    let agreement = content.method != Method::Dots && voiced > 0;
    let percent = agreement.then(|| rounded(agreeing as f64 * 100.0 / voiced as f64));
    let mut points: Vec<i64> = Vec::new();
    for (one, weight) in &weighted {
        if let VoteValue::Point(point) = one.value {
            points.extend(std::iter::repeat_n(i64::from(point), *weight as usize));
        }
    }
    points.sort_unstable();
    let scaled = content.method == Method::Agreement && !points.is_empty();
    let missing_ids = match content.anonymous {
        true => Vec::new(),
        false => electorate.iter().filter(|id| !cast.iter().any(|one| one.stakeholder == **id)).copied().collect(),
    };
    let told = BallotResult {
        votes_count,
        abstentions_count,
        electorate_count: electorate.len() as i64,
        quorum_met: votes_count >= i64::from(content.quorum),
        missing_ids,
        distribution: distribution(&weighted),
        by_kind: by_kind(content.anonymous, &weighted),
        percent_agreement: percent,
        median: scaled.then(|| quantile(&points, 0.5)),
        interquartile_range: scaled
            .then(|| Quartiles { lower: quantile(&points, 0.25), upper: quantile(&points, 0.75) }),
        ranking: ranking(content, &weighted),
        outcome: outcome(content, percent, agreeing, voiced, cast),
    };
    if content.anonymous && votes_count < SMALLEST_GROUP { told.counts_only() } else { told }
}

impl BallotResult {
    fn counts_only(self) -> BallotResult {
        BallotResult {
            abstentions_count: 0,
            distribution: Vec::new(),
            by_kind: Vec::new(),
            percent_agreement: None,
            median: None,
            interquartile_range: None,
            ranking: Vec::new(),
            outcome: Outcome::None,
            ..self
        }
    }
}

fn agrees(content: &NewBallot, value: &VoteValue) -> bool {
    match value {
        VoteValue::Choice(choice) => choice == "agree" || choice == "agree_with_reservation",
        VoteValue::Point(point) => content.scale.as_ref().is_some_and(|scale| *point >= scale.agree_from),
        VoteValue::Dots(_) => false,
    }
}

fn outcome(content: &NewBallot, percent: Option<f64>, agreeing: i64, voiced: i64, cast: &[Cast]) -> Outcome {
    if percent.is_none() {
        return Outcome::None;
    }
    let objected = cast.iter().any(|one| one.value == VoteValue::Choice("object".into()));
    let reserved = cast.iter().any(|one| one.value == VoteValue::Choice("agree_with_reservation".into()));
    // In whole numbers: a share that rounds up to the threshold does not reach it.
    let reached = agreeing * 100 >= i64::from(content.rule.threshold_percent) * voiced;
    match (content.method == Method::Consensus && objected, reached, reserved) {
        (true, _, _) | (_, false, _) => Outcome::NotAgreed,
        (_, true, true) => Outcome::AgreedWithReservations,
        (_, true, false) => Outcome::Agreed,
    }
}

fn distribution(weighted: &[(&Cast, i64)]) -> Vec<Share> {
    let mut counts: BTreeMap<VoteValue, i64> = BTreeMap::new();
    for (one, weight) in weighted {
        match &one.value {
            // How one voter spread its dots is its own affair: the ranking tells the sums.
            VoteValue::Dots(_) => {}
            value => *counts.entry(value.clone()).or_default() += weight,
        }
    }
    counts.into_iter().map(|(value, count)| Share { value, count }).collect()
}

fn by_kind(anonymous: bool, weighted: &[(&Cast, i64)]) -> Vec<KindShare> {
    let mut kinds: BTreeMap<String, Vec<(&Cast, i64)>> = BTreeMap::new();
    for (one, weight) in weighted {
        kinds.entry(one.kind.clone()).or_default().push((one, *weight));
    }
    if anonymous {
        let (large, small): (BTreeMap<_, _>, BTreeMap<_, _>) =
            kinds.into_iter().partition(|(_, votes)| votes.len() as i64 >= SMALLEST_GROUP);
        kinds = large;
        let rest: Vec<(&Cast, i64)> = small.into_values().flatten().collect();
        // What is left over by subtraction must not be a small group either.
        if rest.len() as i64 >= SMALLEST_GROUP {
            kinds.entry("other".into()).or_default().extend(rest);
        } else if !rest.is_empty() {
            kinds.clear();
        }
    }
    let told = kinds.into_iter().map(|(kind, votes)| KindShare { kind, distribution: distribution(&votes) });
    told.filter(|share| !share.distribution.is_empty()).collect()
}

fn ranking(content: &NewBallot, weighted: &[(&Cast, i64)]) -> Vec<Ranked> {
    let mut ranked: Vec<Ranked> = content
        .options
        .iter()
        .map(|option| {
            let dots = weighted.iter().map(|(one, weight)| match &one.value {
                VoteValue::Dots(dots) => i64::from(dots.get(&option.key).copied().unwrap_or(0)) * weight,
                _ => 0,
            });
            Ranked { key: option.key.clone(), dots: dots.sum() }
        })
        .collect();
    ranked.sort_by(|one, other| (other.dots, &one.key).cmp(&(one.dots, &other.key)));
    ranked
}

/// Linear interpolation between the neighbours, as most statistics programs have it.
fn quantile(sorted: &[i64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize] as f64, sorted[place.ceil() as usize] as f64);
    // Quarters of whole points: exact, and told as they are.
    below + (above - below) * place.fract()
}

fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
