use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::Reach,
    db::{AnyConnection, Id},
    frameworks::Edition,
    mappings::{MappedKind, Mapping, MappingState, Strength},
    problem::{FieldError, Problem},
    schema::{
        focus_area_revisions, mapping_revisions, participant_revisions, question_revisions, shock_or_stress_revisions,
        stakeholder_revisions,
    },
    versioned,
};

/// A node, and what is mapped to it: proposed or validated.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct NodeCoverage {
    #[schema(example = "DRV-10")]
    pub code: String,
    #[schema(example = "driver")]
    pub level: String,
    /// The source names no such node; it is known to exist.
    pub gap: bool,
    pub proposed_count: i64,
    pub validated_count: i64,
    pub primary_count: i64,
    pub secondary_count: i64,
    pub focus_area_ids: Vec<Id>,
    pub question_ids: Vec<Id>,
    /// The organisations that map something to it.
    pub stakeholder_ids: Vec<Id>,
}

/// What one organisation says of a subject.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct Reading {
    /// Null where it was entered for no organisation.
    pub stakeholder_id: Option<Id>,
    /// The nodes that it maps the subject to, each with its strength.
    pub nodes: Vec<ReadNode>,
}

/// A node in a reading.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct ReadNode {
    pub node: String,
    pub strength: Strength,
}

/// A subject that organisations map differently: both readings stand.
#[derive(Debug, Serialize, ToSchema)]
pub struct Disagreement {
    pub kind: MappedKind,
    pub id: Id,
    pub readings: Vec<Reading>,
}

/// Something that lacks what it should have.
#[derive(Debug, Serialize, ToSchema)]
pub struct Lacking {
    pub id: Id,
    #[schema(example = "FU-4")]
    pub code: String,
}

/// What the programme's work touches of a framework edition.
#[derive(Debug, Serialize, ToSchema)]
pub struct Coverage {
    #[schema(example = "CRF-100RC")]
    pub framework: String,
    /// Every node below the root, in the order of the edition.
    pub nodes: Vec<NodeCoverage>,
    /// Codes of nodes of the lowest level that nothing is mapped to.
    pub untouched: Vec<String>,
    pub focus_areas_without_mapping: Vec<Lacking>,
    /// Validated questions that are on no node, themselves or by their focus area.
    pub questions_without_mapping: Vec<Lacking>,
    pub disagreements: Vec<Disagreement>,
    /// Shocks and stresses that no focus area takes up.
    pub shocks_and_stresses_without_focus_area: Vec<Lacking>,
    /// Kinds of organisations that take part in the programme and have mapped nothing.
    pub kinds_absent: Vec<String>,
}

/// Reads the coverage of an edition.
pub fn read(conn: &mut AnyConnection, reach: &Reach, framework: &str) -> Result<Coverage, Problem> {
    let edition = Edition::by_code(conn, framework)?.ok_or_else(|| {
        let (id, en) = ("tidak ada edisi kerangka dengan kode ini", "there is no framework edition with this code");
        Problem::InvalidQuery(vec![FieldError::new("?framework", "not_found", id, en)])
    })?;
    let mappings = mappings(conn, reach, edition.id)?;
    let nodes = nodes(conn, &edition, &mappings)?;
    let lowest = edition.content.levels.last().cloned().unwrap_or_default();
    let untouched = nodes
        .iter()
        .filter(|node| node.level == lowest && node.proposed_count + node.validated_count == 0)
        .map(|node| node.code.clone())
        .collect();
    let mapped = |kind: MappedKind| -> BTreeSet<Id> {
        let of_kind = mappings.iter().filter(|one| one.content.subject.kind == kind);
        of_kind.map(|one| one.content.subject.id).collect()
    };
    let areas = mapped(MappedKind::FocusArea);
    Ok(Coverage {
        framework: edition.content.code.clone(),
        nodes,
        untouched,
        focus_areas_without_mapping: focus_areas(conn, reach, &areas)?,
        questions_without_mapping: questions(conn, reach, &areas, &mapped(MappedKind::Question))?,
        disagreements: disagreements(&mappings),
        shocks_and_stresses_without_focus_area: shocks_and_stresses(conn, reach)?,
        kinds_absent: kinds_absent(conn, reach, &mappings)?,
    })
}

/// What is mapped to the edition and neither rejected nor withdrawn.
fn mappings(conn: &mut AnyConnection, reach: &Reach, edition: Id) -> Result<Vec<Mapping>, Problem> {
    use mapping_revisions as t;
    let bodies: Vec<String> = t::table
        .filter(t::ledger_id.eq(reach.ledger))
        .filter(t::framework_id.eq(edition))
        .filter(t::state.eq_any(["proposed", "validated"]))
        .filter(t::seq_to.is_null())
        .order(t::subject_id)
        .select(t::body)
        .load(conn)?;
    bodies.iter().map(|body| versioned::parse(body)).collect()
}

fn nodes(conn: &mut AnyConnection, edition: &Edition, mappings: &[Mapping]) -> Result<Vec<NodeCoverage>, Problem> {
    let mut covered = Vec::new();
    for node in edition.nodes(conn, &Default::default())? {
        if node.parent.is_none() {
            continue;
        }
        let mut one = NodeCoverage { code: node.code, level: node.level, gap: node.gap, ..NodeCoverage::default() };
        for mapping in mappings.iter().filter(|mapping| mapping.node_id == node.id) {
            match mapping.state {
                MappingState::Validated => one.validated_count += 1,
                _ => one.proposed_count += 1,
            }
            match mapping.content.strength {
                Strength::Primary => one.primary_count += 1,
                Strength::Secondary => one.secondary_count += 1,
            }
            match mapping.content.subject.kind {
                MappedKind::FocusArea => one.focus_area_ids.push(mapping.content.subject.id),
                MappedKind::Question => one.question_ids.push(mapping.content.subject.id),
                MappedKind::Criterion | MappedKind::Statement => {}
            }
            one.stakeholder_ids.extend(mapping.content.stakeholder_id);
        }
        for ids in [&mut one.focus_area_ids, &mut one.question_ids, &mut one.stakeholder_ids] {
            ids.sort_unstable();
            ids.dedup();
        }
        covered.push(one);
    }
    Ok(covered)
}

fn focus_areas(conn: &mut AnyConnection, reach: &Reach, mapped: &BTreeSet<Id>) -> Result<Vec<Lacking>, Problem> {
    use focus_area_revisions as t;
    let areas: Vec<(Id, String)> = t::table
        .filter(t::ledger_id.eq(reach.ledger))
        .filter(t::state.eq("active"))
        .filter(t::seq_to.is_null())
        .order(t::number)
        .select((t::subject_id, t::code))
        .load(conn)?;
    Ok(areas.into_iter().filter(|(id, _)| !mapped.contains(id)).map(|(id, code)| Lacking { id, code }).collect())
}

fn questions(
    conn: &mut AnyConnection,
    reach: &Reach,
    areas: &BTreeSet<Id>,
    mapped: &BTreeSet<Id>,
) -> Result<Vec<Lacking>, Problem> {
    use question_revisions as t;
    let questions: Vec<(Id, Id, String)> = t::table
        .filter(t::ledger_id.eq(reach.ledger))
        .filter(t::state.eq("validated"))
        .filter(t::seq_to.is_null())
        .order(t::position)
        .select((t::subject_id, t::focus_area_id, t::code))
        .load(conn)?;
    let lacking = questions.into_iter().filter(|(id, area, _)| !mapped.contains(id) && !areas.contains(area));
    Ok(lacking.map(|(id, _, code)| Lacking { id, code }).collect())
}

fn shocks_and_stresses(conn: &mut AnyConnection, reach: &Reach) -> Result<Vec<Lacking>, Problem> {
    use shock_or_stress_revisions as t;
    let all: Vec<(Id, String)> = t::table
        .filter(t::ledger_id.eq(reach.ledger))
        .filter(t::state.eq("current"))
        .filter(t::seq_to.is_null())
        .order(t::number)
        .select((t::subject_id, t::code))
        .load(conn)?;
    let bodies: Vec<String> = focus_area_revisions::table
        .filter(focus_area_revisions::ledger_id.eq(reach.ledger))
        .filter(focus_area_revisions::state.eq("active"))
        .filter(focus_area_revisions::seq_to.is_null())
        .select(focus_area_revisions::body)
        .load(conn)?;
    let mut taken_up = BTreeSet::new();
    for body in &bodies {
        let area: crate::focus_areas::FocusArea = versioned::parse(body)?;
        taken_up.extend(area.content.shock_or_stress_ids);
    }
    Ok(all.into_iter().filter(|(id, _)| !taken_up.contains(id)).map(|(id, code)| Lacking { id, code }).collect())
}

/// Where each organisation puts a subject: nodes, and how strongly.
type Readings = BTreeMap<Option<Id>, BTreeMap<String, Strength>>;

/// Subjects on which organisations name other nodes, or the same with another strength.
fn disagreements(mappings: &[Mapping]) -> Vec<Disagreement> {
    let mut subjects: BTreeMap<(&'static str, Id), (MappedKind, Readings)> = BTreeMap::new();
    for mapping in mappings {
        let subject = mapping.content.subject;
        let (_, readings) =
            subjects.entry((subject.kind.name(), subject.id)).or_insert_with(|| (subject.kind, BTreeMap::new()));
        let reading = readings.entry(mapping.content.stakeholder_id).or_default();
        reading.insert(mapping.content.node.clone(), mapping.content.strength);
    }
    let differ = |readings: &Readings| {
        let mut told = readings.values();
        let first = told.next();
        told.any(|other| Some(other) != first)
    };
    subjects
        .into_iter()
        .filter(|(_, (_, readings))| differ(readings))
        .map(|((_, id), (kind, readings))| Disagreement {
            kind,
            id,
            readings: readings
                .into_iter()
                .map(|(stakeholder_id, nodes)| Reading {
                    stakeholder_id,
                    nodes: nodes.into_iter().map(|(node, strength)| ReadNode { node, strength }).collect(),
                })
                .collect(),
        })
        .collect()
}

fn kinds_absent(conn: &mut AnyConnection, reach: &Reach, mappings: &[Mapping]) -> Result<Vec<String>, Problem> {
    let there: Vec<(Id, String)> = participant_revisions::table
        .inner_join(
            stakeholder_revisions::table.on(stakeholder_revisions::subject_id
                .eq(participant_revisions::stakeholder_id)
                .and(stakeholder_revisions::seq_to.is_null())),
        )
        .filter(participant_revisions::ledger_id.eq(reach.ledger))
        .filter(participant_revisions::state.eq("active"))
        .filter(participant_revisions::seq_to.is_null())
        .select((participant_revisions::stakeholder_id, stakeholder_revisions::kind))
        .load(conn)?;
    let mapping: BTreeSet<Id> = mappings.iter().filter_map(|one| one.content.stakeholder_id).collect();
    let present: BTreeSet<&String> =
        there.iter().filter(|(id, _)| mapping.contains(id)).map(|(_, kind)| kind).collect();
    let absent: BTreeSet<&String> = there.iter().map(|(_, kind)| kind).filter(|kind| !present.contains(kind)).collect();
    Ok(absent.into_iter().cloned().collect())
}
