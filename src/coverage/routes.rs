use actix_web::{HttpResponse, get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::model::{self, Coverage};
use crate::{
    access::Can,
    policy::{Action, gate::*},
    problem::Problem,
    programs::ProgramPath,
    routes::Routes,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(read);
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CoverageQuery {
    /// The code of a framework edition.
    #[param(min_length = 1, max_length = 40, example = "CRF-100RC")]
    framework: String,
}

/// Read what the programme's work touches of a framework edition
///
/// Which nodes nobody touches, which focus areas and questions are on none, where organisations differ. No score.
#[utoipa::path(
    tag = "mappings", operation_id = "get_coverage",
    params(ProgramPath, CoverageQuery),
    security(("bearer" = [Action::SummarizeProgram])),
    responses((status = 200, description = "The coverage", body = Coverage)),
)]
#[get("/programs/{program}/coverage")]
async fn read(can: Can<SummarizeProgram>, query: web::Query<CoverageQuery>) -> Result<HttpResponse, Problem> {
    let coverage = can.snapshot(move |conn, reach| model::read(conn, reach, &query.framework)).await?;
    can.answer(&coverage)
}
