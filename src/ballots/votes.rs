use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, Schema, Type},
    },
};

use super::{
    model::{Ballot, BallotState, Method, NewBallot},
    result::Cast,
};
use crate::{
    access::{Listed, Reach, Recorded, Tx},
    db::{AnyConnection, Id},
    events::Event,
    insert_many, keyset, listed,
    page::{AnyOf, Filter, Page},
    policy::Action,
    problem::{FieldError, Problem},
    reason::Reason,
    schema::{secret_votes, stakeholder_revisions, vote_revisions},
    secret::{hex, random},
    versioned,
    versioned::{Meta, Resource, Stored, Versioned},
};

/// What a vote says, by the ballot's method.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum VoteValue {
    /// With `agreement`: a point of the scale.
    Point(i32),
    /// With `consensus`: `agree`, `agree_with_reservation`, `object` or `abstain`; with `agreement`: `abstain`.
    Choice(String),
    /// With `dots`: how many on which option.
    Dots(BTreeMap<String, i32>),
}

impl VoteValue {
    pub fn abstains(&self) -> bool {
        *self == VoteValue::Choice("abstain".into())
    }
}

const CHOICES: [&str; 4] = ["agree", "agree_with_reservation", "object", "abstain"];

impl PartialSchema for VoteValue {
    fn schema() -> RefOr<Schema> {
        let integer = |minimum: i32, maximum: i32| {
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Int32)))
                .minimum(Some(minimum))
                .maximum(Some(maximum))
        };
        let choice = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(CHOICES));
        let dots = ObjectBuilder::new()
            .schema_type(Type::Object)
            .max_properties(Some(50))
            .property_names(Some(ObjectBuilder::new().schema_type(Type::String).max_length(Some(40))))
            .additional_properties(Some(AdditionalProperties::RefOr(integer(0, 20).build().into())));
        OneOfBuilder::new()
            .description(Some(
                "By the ballot's method. `consensus`: a choice. `agreement`: a point of the scale, or `abstain`. `dots`: \
                 how many on which option.",
            ))
            .item(choice)
            .item(integer(1, 11))
            .item(dots)
            .examples([json!("agree")])
            .into()
    }
}

impl ToSchema for VoteValue {
    fn name() -> std::borrow::Cow<'static, str> {
        "VoteValue".into()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VoteState {
    Cast,
    /// Taken back with a reason; it does not count.
    Rescinded,
}

/// A vote, as it is cast.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewVote {
    pub value: VoteValue,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub comment: Option<String>,
    /// For how many persons it speaks, where the ballot counts persons; one where it is left out.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10_000)]
    pub persons: Option<i32>,
}

/// The vote of one organisation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Vote {
    #[serde(flatten)]
    pub meta: Meta,
    pub ballot_id: Id,
    pub stakeholder_id: Id,
    /// Null in an anonymous ballot: nobody is shown it.
    pub value: Option<VoteValue>,
    /// Null in an anonymous ballot.
    pub comment: Option<String>,
    #[schema(minimum = 1)]
    pub persons: i32,
    /// Recorded by somebody who does not act for this organisation.
    pub on_behalf: bool,
    /// In an anonymous ballot: SHA-256 of a salt and what the vote says, which are kept apart.
    pub commitment: Option<String>,
    pub state: VoteState,
}

/// Which votes to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VoteFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<VoteState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<VoteState>>,
}

impl Filter for VoteFilter {
    const SORTS: &'static [&'static str] = &["created_at"];
}

versioned!(Vote as this, votes, vote_revisions { ballot_id: this.ballot_id, stakeholder_id: this.stakeholder_id });

impl Resource for Vote {
    const KIND: &'static str = "vote";
    const PATH: &'static str = "programs/{program}/ballots/{id}";

    fn state(&self) -> &str {
        match self.state {
            VoteState::Cast => "cast",
            VoteState::Rescinded => "rescinded",
        }
    }

    fn path_id(&self) -> String {
        format!("{}/votes/{}", self.ballot_id, self.stakeholder_id)
    }
}

impl Vote {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        ballot: Id,
        filter: &VoteFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        let anonymous = is_anonymous(conn, reach, ballot)?;
        let mut query = listed!(vote_revisions, reach.ledger, at, &[]).filter(vote_revisions::ballot_id.eq(ballot));
        if anonymous {
            // Who voted tells in a small electorate what was said: each sees that its own vote is in.
            let Some(own) = reach.stakeholder else { return Ok(Vec::new().into()) };
            query = query.filter(vote_revisions::stakeholder_id.eq(own));
        }
        if let Some(states) = &filter.state {
            let names = states.0.iter().map(|state| if *state == VoteState::Cast { "cast" } else { "rescinded" });
            query = query.filter(vote_revisions::state.eq_any(names));
        }
        let rows: Vec<Stored> = keyset!(query, page, vote_revisions, subject_id as Id).load(conn)?;
        Ok(rows.into())
    }

    /// The id of an organisation's vote, for reading it. In an anonymous ballot only its own organisation finds it.
    pub fn identify(conn: &mut AnyConnection, reach: &Reach, ballot: Id, stakeholder: Id) -> Result<Id, Problem> {
        if reach.stakeholder != Some(stakeholder) && is_anonymous(conn, reach, ballot)? {
            return Err(Problem::NotFound);
        }
        vote_id(conn, reach, ballot, stakeholder)?.ok_or(Problem::NotFound)
    }

    /// Casts an organisation's vote, or changes it.
    pub fn cast(tx: &mut Tx<'_>, ballot: Id, stakeholder: Id, new: NewVote) -> Result<Recorded<Vote>, Problem> {
        let ballot: Ballot = tx.look(ballot)?;
        may_speak_for(tx, stakeholder)?;
        Event::running(tx, &ballot.event_id.to_string())?;
        refusal(&ballot, stakeholder)?;
        let known = match vote_id(tx.conn, &tx.reach, ballot.meta.id, stakeholder)? {
            Some(id) => Some(tx.look::<Vote>(id)?),
            None => None,
        };
        let wrong = wrong_value(&ballot.content, &new);
        if !wrong.is_empty() {
            return Err(Problem::Invalid(wrong));
        }
        put(tx, &ballot, stakeholder, new, known)
    }

    /// Takes a vote back: it does not count any more, and can be cast anew.
    pub fn rescind(tx: &mut Tx<'_>, ballot: Id, stakeholder: Id, why: Reason) -> Result<Recorded<Vote>, Problem> {
        let ballot: Ballot = tx.look(ballot)?;
        may_speak_for(tx, stakeholder)?;
        Event::running(tx, &ballot.event_id.to_string())?;
        let id = vote_id(tx.conn, &tx.reach, ballot.meta.id, stakeholder)?.ok_or(Problem::NotFound)?;
        if ballot.state != BallotState::Open {
            return Err(Problem::BallotNotOpen { state: ballot.state().into() });
        }
        let mut vote: Vote = tx.look(id)?;
        if vote.state == VoteState::Rescinded {
            return Err(Problem::WrongState { action: "ballot.vote", state: "rescinded".into() });
        }
        vote.state = VoteState::Rescinded;
        tx.change(vote, Some(&why.reason))
    }
}

fn vote_id(conn: &mut AnyConnection, reach: &Reach, ballot: Id, stakeholder: Id) -> QueryResult<Option<Id>> {
    vote_revisions::table
        .filter(vote_revisions::ballot_id.eq(ballot))
        .filter(vote_revisions::stakeholder_id.eq(stakeholder))
        .filter(vote_revisions::ledger_id.eq(reach.ledger))
        .filter(vote_revisions::seq_to.is_null())
        .select(vote_revisions::subject_id)
        .first(conn)
        .optional()
}

fn is_anonymous(conn: &mut AnyConnection, reach: &Reach, ballot: Id) -> Result<bool, Problem> {
    let stored = Ballot::open(conn, reach.ledger, ballot)?.ok_or(Problem::NotFound)?;
    let ballot: Ballot = versioned::parse(&stored.body)?;
    Ok(ballot.content.anonymous)
}

/// Agencies and partners speak for their own organisation; those who run the event record what another said.
fn may_speak_for(tx: &Tx<'_>, stakeholder: Id) -> Result<(), Problem> {
    let own = tx.reach.stakeholder == Some(stakeholder);
    if own || tx.reach.may(Action::RunEvent) { Ok(()) } else { Err(Problem::NotOwnOrganization) }
}

/// What stands against a vote of this organisation in this ballot.
fn refusal(ballot: &Ballot, stakeholder: Id) -> Result<(), Problem> {
    if ballot.state != BallotState::Open {
        return Err(Problem::BallotNotOpen { state: ballot.state().into() });
    }
    if !ballot.electorate.contains(&stakeholder) {
        return Err(Problem::NotInElectorate);
    }
    Ok(())
}

/// What is wrong with what a vote says, by the ballot's method.
fn wrong_value(content: &NewBallot, new: &NewVote) -> Vec<FieldError> {
    let fits = match (&new.value, content.method) {
        (VoteValue::Choice(choice), Method::Consensus) => CHOICES.contains(&choice.as_str()),
        (VoteValue::Choice(choice), Method::Agreement) => choice == "abstain",
        (VoteValue::Point(point), Method::Agreement) => {
            content.scale.as_ref().is_some_and(|scale| (1..=scale.points).contains(point))
        }
        (VoteValue::Dots(dots), Method::Dots) => {
            let known = dots.keys().all(|key| content.options.iter().any(|option| option.key == *key));
            let sum: i64 = dots.values().map(|count| i64::from(*count)).sum();
            known && sum <= i64::from(content.dots_each.unwrap_or(0)) && dots.values().all(|count| *count >= 0)
        }
        _ => false,
    };
    if fits {
        return Vec::new();
    }
    let (id, en) =
        ("tidak sesuai dengan cara pemungutan suara ini", "does not fit this ballot's method, scale or options");
    vec![FieldError::new("/value", "not_fitting", id, en)]
}

/// What an anonymous vote says, apart from the vote.
struct Secret {
    vote: Id,
    salt: String,
    said: String,
}

/// The vote that says `new`, in place of the `known` one; and its secret, where the ballot is anonymous.
fn vote(tx: &Tx<'_>, ballot: &Ballot, stakeholder: Id, new: NewVote, known: Option<&Vote>) -> (Vote, Option<Secret>) {
    let anonymous = ballot.content.anonymous;
    let meta = known.map_or_else(|| Meta::new(tx.now), |vote| vote.meta.clone());
    let secret = anonymous.then(|| Secret {
        vote: meta.id,
        salt: BASE64_URL_SAFE_NO_PAD.encode(random::<24>()),
        said: json!({"value": new.value, "comment": new.comment}).to_string(),
    });
    let vote = Vote {
        meta,
        ballot_id: ballot.meta.id,
        stakeholder_id: stakeholder,
        value: (!anonymous).then_some(new.value),
        comment: new.comment.filter(|_| !anonymous),
        persons: new.persons.unwrap_or(1),
        on_behalf: tx.reach.stakeholder != Some(stakeholder),
        commitment: secret.as_ref().map(|secret| hex(&Sha256::digest(format!("{}{}", secret.salt, secret.said)))),
        state: VoteState::Cast,
    };
    (vote, secret)
}

/// Keeps what new votes say.
fn keep_secrets(conn: &mut AnyConnection, secrets: Vec<Secret>) -> QueryResult<()> {
    use secret_votes as t;
    let row = secrets.into_iter().map(|one| (t::vote_id.eq(one.vote), t::salt.eq(one.salt), t::value.eq(one.said)));
    insert_many!(conn, t::table, row.collect::<Vec<_>>())
}

fn put(
    tx: &mut Tx<'_>,
    ballot: &Ballot,
    stakeholder: Id,
    new: NewVote,
    known: Option<Vote>,
) -> Result<Recorded<Vote>, Problem> {
    let (vote, secret) = vote(tx, ballot, stakeholder, new, known.as_ref());
    let put = match known {
        Some(_) => tx.change(vote, None)?,
        None => tx.create(vote, None)?,
    };
    if let Some(secret) = secret {
        diesel::delete(secret_votes::table.find(secret.vote)).execute(tx.conn)?;
        keep_secrets(tx.conn, vec![secret])?;
    }
    Ok(put)
}

/// One vote of a list, and where it stands in the request.
pub struct ListedVote {
    pub pointer: String,
    pub ballot: Id,
    pub stakeholder: Id,
    pub new: NewVote,
}

/// Casts many votes in these ballots, with a few statements. What stands against single ones goes to `conflicts`.
pub fn cast_all(
    tx: &mut Tx<'_>,
    ballots: &BTreeMap<Id, Ballot>,
    votes: Vec<ListedVote>,
    conflicts: &mut Vec<FieldError>,
) -> Result<Recorded<Vec<Vote>>, Problem> {
    let asked: BTreeSet<Id> = votes.iter().map(|vote| vote.ballot).collect();
    let mut known: BTreeMap<(Id, Id), Vote> =
        votes_of(tx, &asked)?.into_iter().map(|one| ((one.ballot_id, one.stakeholder_id), one)).collect();
    let mut seen = BTreeSet::new();
    let (mut fresh, mut secrets, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for listed in votes {
        let mut refuse = |name: &str, code: &'static str, id: &'static str, en: &'static str| {
            conflicts.push(FieldError::new(format!("{}{name}", listed.pointer), code, id, en));
        };
        let Some(ballot) = ballots.get(&listed.ballot) else {
            let (id, en) = ("tahap ini tidak punya pemungutan suara itu", "this stage has no such ballot");
            refuse("/ballot_id", "not_found", id, en);
            continue;
        };
        match refusal(ballot, listed.stakeholder) {
            Err(Problem::NotInElectorate) => {
                let (id, en) = ("tidak termasuk pemilih tahap ini", "is not in the electorate of this stage");
                refuse("/stakeholder_id", "not_in_electorate", id, en);
                continue;
            }
            Err(_) => {
                let (id, en) = ("pemungutan suara ini tidak terbuka", "this ballot is not open");
                refuse("/ballot_id", "ballot_not_open", id, en);
                continue;
            }
            Ok(()) => {}
        }
        let key = (listed.ballot, listed.stakeholder);
        if !seen.insert(key) {
            let (id, en) = ("memberi suara dua kali dalam permintaan ini", "votes twice in this request");
            refuse("/stakeholder_id", "repeated", id, en);
            continue;
        }
        let wrong = wrong_value(&ballot.content, &listed.new);
        if !wrong.is_empty() {
            let below =
                |error: FieldError| FieldError { pointer: format!("{}{}", listed.pointer, error.pointer), ..error };
            conflicts.extend(wrong.into_iter().map(below));
            continue;
        }
        match known.remove(&key) {
            Some(known) => changed.push(put(tx, ballot, listed.stakeholder, listed.new, Some(known))?),
            None => {
                let (vote, secret) = vote(tx, ballot, listed.stakeholder, listed.new, None);
                fresh.push(vote);
                secrets.extend(secret);
            }
        }
    }
    let made = tx.create_all(fresh, &[])?;
    keep_secrets(tx.conn, secrets)?;
    Ok(changed.into_iter().fold(made, Recorded::with))
}

fn votes_of(tx: &mut Tx<'_>, ballots: &BTreeSet<Id>) -> Result<Vec<Vote>, Problem> {
    let bodies: Vec<String> = vote_revisions::table
        .filter(vote_revisions::ballot_id.eq_any(ballots))
        .filter(vote_revisions::seq_to.is_null())
        .order(vote_revisions::subject_id)
        .select(vote_revisions::body)
        .load(tx.conn)?;
    bodies.iter().map(|body| versioned::parse(body)).collect()
}

/// The votes that count in each of these ballots, with the kinds of those who cast them and what the anonymous ones say.
pub(super) fn cast_in(tx: &mut Tx<'_>, ballots: &[Ballot]) -> Result<BTreeMap<Id, Vec<Cast>>, Problem> {
    let asked: BTreeSet<Id> = ballots.iter().map(|ballot| ballot.meta.id).collect();
    let votes: Vec<Vote> = votes_of(tx, &asked)?.into_iter().filter(|vote| vote.state == VoteState::Cast).collect();
    let voters: BTreeSet<Id> = votes.iter().map(|vote| vote.stakeholder_id).collect();
    let kinds: Vec<(Id, String)> = stakeholder_revisions::table
        .filter(stakeholder_revisions::subject_id.eq_any(voters))
        .filter(stakeholder_revisions::seq_to.is_null())
        .select((stakeholder_revisions::subject_id, stakeholder_revisions::kind))
        .load(tx.conn)?;
    let kinds: BTreeMap<Id, String> = kinds.into_iter().collect();
    let secrets: BTreeMap<Id, String> = match ballots.iter().any(|ballot| ballot.content.anonymous) {
        false => BTreeMap::new(),
        true => secret_votes::table
            .filter(secret_votes::vote_id.eq_any(votes.iter().map(|vote| vote.meta.id)))
            .select((secret_votes::vote_id, secret_votes::value))
            .load::<(Id, String)>(tx.conn)?
            .into_iter()
            .collect(),
    };
    let mut cast: BTreeMap<Id, Vec<Cast>> = BTreeMap::new();
    for vote in votes {
        let value = match (vote.value, secrets.get(&vote.meta.id)) {
            (Some(value), _) => value,
            (None, Some(said)) => {
                let said: Value = serde_json::from_str(said).map_err(Problem::internal)?;
                serde_json::from_value(said["value"].clone()).map_err(Problem::internal)?
            }
            (None, None) => return Err(Problem::internal("an anonymous vote says nothing")),
        };
        let kind = kinds.get(&vote.stakeholder_id).cloned().unwrap_or_default();
        let one = Cast { stakeholder: vote.stakeholder_id, kind, value, persons: i64::from(vote.persons) };
        cast.entry(vote.ballot_id).or_default().push(one);
    }
    Ok(cast)
}
