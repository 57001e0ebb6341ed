//! Many inputs in one request: all or none, or each by itself.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    model::{Input, NewInput},
    receipt::Envelope,
    send::{Arrived, Came, arrive, keep},
};
use crate::{
    access::{Recorded, Reply, Tx},
    db::Id,
    problem::{FieldError, Lang, Problem, ProblemBody},
    valid::{Schemas, checked},
};

/// What is done where some of the inputs cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BatchMode {
    /// None is kept.
    All,
    /// The others are kept.
    Each,
}

/// Many inputs of one organisation.
#[derive(Debug, Deserialize, ToSchema)]
pub struct InputBatch {
    pub mode: BatchMode,
    #[schema(max_items = 500)]
    pub items: Vec<NewInput>,
}

/// What came of one input of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchItem {
    /// Its place in the batch.
    #[schema(minimum = 0)]
    pub index: i64,
    /// The status that it would have had by itself: 201 for what was made, 200 for what was there already.
    #[schema(minimum = 200, maximum = 499)]
    pub status: i32,
    pub id: Option<Id>,
    #[schema(example = "I-1")]
    pub code: Option<String>,
    pub etag: Option<String>,
    #[schema(format = "uri-reference")]
    pub location: Option<String>,
    pub problem: Option<ProblemBody>,
}

/// What came of a batch, in its order.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchResult {
    pub items: Vec<BatchItem>,
}

/// A batch that was read: its items in their order, and what is wrong with some of them by themselves.
pub struct Batch {
    mode: BatchMode,
    items: Vec<Result<NewInput, Problem>>,
}

/// As many as a batch has.
const MOST: usize = 500;

impl Batch {
    /// Reads a batch. In the mode `each`, an input that its schema refuses does not refuse the others.
    pub fn read(mut value: Value, schemas: &Schemas) -> Result<Batch, Problem> {
        let each = value["mode"] == "each";
        let sent = value.get_mut("items").and_then(Value::as_array_mut).filter(|sent| each && sent.len() <= MOST);
        let Some(sent) = sent.map(std::mem::take) else {
            let batch: InputBatch = checked(value, schemas)?;
            return Ok(Batch { mode: batch.mode, items: batch.items.into_iter().map(Ok).collect() });
        };
        let InputBatch { mode, .. } = checked(value, schemas)?;
        Ok(Batch { mode, items: sent.into_iter().map(|one| checked(one, schemas)).collect() })
    }

    /// Receives it, and answers what came of each.
    pub fn receive(self, tx: &mut Tx<'_>, envelope: &Envelope, lang: Lang) -> Result<Recorded<Reply>, Problem> {
        let Batch { mode, items } = self;
        let mut came: Vec<Came> = Vec::with_capacity(items.len());
        let mut readable = Vec::with_capacity(items.len());
        for (place, item) in items.into_iter().enumerate() {
            match item {
                Ok(new) => readable.push((place, new)),
                Err(problem) => came.push((place, Err(problem))),
            }
        }
        came.extend(arrive(tx, envelope, readable)?);
        came.sort_by_key(|(place, _)| *place);
        if mode == BatchMode::All {
            refuse(&came)?;
        }
        let mut told = Vec::with_capacity(came.len());
        let mut new = Vec::new();
        for (index, arrived) in came {
            told.push(match arrived {
                Ok(Arrived::Known(input)) => BatchItem::of(tx, index, 200, &input)?,
                Ok(Arrived::New(input)) => {
                    let item = BatchItem::of(tx, index, 201, &input)?;
                    new.push(input);
                    item
                }
                Err(problem) => BatchItem::refused(index, problem, lang)?,
            });
        }
        let status = if mode == BatchMode::Each { 207 } else { 200 };
        let reply = Reply::json(status, &BatchResult { items: told })?;
        if new.is_empty() {
            return Ok(tx.unchanged(reply));
        }
        Ok(keep(tx, envelope, new)?.map(|_| reply))
    }
}

impl BatchItem {
    fn of(tx: &mut Tx<'_>, index: usize, status: i32, input: &Input) -> Result<BatchItem, Problem> {
        let as_it_is = tx.unchanged(input.clone());
        let reply = tx.created(as_it_is)?;
        let Reply { etag, location, .. } = reply.value().clone();
        let (id, code) = (Some(input.meta.id), Some(input.code.clone()));
        Ok(BatchItem { index: index as i64, status, id, code, etag, location, problem: None })
    }

    /// What is wrong with one input stands in the answer; what goes wrong on our side refuses the whole.
    fn refused(index: usize, problem: Problem, lang: Lang) -> Result<BatchItem, Problem> {
        use actix_web::ResponseError as _;
        let status = problem.status_code();
        if !status.is_client_error() {
            return Err(problem);
        }
        Ok(BatchItem {
            index: index as i64,
            status: i32::from(status.as_u16()),
            id: None,
            code: None,
            etag: None,
            location: None,
            problem: Some(problem.body(lang)),
        })
    }
}

/// Refuses the whole if anything is wrong with any: what is invalid first, then what stands against it.
fn refuse(came: &[Came]) -> Result<(), Problem> {
    let (mut invalid, mut conflicts) = (Vec::new(), Vec::new());
    for (place, arrived) in came {
        let Err(problem) = arrived else { continue };
        match problem.clone().below(&format!("/items/{place}")) {
            Problem::Invalid(errors) => invalid.extend(errors),
            Problem::Conflict(error) => conflicts.push(error),
            Problem::ExternalRefTaken { existing } => conflicts.push(FieldError::new(
                format!("/items/{place}/external_ref"),
                "external_ref_taken",
                format!("sudah dipakai untuk isi lain: {existing}"),
                format!("is in use for other content: {existing}"),
            )),
            Problem::InputWithdrawn { existing, .. } => conflicts.push(FieldError::new(
                format!("/items/{place}/external_ref"),
                "input_withdrawn",
                format!("masukan dengan acuan ini sudah ditarik: {existing}"),
                format!("the input of this reference was withdrawn: {existing}"),
            )),
            other => return Err(other),
        }
    }
    match (invalid.is_empty(), conflicts.is_empty()) {
        (false, _) => Err(Problem::Invalid(invalid)),
        (true, false) => Err(Problem::OutcomeConflicts(conflicts)),
        (true, true) => Ok(()),
    }
}
