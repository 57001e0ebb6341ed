//! The neighbour programme, which is in the story of every resource.

use serde_json::json;
use tangguh::policy::Role::*;

use crate::harness::*;

/// Fails if a neighbour gets to see, or to change, something of `jakarta`: by its own path or by the neighbour's.
#[track_caller]
pub async fn sees_nothing_of(world: &World, collection: &str, id: &str) {
    let before = world.ledger();
    for path in
        [format!("{{p}}/{collection}"), format!("{{p}}/{collection}/{id}"), format!("{{p}}/{collection}/{id}/history")]
    {
        world.get(Neighbour(Lead), &path).expect(404).await;
    }
    for path in [format!("programs/porto/{collection}/{id}"), format!("programs/porto/{collection}/{id}/history")] {
        world.get(Neighbour(Lead), &path).expect(404).await;
    }
    let own = world.get(Neighbour(Lead), &format!("programs/porto/{collection}?limit=200")).expect(200).await;
    assert!(own.items().iter().all(|item| item["id"] != id && item["stakeholder_id"] != id), "{}", own.text);
    if collection != "questions" {
        for program in ["jakarta", "porto"] {
            let path = format!("programs/{program}/{collection}/{id}");
            world.patch(Neighbour(Lead), &path).if_match("\"1.x\"").patch(json!({})).expect(404).await;
        }
    }
    assert_eq!(world.ledger(), before);
}
