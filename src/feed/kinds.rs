//! The kinds of things that feeds tell of, and who is shown which of them.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    access::{Reach, place},
    accounts::{Account, AccountState},
    ballots::{Ballot, Vote},
    clients::Client,
    consultations::Consultation,
    criteria::Criterion,
    db::{AnyConnection, Id},
    decisions::Decision,
    documents::Document,
    events::{Attendance, Event, FollowUp, Stage},
    focus_areas::FocusArea,
    frameworks::Framework,
    inputs::Input,
    invitations::Invitation,
    mappings::Mapping,
    memberships::Membership,
    participants::Participant,
    personal_data::DataRequest,
    phases::Phase,
    policy::Action,
    problem::Problem,
    programs::Program,
    questions::Question,
    shocks_and_stresses::ShockOrStress,
    stakeholders::Stakeholder,
    statements::{Position, Statement},
    versioned::{self, Resource, Stored, Versioned, hidden},
    webhooks::Webhook,
};

/// A kind of thing, as feeds know it.
pub struct Kind {
    pub name: &'static str,
    platform: bool,
    /// The right without which nothing of it is shown.
    read: Action,
    gone: &'static [&'static str],
    hidden_from: fn(&Reach) -> &'static [&'static str],
    hidden: fn(&Reach, &Stored) -> bool,
    hidden_row: fn(&Reach, &Stored) -> bool,
    /// What its lists and paths leave out beside that.
    withheld: fn(&Reach, &str) -> Result<bool, Problem>,
    known: fn(&Reach, &Text) -> Result<Known, Problem>,
    standing: fn(&mut AnyConnection, Id, i64, i64, i64) -> diesel::QueryResult<Vec<Stored>>,
    numbered: fn(&mut AnyConnection, Id, Id, i32) -> diesel::QueryResult<Option<Stored>>,
}

/// The state and the path of something.
type Known = (String, String);

/// What a ledger row says that its subject was.
pub struct Text {
    pub subject: Id,
    pub revision: i32,
    pub sequence: i64,
    pub body: String,
}

const fn of<R: Resource>(read: Action) -> Kind {
    Kind {
        name: R::KIND,
        platform: R::PLATFORM,
        read,
        gone: R::GONE,
        hidden_from: R::hidden_from,
        hidden: hidden::<R>,
        hidden_row: R::hidden_row,
        withheld: |_, _| Ok(false),
        known: known::<R>,
        standing: <R as Versioned>::standing,
        numbered: <R as Versioned>::numbered,
    }
}

fn known<R: Resource>(reach: &Reach, text: &Text) -> Result<Known, Problem> {
    let resource: R = versioned::parse(&text.body)?;
    Ok((resource.state().to_owned(), place::<R>(&reach.slug, &resource.path_id())))
}

/// In an anonymous ballot each organisation sees that its own vote is in, and no other.
fn of_another(reach: &Reach, body: &str) -> Result<bool, Problem> {
    let vote: Vote = versioned::parse(body)?;
    Ok(vote.commitment.is_some() && reach.stakeholder != Some(vote.stakeholder_id))
}

/// Of accounts, feeds tell of those alone whose owners were erased: whoever keeps a copy erases them too.
fn known_still(_: &Reach, body: &str) -> Result<bool, Problem> {
    let account: Account = versioned::parse(body)?;
    Ok(account.state != AccountState::Erased)
}

/// In the order in which a snapshot tells of them. Invitations and requests about personal data are people's, and in no feed.
const KINDS: &[Kind] = &[
    of::<Program>(Action::ReadProgram),
    of::<Participant>(Action::ReadParticipant),
    of::<Membership>(Action::ReadMembership),
    of::<Client>(Action::ReadClient),
    of::<Phase>(Action::ReadPhase),
    of::<Document>(Action::ReadDocument),
    of::<ShockOrStress>(Action::ReadShockOrStress),
    of::<FocusArea>(Action::ReadFocusArea),
    of::<Question>(Action::ReadQuestion),
    of::<Event>(Action::ReadEvent),
    of::<Stage>(Action::ReadEvent),
    of::<Attendance>(Action::ReadEvent),
    of::<FollowUp>(Action::ReadEvent),
    of::<Ballot>(Action::ReadEvent),
    Kind { withheld: of_another, ..of::<Vote>(Action::ReadEvent) },
    of::<Decision>(Action::ReadEvent),
    of::<Criterion>(Action::ReadCriterion),
    of::<Statement>(Action::ReadStatement),
    of::<Position>(Action::ReadStatement),
    of::<Mapping>(Action::ReadMapping),
    of::<Consultation>(Action::ReadConsultation),
    of::<Input>(Action::ReadInput),
    of::<Webhook>(Action::ReadWebhook),
    of::<Stakeholder>(Action::ReadStakeholder),
    of::<Framework>(Action::ReadStakeholder),
    Kind { withheld: known_still, ..of::<Account>(Action::ReadStakeholder) },
];

/// Whether the caller may read what a row of a ledger says of its subject, be that gone since or not.
pub fn may_read(reach: &Reach, kind: &str, text: &Text) -> Result<bool, Problem> {
    const OF_PEOPLE: [(&str, Action); 3] = [
        (Account::KIND, Action::ReadAccount),
        (Invitation::KIND, Action::ReadInvitation),
        (DataRequest::KIND, Action::ReviewData),
    ];
    if let Some((_, read)) = OF_PEOPLE.iter().find(|(known, _)| *known == kind) {
        return Ok(reach.may(*read));
    }
    let Some(kind) = KINDS.iter().find(|known| known.name == kind) else { return Ok(false) };
    if !kind.readable(reach) {
        return Ok(false);
    }
    let (stored, _) = kind.stored(reach, text)?;
    let hidden = (kind.hidden_from)(reach).contains(&stored.state.as_str()) || (kind.hidden_row)(reach, &stored);
    Ok(!hidden && !(kind.withheld)(reach, &stored.body)?)
}

impl Kind {
    /// The feed that tells of a kind, if one does.
    pub fn feed_of(name: &str) -> Option<Feed> {
        let kind = KINDS.iter().find(|kind| kind.name == name)?;
        Some(if kind.platform { Feed::Platform } else { Feed::Program })
    }

    fn readable(&self, reach: &Reach) -> bool {
        reach.may(self.read)
    }

    /// The path of what a row tells of; `None` if the caller is not shown it.
    pub fn place(&self, reach: &Reach, text: &Text) -> Result<Option<String>, Problem> {
        let (stored, place) = self.stored(reach, text)?;
        Ok(self.shows(reach, &stored)?.then_some(place))
    }

    /// A row's text as the revision that it made, and the path of its subject.
    fn stored(&self, reach: &Reach, text: &Text) -> Result<(Stored, String), Problem> {
        let (state, place) = (self.known)(reach, text)?;
        let Text { subject: id, revision, sequence: seq_from, .. } = *text;
        Ok((Stored { id, revision, seq_from, state, body: text.body.clone() }, place))
    }

    /// Whether the caller is shown this.
    pub fn shows(&self, reach: &Reach, stored: &Stored) -> Result<bool, Problem> {
        Ok(!(self.hidden)(reach, stored) && !(self.withheld)(reach, &stored.body)?)
    }

    /// What a revision says now whose text was erased by law: all but the words that named somebody.
    pub fn left_of(
        &self,
        conn: &mut AnyConnection,
        ledger: Id,
        subject: Id,
        revision: i32,
    ) -> Result<Option<String>, Problem> {
        Ok((self.numbered)(conn, ledger, subject, revision)?.map(|stored| stored.body))
    }

    /// A chunk of what stood after a row, in the order of the rows that made it.
    pub fn standing(
        &self,
        conn: &mut AnyConnection,
        ledger: Id,
        sequence: i64,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Stored>, Problem> {
        Ok((self.standing)(conn, ledger, sequence, after, limit)?)
    }
}

/// Whose changes are followed: a programme's, or those of what all programmes share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    Program,
    Platform,
}

/// Goes up when a rule changes that [`Feed::view`] does not see: those of single rows.
const RULES: u32 = 1;

impl Feed {
    /// The kinds that this caller may read.
    pub fn kinds(self, reach: &Reach) -> impl Iterator<Item = &'static Kind> {
        let platform = self == Feed::Platform;
        KINDS.iter().filter(move |kind| kind.platform == platform && kind.readable(reach))
    }

    /// A digest of all that decides what the caller is shown.
    pub fn view(self, reach: &Reach) -> String {
        let rules: Vec<_> = self.kinds(reach).map(|kind| (kind.name, kind.gone, (kind.hidden_from)(reach))).collect();
        let caller = match self {
            Feed::Program => json!(reach.view()),
            Feed::Platform => json!([]),
        };
        let seen = json!([RULES, caller, rules]).to_string();
        BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(seen)[..12])
    }

    /// What a caller is told whose view is another now.
    pub fn view_changed(self, reach: &Reach) -> Problem {
        let snapshot = (self == Feed::Program).then(|| format!("/api/v1/programs/{}/snapshot", reach.slug));
        Problem::ViewChanged { snapshot }
    }
}
