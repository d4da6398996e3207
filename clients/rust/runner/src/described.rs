//! Errors as all runners print them.

use serde_json::{Value as Json, json};
use twinfront::{Error, tonic::Code, v1::relationships_blocking_delete::BlockingRelationship};

pub(crate) fn described(error: &Error) -> Json {
    let mut described = json!({
        "kind": error.kind().as_str(),
        "reason": error.reason().unwrap_or_default(),
        "metadata": error.metadata(),
        "attempts": error.attempts(),
    });
    match error {
        Error::EtagMismatch { resource, expected_etag, current_etag, .. } => {
            described["resource"] = json!(resource);
            described["expectedEtag"] = json!(expected_etag);
            described["currentEtag"] = json!(current_etag.as_deref().unwrap_or_default());
        }
        Error::TwinHasRelationships { outgoing, incoming, outgoing_total, incoming_total, .. } => {
            described["outgoing"] = outgoing.iter().map(blocker).collect();
            described["incoming"] = incoming.iter().map(blocker).collect();
            described["outgoingTotal"] = json!(outgoing_total);
            described["incomingTotal"] = json!(incoming_total);
        }
        Error::Throttled { retry_after: Some(after), .. } | Error::Unavailable { retry_after: Some(after), .. } => {
            described["retryAfterMs"] = json!(after.as_secs_f64() * 1000.0);
        }
        Error::InvalidArgument { field_violations, .. } => {
            described["fieldViolations"] = field_violations
                .iter()
                .map(|violation| json!({"field": violation.field, "reason": violation.reason}))
                .collect();
        }
        _ => {}
    }
    described
}

fn blocker(blocker: &BlockingRelationship) -> Json {
    json!({
        "relationshipId": blocker.relationship_id,
        "sourceId": blocker.source_id,
        "targetId": blocker.target_id,
        "name": blocker.name,
    })
}

/// A code as it is written in gRPC's specification: `NOT_FOUND`.
pub(crate) fn code_name(code: Code) -> String {
    let mut name = String::new();
    for character in format!("{code:?}").chars() {
        if character.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(character.to_ascii_uppercase());
    }
    name
}
