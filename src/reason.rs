//! Why something was done.

use serde::Deserialize;
use utoipa::ToSchema;

/// Why something was done, in words that can be read years later.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct Reason {
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}
