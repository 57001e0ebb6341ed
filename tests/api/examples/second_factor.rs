//! A second factor that is set up, proved, lost and removed.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tangguh::policy::Role::*;

use super::Run;
use crate::{harness::*, second_factor::App};

/// By whoever has this address; the account's id is asked for by an admin.
pub async fn second_factor(run: &mut Run<'_>, email: &str, account: &str) {
    let app = set_up(run, email, true).await;
    let me = log_in(run, email, Some(coming(run, &app))).await;
    run.act("renew_recovery_codes", me, &[], Value::Null).await;
    let me = log_in(run, email, Some(coming(run, &app))).await;
    let proof = json!({"code": coming(run, &app)});
    run.act("step_up", me.clone(), &[], proof).await;
    run.call("remove_totp", me, &[], "", Value::Null).await;
    set_up(run, email, false).await;
    let why = json!({"reason": "Telepon hilang; orangnya dikenali langsung."});
    run.act("reset_second_factor", Member(Admin), &[account], why).await;
}

/// The code at the next call: each takes seven minutes.
fn coming(run: &Run<'_>, app: &App) -> String {
    app.at(run.world.clock.now() + TimeDelta::minutes(7))
}

async fn log_in(run: &Run<'_>, email: &str, code: Option<String>) -> Who {
    let credentials = json!({"email": email, "password": PASSWORD, "code": code});
    let tokens = run.call("log_in", Nobody, &[], "", credentials).await;
    Bearer(tokens.body["access_token"].as_str().unwrap().to_owned())
}

async fn set_up(run: &mut Run<'_>, email: &str, shown: bool) -> App {
    let me = log_in(run, email, None).await;
    let made = match shown {
        true => run.act("begin_totp", me.clone(), &[], Value::Null).await,
        false => run.call("begin_totp", me.clone(), &[], "", Value::Null).await,
    };
    let app = App::of(&made.body["secret"]);
    let code = json!({"code": coming(run, &app)});
    match shown {
        true => run.act("confirm_totp", me.clone(), &[], code).await,
        false => run.call("confirm_totp", me.clone(), &[], "", code).await,
    };
    app
}
