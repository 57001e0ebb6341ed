//! Every operation, asked by everybody: the table in `policy.rs`, the document and the running service must say
//! the same.

use std::collections::BTreeSet;

use serde_json::json;
use tangguh::policy::{
    Action, PUBLIC,
    Role::{self, *},
    Scope,
};

use crate::{harness::*, operations::*};

pub fn everybody() -> Vec<Who> {
    let members = Role::ALL.iter().copied().map(Member);
    let others = [Nobody, Bearer("no.such.token".into()), Outsider, Neighbour(Lead), Neighbour(Partner)];
    others.into_iter().chain(members).collect()
}

/// What the policy says about a caller and an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// 401: who is it?
    Unknown,
    /// 404: is there such a programme?
    Stranger,
    /// 403: a member, but not for this.
    Forbidden,
    Allowed,
}

fn verdict(who: &Who, action: Action) -> Verdict {
    let held = match who {
        Nobody | Bearer(_) => return Verdict::Unknown,
        Outsider => None,
        Member(role) | Neighbour(role) => Some(*role),
    };
    let allowed = held.is_some_and(|role| action.roles().has(role));
    match action.scope() {
        Scope::SignedIn => Verdict::Allowed,
        Scope::Program if matches!(who, Outsider | Neighbour(_)) => Verdict::Stranger,
        Scope::Program | Scope::Platform if allowed => Verdict::Allowed,
        Scope::Program | Scope::Platform => Verdict::Forbidden,
    }
}

/// What speaks against the policy in an answer, if anything.
fn fault(operation: &Operation, who: &Who, reply: &Reply) -> Option<String> {
    let Some(action) = operation.action else {
        // What a public operation refuses, it refuses for what was sent, not for who sent it.
        let refused = ["unauthenticated", "forbidden", "not-found"].contains(&reply.problem());
        return (refused || reply.status.is_server_error()).then(|| "public, and not for everybody".into());
    };
    let verdict = verdict(who, action);
    let right = match verdict {
        Verdict::Unknown => {
            let problem = if *who == Nobody { "unauthenticated" } else { "invalid-token" };
            reply.status == 401 && reply.problem() == problem && reply.header("www-authenticate").is_some()
        }
        Verdict::Stranger => reply.status == 404 && reply.problem() == "not-found",
        Verdict::Forbidden => reply.status == 403 && reply.problem() == "forbidden",
        // Whoever may gets as far as the rules about the thing itself: it is made, shown, is there already, or
        // was seen at another revision. It is never missing.
        Verdict::Allowed => {
            // Agencies and partners act for their own organisation, and so does everybody who sent an input; the
            // thing's is another one.
            let own = matches!(action, Action::CorrectInput | Action::WithdrawInput);
            let other = reply.problem() == "not-own-organization" && (own || matches!(who, Member(Agency | Partner)));
            // Nor do they see another's machines.
            let hidden = *who == Member(Agency) && action.subject() == "client" && reply.problem() == "not-found";
            // Nor is anybody shown another's request about their data.
            let hidden = hidden || (operation.id == "get_personal_data_request" && reply.problem() == "not-found");
            // Nor does anybody end another's sign-in, or look after another programme's invitations or accounts.
            let hidden = hidden || (action == Action::EndOwnSignIn && reply.problem() == "not-found");
            let elsewhere = action.subject() == "invitation" || operation.id == "get_account_access";
            let elsewhere =
                elsewhere && matches!(who, Neighbour(_)) && ["not-found", "invalid"].contains(&reply.problem());
            // Nor does a code that was made up put an app in force.
            let made_up = operation.id == "confirm_totp" && reply.pointers() == ["/code"];
            reply.status.is_success()
                || [409, 412].contains(&reply.status.as_u16())
                || other
                || hidden
                || elsewhere
                || made_up
        }
    };
    (!right).then(|| format!("the policy says {verdict:?}"))
}

story! {
    async fn everybody_is_let_in_or_kept_out_as_the_policy_says(world) {
        let things = Things::make(&world, "jakarta", Member(Lead)).await;
        let everybody: Vec<(Who, Who)> = everybody().into_iter().map(|who| (signed_in(&world, &who), who)).collect();
        let mut faults = Vec::new();
        for operation in OPERATIONS.iter() {
            for (caller, who) in &everybody {
                let mut ask = things.ask(&world, caller.clone(), operation);
                if operation.is_pinned() {
                    // A revision that nobody ever saw: nothing is changed, so the next caller finds the same.
                    ask = ask.if_match("\"999.none\"");
                }
                let reply = ask.send().await;
                is_documented(operation, &reply);
                if let Some(fault) = fault(operation, who, &reply) {
                    let (id, status) = (&operation.id, reply.status);
                    faults.push(format!("{id} answers {status} to {who:?}: {fault}\n  {}", reply.text));
                }
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        world.verify();
    }
}

story! {
    async fn whoever_is_refused_is_told_why(world) {
        let things = Things::make(&world, "jakarta", Member(Lead)).await;
        for operation in OPERATIONS.iter() {
            let Some(action) = operation.action else { continue };
            let refused = everybody().into_iter().find(|who| verdict(who, action) == Verdict::Forbidden);
            let Some(who) = refused else { continue };
            let reply = things.ask(&world, who.clone(), operation).if_match("\"1\"").expect(403).await;
            let link = reply.body["explain"].as_str().unwrap_or_else(|| panic!("no link: {}", reply.text));
            let explained = world.get(who, &format!("/{link}")).expect(200).await.body;
            assert_eq!(explained["allowed"], false, "{}: {explained}", operation.id);
            assert_eq!(explained["rule"]["action"], action.name());
            let missing: Vec<&str> = action.roles().iter().map(Role::name).collect();
            assert_eq!(explained["missing"], json!(missing), "{}", operation.id);
        }
    }
}

#[test]
fn every_action_is_asked_for_by_some_operation() {
    for action in Action::ALL {
        let asked = OPERATIONS.iter().any(|operation| operation.action == Some(*action));
        assert!(asked, "{action} is in the policy, but no operation asks for it");
    }
}

#[test]
fn what_is_public_is_public_by_name() {
    let open: BTreeSet<&str> = OPERATIONS
        .iter()
        .filter(|operation| operation.told.get("security").is_none())
        .map(|operation| operation.id.as_str())
        .collect();
    assert_eq!(open, PUBLIC.iter().copied().collect());
}

#[test]
fn each_operation_asks_for_exactly_one_right() {
    for operation in OPERATIONS.iter().filter(|operation| operation.action.is_some()) {
        let asked = json!([{"bearer": [operation.action.unwrap().name()]}]);
        assert_eq!(operation.told["security"], asked, "{}", operation.id);
    }
}

#[test]
fn what_is_a_programmes_is_asked_for_in_a_programme() {
    for operation in OPERATIONS.iter().filter(|operation| operation.action.is_some()) {
        let in_program = operation.path.contains("{program}");
        let scope = operation.action.map(Action::scope);
        assert_eq!(in_program, scope == Some(Scope::Program), "{}: {scope:?}", operation.id);
    }
}

fn who_may(action: Option<Action>) -> String {
    match action {
        None => "public".into(),
        Some(action) if action.scope() == Scope::SignedIn => "signed-in".into(),
        Some(action) => action.roles().iter().map(Role::name).collect::<Vec<_>>().join(" "),
    }
}

/// What is asked for beside the right.
fn proof(action: Option<Action>) -> &'static str {
    if action.is_some_and(Action::is_dangerous) { ", step-up" } else { "" }
}

/// One line for each operation, so that a change of rights is a line that a reviewer sees.
#[test]
fn the_published_table_of_who_may_do_what_is_up_to_date() {
    let width = |text: fn(&Operation) -> usize| OPERATIONS.iter().map(text).max().unwrap();
    let (paths, actions) = (
        width(|operation| operation.path.len()),
        width(|operation| operation.action.map_or(1, |action| action.name().len())),
    );
    let mut lines: Vec<String> = OPERATIONS
        .iter()
        .map(|Operation { path, method, action, .. }| {
            let name = action.map_or("-", Action::name);
            format!(
                "{path:<paths$}  {:<6}  {name:<actions$}  {}{}\n",
                method.as_str(),
                who_may(*action),
                proof(*action)
            )
        })
        .collect();
    lines.sort();
    published("openapi/access.txt", &lines.concat());
}

/// What the first stage of the service is to have: the part *Spine* of the list of paths.
const SPINE: &str = "
    GET /livez /readyz /metrics /problems/{name} /.well-known/jwks.json /.well-known/record-keys.json
    GET /.well-known/security.txt /api/v1/openapi.json /api/v1/meta
    POST /api/v1/auth/login /api/v1/auth/refresh /api/v1/auth/logout /api/v1/auth/password
    GET,PATCH /api/v1/me
    GET /api/v1/me/memberships /api/v1/access/matrix /api/v1/access/explain
    GET,POST /api/v1/accounts
    GET,PATCH /api/v1/accounts/{account_id}
    GET /api/v1/accounts/{account_id}/history
    POST /api/v1/accounts/{account_id}/lock /api/v1/accounts/{account_id}/unlock
    GET,POST /api/v1/stakeholders
    GET,PATCH /api/v1/stakeholders/{stakeholder_id}
    GET /api/v1/stakeholders/{stakeholder_id}/history
    POST /api/v1/stakeholders/{stakeholder_id}/confirmation
    GET,POST /api/v1/programs
    GET,PATCH {p}
    GET {p}/history {p}/summary {p}/ledger /api/v1/ledger
    POST {p}/transitions
    GET,POST {p}/stakeholders
    PATCH,DELETE {p}/stakeholders/{stakeholder_id}
    GET,POST {p}/memberships
    GET,PATCH {p}/memberships/{membership_id}
    GET {p}/memberships/{membership_id}/history
    POST {p}/memberships/{membership_id}/end
    GET,POST {p}/phases
    GET,PATCH {p}/phases/{phase_id}
    GET {p}/phases/{phase_id}/history
    POST {p}/phases/{phase_id}/activation {p}/phases/{phase_id}/completion
    GET,POST {p}/focus-areas
    GET,PATCH {p}/focus-areas/{focus_area_id}
    GET {p}/focus-areas/{focus_area_id}/history
    POST {p}/focus-areas/{focus_area_id}/retirement
    GET,POST {p}/shocks-and-stresses
    GET,PATCH {p}/shocks-and-stresses/{shock_or_stress_id}
    GET {p}/shocks-and-stresses/{shock_or_stress_id}/history
    GET,POST {p}/questions
    GET {p}/questions/{question_id} {p}/questions/{question_id}/history
    GET,POST {p}/questions/{question_id}/revisions
    GET {p}/questions/{question_id}/revisions/{revision} {p}/questions/{question_id}/revisions/{revision}/diff
    POST {p}/questions/{question_id}/transitions {p}/questions/{question_id}/validation
    POST {p}/questions/{question_id}/move {p}/questions/{question_id}/merge {p}/questions/{question_id}/split
    POST {p}/questions/{question_id}/retirement
    GET,POST {p}/documents
    GET,PATCH {p}/documents/{document_id}
    GET {p}/documents/{document_id}/history
";

#[test]
fn every_operation_of_the_spine_is_there() {
    for line in SPINE.trim().lines() {
        let mut words = line.split_whitespace();
        let methods = words.next().unwrap();
        for (method, path) in words.flat_map(|path| methods.split(',').map(move |method| (method, path))) {
            let path = path.replace("{p}", "/api/v1/programs/{program}");
            let there = OPERATIONS.iter().any(|operation| operation.method == method && operation.path == path);
            assert!(there, "{method} {path} is missing");
        }
    }
}

#[actix_web::test]
async fn the_pages_that_no_document_lists_are_there_too() {
    let world = World::new(Kind::Sqlite).unwrap();
    assert_eq!(world.get(Nobody, "//docs").expect(301).await.header("location"), Some("/docs/"));
    let page = world.get(Nobody, "//docs/").expect(200).await;
    assert!(page.text.contains("swagger-ui"), "{}", page.text);
}
