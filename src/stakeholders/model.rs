use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Ledger, Listed, Reach, Recorded, Seen, Tx},
    db::{AnyConnection, Id},
    facts::{Code, DatedName, Source, check_days, name_texts},
    keyset, listed,
    localized::Localized,
    page::{AnyOf, Filter, Page},
    policy::Action,
    problem::{FieldError, Problem},
    reason::Reason,
    schema::stakeholder_revisions,
    valid::Patch,
    versioned,
    versioned::{Meta, Resource, Stored},
};

/// What kind of organisation it is, as the programme sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StakeholderKind {
    CentralGovernment,
    ProvincialGovernment,
    /// An administrative city or regency.
    MunicipalGovernment,
    NeighbouringGovernment,
    /// BUMN.
    StateOwnedEnterprise,
    /// BUMD.
    RegionOwnedEnterprise,
    PrivateSector,
    NgoLocal,
    NgoNational,
    NgoInternational,
    CommunityGroup,
    Academia,
    ResearchInstitute,
    ProfessionalAssociation,
    Media,
    /// A donor or bank.
    DevelopmentPartner,
    CityNetwork,
    Intergovernmental,
    ProgrammeSecretariat,
    Other,
}

/// Where an organisation stands: entered in the room, or confirmed; or there no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StakeholderState {
    Provisional,
    Confirmed,
    /// Into another: whoever asks for it is sent there.
    Merged,
    /// Into several, and gone.
    Split,
}

impl StakeholderState {
    pub const fn name(self) -> &'static str {
        match self {
            StakeholderState::Provisional => "provisional",
            StakeholderState::Confirmed => "confirmed",
            StakeholderState::Merged => "merged",
            StakeholderState::Split => "split",
        }
    }
}

/// What another system calls it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExternalReference {
    #[schema(min_length = 1, max_length = 60)]
    pub system: String,
    #[schema(min_length = 1, max_length = 300)]
    pub reference: String,
}

/// What can be edited of an organisation, and what a new one is made of.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewStakeholder {
    /// Its names through time; the first is the one in use.
    #[schema(min_items = 1, max_items = 50)]
    pub names: Vec<DatedName>,
    #[serde(default)]
    #[schema(max_length = 60)]
    pub abbreviation: Option<String>,
    pub kind: StakeholderKind,
    /// Its kind in the words of a source, where they differ.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub kind_as_reported: Option<String>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub codes: Vec<Code>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub external_references: Vec<ExternalReference>,
    /// The organisation that it is a part of.
    #[serde(default)]
    pub parent_id: Option<Id>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub predecessor_ids: Vec<Id>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub successor_ids: Vec<Id>,
    /// Documents belong to programmes, so these name links alone.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub sources: Vec<Source>,
}

/// An organisation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Stakeholder {
    #[serde(flatten)]
    pub meta: Meta,
    #[serde(flatten)]
    pub content: NewStakeholder,
    pub state: StakeholderState,
    /// The organisation that it was merged into.
    #[serde(default)]
    pub merged_into_id: Option<Id>,
}

/// Which organisations to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StakeholderFilter {
    /// Kinds, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<StakeholderKind>>, min_items = 1, max_items = 100)]
    pub kind: Option<AnyOf<StakeholderKind>>,
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<StakeholderState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<StakeholderState>>,
    /// Words of a name or abbreviation, in any case.
    #[param(max_length = 100, example = "dinas")]
    pub q: Option<String>,
}

impl Filter for StakeholderFilter {
    const SORTS: &'static [&'static str] = &["name", "created_at", "updated_at"];
}

versioned!(
    Stakeholder as this,
    stakeholders,
    stakeholder_revisions { kind: this.kind_name(), name: this.sort_name(), search: this.search_text() }
);

impl Resource for Stakeholder {
    const KIND: &'static str = "stakeholder";
    const PATH: &'static str = "stakeholders/{id}";
    const PLATFORM: bool = true;

    fn state(&self) -> &str {
        self.state.name()
    }

    fn texts(&self) -> Vec<(String, &Localized)> {
        name_texts(&self.content.names).collect()
    }

    fn possible(action: Action, state: &str) -> bool {
        match action {
            Action::ConfirmStakeholder => state == "provisional",
            Action::EditStakeholder | Action::ReorganizeStakeholder => !GONE.contains(&state),
            Action::CreateStakeholder | Action::ImportStakeholders => false,
            _ => true,
        }
    }

    fn moved_to(stored: &Stored) -> Result<Option<Id>, Problem> {
        if stored.state != StakeholderState::Merged.name() {
            return Ok(None);
        }
        let one: Stakeholder = versioned::parse(&stored.body)?;
        Ok(one.merged_into_id)
    }

    fn sort_key(sort: &str, stored: &Stored) -> Result<Value, Problem> {
        Ok(match sort {
            "updated_at" => json!(stored.seq_from),
            "created_at" => json!(stored.id),
            _ => {
                let one: Stakeholder = versioned::parse(&stored.body)?;
                json!(one.sort_name())
            }
        })
    }
}

/// The states of organisations that nobody acts for any more.
const GONE: &[&str] = &["merged", "split"];

impl Stakeholder {
    /// Which of these are there no more, since they were merged or split.
    pub fn gone(conn: &mut AnyConnection, ids: &[Id]) -> QueryResult<Vec<Id>> {
        stakeholder_revisions::table
            .filter(stakeholder_revisions::subject_id.eq_any(ids.iter().copied()))
            .filter(stakeholder_revisions::seq_to.is_null())
            .filter(stakeholder_revisions::state.eq_any(GONE.iter().copied()))
            .select(stakeholder_revisions::subject_id)
            .load(conn)
    }

    /// Refuses organisations that nobody can act for: those that are not there, or not any more.
    pub fn must_act(tx: &mut Tx<'_>, named: &[(String, Id)]) -> Result<(), Problem> {
        tx.must_exist::<Stakeholder>(named)?;
        let ids: Vec<Id> = named.iter().map(|(_, id)| *id).collect();
        let gone = Stakeholder::gone(tx.conn, &ids)?;
        let gone = named.iter().filter(|(_, id)| gone.contains(id)).map(|(pointer, _)| {
            FieldError::new(
                pointer,
                "organisation_gone",
                "organisasi ini sudah digabung atau dipecah",
                "this organisation was merged or split",
            )
        });
        let gone: Vec<FieldError> = gone.collect();
        if gone.is_empty() { Ok(()) } else { Err(Problem::Invalid(gone)) }
    }

    fn kind_name(&self) -> String {
        json!(self.content.kind).as_str().unwrap_or_default().to_owned()
    }

    /// The first name in its first language, folded.
    fn sort_name(&self) -> String {
        let name = self.content.names.first().and_then(|dated| dated.name.0.get("id").or(dated.name.0.values().next()));
        name.map(|name| name.to_lowercase()).unwrap_or_default()
    }

    fn search_text(&self) -> String {
        let names = self.content.names.iter().flat_map(|dated| dated.name.0.values());
        let words: Vec<String> = names.chain(&self.content.abbreviation).map(|name| name.to_lowercase()).collect();
        words.join("\n")
    }

    pub fn list(
        conn: &mut AnyConnection,
        _reach: &Reach,
        filter: &StakeholderFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        let mut query = listed!(stakeholder_revisions, Ledger::PLATFORM, at, &[]);
        if let Some(kinds) = &filter.kind {
            let names: Vec<String> =
                kinds.0.iter().map(|kind| json!(kind).as_str().unwrap_or_default().to_owned()).collect();
            query = query.filter(stakeholder_revisions::kind.eq_any(names));
        }
        if let Some(states) = &filter.state {
            let names: Vec<&str> = states.0.iter().map(|state| state.name()).collect();
            query = query.filter(stakeholder_revisions::state.eq_any(names));
        }
        if let Some(words) = &filter.q {
            // Both sides are folded here, since the databases fold differently.
            let escaped = words.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            query = query.filter(stakeholder_revisions::search.like(format!("%{escaped}%")).escape('\\'));
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, stakeholder_revisions, seq_from as i64).load(conn)?,
            "created_at" => keyset!(query, page, stakeholder_revisions, subject_id as Id).load(conn)?,
            _ => keyset!(query, page, stakeholder_revisions, name as String).load(conn)?,
        };
        Ok(rows.into())
    }

    /// Enters a new organisation in a state.
    pub fn create(
        tx: &mut Tx<'_>,
        new: NewStakeholder,
        state: StakeholderState,
    ) -> Result<Recorded<Stakeholder>, Problem> {
        check(tx, &new, None)?;
        tx.create(Stakeholder { meta: Meta::new(tx.now), content: new, state, merged_into_id: None }, None)
    }

    /// Enters a new, confirmed organisation.
    pub fn enter(tx: &mut Tx<'_>, new: NewStakeholder) -> Result<Recorded<Stakeholder>, Problem> {
        Stakeholder::create(tx, new, StakeholderState::Confirmed)
    }

    pub fn edit(
        tx: &mut Tx<'_>,
        id: Id,
        seen: Seen,
        patch: Patch<NewStakeholder>,
    ) -> Result<Recorded<Stakeholder>, Problem> {
        let mut one: Stakeholder = tx.current(id, seen)?;
        one.content = patch.apply(&Tx::json(&one.content)?, &tx.schemas)?;
        check(tx, &one.content, Some(id))?;
        tx.change(one, None)
    }

    /// Confirms one that was entered in the room.
    pub fn confirm(tx: &mut Tx<'_>, id: Id, seen: Seen, why: Reason) -> Result<Recorded<Stakeholder>, Problem> {
        let mut one: Stakeholder = tx.current(id, seen)?;
        one.state = StakeholderState::Confirmed;
        tx.change(one, Some(&why.reason))
    }
}

pub(super) fn check(tx: &mut Tx<'_>, content: &NewStakeholder, own: Option<Id>) -> Result<(), Problem> {
    for (number, name) in content.names.iter().enumerate() {
        check_days(&format!("/names/{number}/until_on"), name.from_on, name.until_on)?;
    }
    let cited = content.sources.iter().position(|source| source.document_id.is_some());
    if let Some(number) = cited {
        return Err(Problem::Invalid(vec![FieldError::new(
            format!("/sources/{number}/document_id"),
            "not_found",
            "dokumen milik program, sedangkan organisasi dipakai bersama: pakai url",
            "documents belong to programmes, and organisations are shared: use url",
        )]));
    }
    let related: Vec<(String, Id)> = content
        .parent_id
        .iter()
        .map(|id| ("/parent_id".to_owned(), *id))
        .chain(numbered("/predecessor_ids", &content.predecessor_ids))
        .chain(numbered("/successor_ids", &content.successor_ids))
        .collect();
    if let Some((pointer, _)) = related.iter().find(|(_, id)| Some(*id) == own) {
        return Err(Problem::Invalid(vec![FieldError::new(
            pointer.clone(),
            "itself",
            "organisasi tidak dapat merujuk dirinya sendiri",
            "an organisation cannot refer to itself",
        )]));
    }
    tx.must_exist::<Stakeholder>(&related)
}

fn numbered<'i>(pointer: &'static str, ids: &'i [Id]) -> impl Iterator<Item = (String, Id)> + 'i {
    ids.iter().enumerate().map(move |(number, id)| (format!("{pointer}/{number}"), *id))
}
