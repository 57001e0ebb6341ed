//! The second factor, the roles that need one, and what is asked for anew.

use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::BASE32_NOPAD;
use diesel::prelude::*;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha1::Sha1;
use tangguh::{
    policy::{Role::*, Roles},
    schema::{account_revisions, ledger_rows, recovery_codes, sign_ins, stored_replies, totp_secrets},
};

use crate::{
    harness::*,
    post_office::PostOffice,
    sign_ins::{log_in, with_password},
};

/// An authenticator app, made from RFC 4226 and RFC 6238 alone.
pub struct App(Vec<u8>);

impl App {
    pub fn of(secret: &Value) -> App {
        App(BASE32_NOPAD.decode(secret.as_str().unwrap().as_bytes()).unwrap())
    }

    pub fn at(&self, now: DateTime<Utc>) -> String {
        let mut mac = <Hmac<Sha1> as Mac>::new_from_slice(&self.0).unwrap();
        mac.update(&(now.timestamp() / 30).to_be_bytes());
        let digest = mac.finalize().into_bytes();
        let at = usize::from(digest[19] & 15);
        let number = u32::from_be_bytes(digest[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }

    /// The code of now, so many seconds off.
    fn code(&self, world: &World, off: i64) -> String {
        self.at(world.clock.now() + TimeDelta::seconds(off))
    }
}

fn bearer(tokens: &Reply) -> Who {
    Bearer(tokens.body["access_token"].as_str().unwrap().to_owned())
}

fn with_code<'w>(world: &'w World, email: &str, code: &str) -> Ask<'w> {
    world.post(Nobody, "auth/login").json(json!({"email": email, "password": PASSWORD, "code": code}))
}

fn step_up(world: &World, who: Who, proof: Value) -> Ask<'_> {
    world.post(who, "auth/step-up").json(proof)
}

/// Signs in with a password, sets up a second factor and answers app, recovery codes and the sign-in's tokens. The code of
/// this moment is used up.
async fn enrol(world: &World, email: &str) -> (App, Vec<String>, Reply) {
    let tokens = log_in(world, email, PASSWORD).expect(200).await;
    let made = world.post(bearer(&tokens), "me/totp").expect(201).await;
    let app = App::of(&made.body["secret"]);
    let code = app.code(world, 0);
    let codes = world.post(bearer(&tokens), "me/totp/confirmation").json(json!({"code": code})).expect(200).await;
    let codes = codes.body["recovery_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned());
    (app, codes.collect(), tokens)
}

/// A world in which these roles need a second factor.
fn strict(kind: Kind, roles: Roles) -> World {
    World::with(kind, |settings| settings.second_factor = roles).unwrap()
}

/// Everything that the database holds of accounts, sign-ins, ledgers, replies and second factors, as text.
fn all_text(world: &World) -> String {
    let conn = &mut world.conn();
    let mut all: Vec<String> = ledger_rows::table.select(ledger_rows::body.assume_not_null()).load(conn).unwrap();
    all.extend(account_revisions::table.select(account_revisions::body).load::<String>(conn).unwrap());
    all.extend(stored_replies::table.select(stored_replies::body).load::<String>(conn).unwrap());
    all.extend(totp_secrets::table.select(totp_secrets::sealed).load::<String>(conn).unwrap());
    all.extend(recovery_codes::table.select(recovery_codes::hash).load::<String>(conn).unwrap());
    all.extend(
        sign_ins::table
            .select(sign_ins::end_reason.assume_not_null())
            .filter(sign_ins::end_reason.is_not_null())
            .load::<String>(conn)
            .unwrap(),
    );
    all.join("\n")
}

story! {
    async fn a_second_factor_is_set_up_and_asked_for(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        with_password(&world, &Member(Lead));
        let email = "lead@jakarta.example";
        let before = world.get(Member(Lead), "me").expect(200).await.body;
        assert_eq!((&before["second_factor"], &before["second_factor_required"], &before["recovery_codes_left"]), (&json!(false), &json!(false), &json!(0)));
        let other = log_in(&world, email, PASSWORD).expect(200).await;
        let own = log_in(&world, email, PASSWORD).expect(200).await;

        // A secret is not in force before its first code.
        let first = world.post(bearer(&own), "me/totp").expect(201).await;
        let made = world.post(bearer(&own), "me/totp").expect(201).await;
        assert_eq!(made.header("cache-control"), Some("no-store"));
        let secret = made.body["secret"].as_str().unwrap();
        assert_eq!(made.body["uri"], format!("otpauth://totp/Tangguh:lead%40jakarta.example?secret={secret}&issuer=Tangguh&algorithm=SHA1&digits=6&period=30"));
        log_in(&world, email, PASSWORD).expect(200).await;
        let (stale, app) = (App::of(&first.body["secret"]), App::of(&made.body["secret"]));
        let confirm = |code: String| world.post(bearer(&own), "me/totp/confirmation").json(json!({"code": code}));
        for wrong in [stale.code(&world, 0), app.code(&world, 90), "12345x".into()] {
            assert_eq!(confirm(wrong).expect(422).await.pointers(), ["/code"]);
        }
        let code = app.code(&world, 0);
        let codes = confirm(format!("{} {}", &code[..3], &code[3..])).expect(200).await;
        assert_eq!(codes.body["recovery_codes"].as_array().unwrap().len(), 10);
        confirm(app.code(&world, 30)).expect(409).await;

        // This sign-in goes on, the others have ended, and its owner is told.
        let me = world.get(bearer(&own), "me").expect(200).await.body;
        assert_eq!((&me["second_factor"], &me["recovery_codes_left"]), (&json!(true), &json!(10)));
        world.get(bearer(&other), "me").expect(401).await;
        world.get(Member(Lead), "me").expect(401).await;
        let told = office.only(office.deliver(&world).await);
        assert_eq!((told.header("subject"), told.text.contains(secret)), (Some("Your Tangguh account has a second factor"), false));

        // The password alone is not enough, nor is a code without it; and a code is taken once.
        let missing = log_in(&world, email, PASSWORD).expect(401).await;
        assert_eq!((missing.problem(), missing.header("www-authenticate")), ("code-required", Some("Bearer")));
        let code = app.code(&world, 30);
        let wrong = world.post(Nobody, "auth/login").json(json!({"email": email, "password": "not the right password", "code": code}));
        assert_eq!(wrong.expect(401).await.problem(), "invalid-credentials");
        assert_eq!(log_in(&world, email, "not the right password").expect(401).await.problem(), "invalid-credentials");
        with_code(&world, email, &code).expect(200).await;
        assert_eq!(with_code(&world, email, &code).expect(401).await.problem(), "invalid-credentials");
        // Nor one from before it, though its time is not over.
        with_code(&world, email, &app.code(&world, 0)).expect(401).await;
        world.clock.advance(TimeDelta::seconds(60));
        with_code(&world, email, &app.code(&world, 0)).expect(200).await;
        for off in [-60, 60] {
            with_code(&world, email, &app.code(&world, off)).expect(401).await;
        }
        world.clock.advance(TimeDelta::minutes(5));
        with_code(&world, email, &app.code(&world, -30)).expect(200).await;
        with_code(&world, email, &app.code(&world, 30)).expect(200).await;

        let rows = world.get(Member(Admin), "ledger?limit=1&sort=-sequence").expect(200).await;
        assert_eq!(rows.items()[0]["action"], "me.change_second_factor");
        // What could open the account stands nowhere.
        let kept = all_text(&world);
        assert!(kept.contains("\"second_factor\":true"));
        for code in codes.body["recovery_codes"].as_array().unwrap() {
            let shown = code.as_str().unwrap();
            assert!(!kept.contains(shown) && !kept.contains(&shown.replace('-', "")));
        }
        assert!(!kept.contains(secret) && !kept.contains(&secret.to_lowercase()));
        world.verify();
    }
}

story! {
    async fn a_code_that_two_send_at_once_opens_once(world) {
        with_password(&world, &Member(Lead));
        let (app, ..) = enrol(&world, "lead@jakarta.example").await;
        world.clock.advance(TimeDelta::minutes(1));
        let (twin, code) = (world.twin(), app.code(&world, 0));
        let one = with_code(&world, "lead@jakarta.example", &code).send();
        let two = with_code(&twin, "lead@jakarta.example", &code).send();
        let (one, two) = futures_util::future::join(one, two).await;
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort();
        assert_eq!(statuses, [200, 401]);
    }
}

story! {
    async fn a_recovery_code_opens_once_and_new_ones_end_the_old(world) {
        with_password(&world, &Member(Lead));
        let email = "lead@jakarta.example";
        let (app, codes, own) = enrol(&world, email).await;
        let opened = with_code(&world, email, &codes[0].to_uppercase()).expect(200).await;
        with_code(&world, email, &codes[0]).expect(401).await;
        with_code(&world, email, &codes[1].replace('-', " ")).expect(200).await;
        assert_eq!(world.get(bearer(&opened), "me").expect(200).await.body["recovery_codes_left"], 8);
        // Another's does not.
        with_password(&world, &Member(Agency));
        enrol(&world, "agency@jakarta.example").await;
        with_code(&world, "agency@jakarta.example", &codes[2]).expect(401).await;

        let renewed = world.post(bearer(&own), "me/recovery-codes").expect(201).await;
        with_code(&world, email, &codes[2]).expect(401).await;
        with_code(&world, email, renewed.body["recovery_codes"][0].as_str().unwrap()).expect(200).await;

        // Another app in the place of this one: both go on until its first code.
        let made = world.post(bearer(&own), "me/totp").expect(201).await;
        let next = App::of(&made.body["secret"]);
        with_code(&world, email, &next.code(&world, 0)).expect(401).await;
        with_code(&world, email, &app.code(&world, 30)).expect(200).await;
        let code = json!({"code": next.code(&world, 0)});
        world.post(bearer(&own), "me/totp/confirmation").json(code).expect(200).await;
        world.clock.advance(TimeDelta::minutes(2));
        with_code(&world, email, &app.code(&world, 0)).expect(401).await;
        with_code(&world, email, &next.code(&world, 0)).expect(200).await;
        with_code(&world, email, renewed.body["recovery_codes"][1].as_str().unwrap()).expect(401).await;
        // A secret whose first code is late is none.
        let late = App::of(&world.post(bearer(&own), "me/totp").expect(201).await.body["secret"]);
        world.clock.advance(TimeDelta::hours(1));
        let own = with_code(&world, email, &next.code(&world, 0)).expect(200).await;
        let code = json!({"code": late.code(&world, 0)});
        let refused = world.post(bearer(&own), "me/totp/confirmation").json(code).expect(409).await;
        assert_eq!(refused.body["errors"][0]["code"], "no_secret");
    }
}

story! {
    async fn whoever_guesses_codes_is_kept_waiting(world) {
        with_password(&world, &Member(Lead));
        let email = "lead@jakarta.example";
        let (app, codes, own) = enrol(&world, email).await;
        for number in 0..9 {
            let guess = if number % 2 == 0 {
                with_code(&world, email, "000000").expect(401).await
            } else {
                step_up(&world, bearer(&own), json!({"code": "000000"})).expect(422).await
            };
            assert!(["invalid-credentials", "invalid"].contains(&guess.problem()));
            // To know the password is no success, and clears nothing.
            assert_eq!(log_in(&world, email, PASSWORD).expect(401).await.problem(), "code-required");
        }
        with_code(&world, email, "wrong-wrong-wrong-wrong").expect(401).await;
        // Now the right one does not help either.
        world.clock.advance(TimeDelta::minutes(1));
        let right = app.code(&world, 0);
        for code in [&right, &codes[0]] {
            let refused = with_code(&world, email, code).expect(429).await;
            assert_eq!((refused.problem(), refused.header("retry-after")), ("too-many-requests", Some("840")));
        }
        log_in(&world, email, PASSWORD).expect(429).await;
        step_up(&world, bearer(&own), json!({"code": right})).expect(429).await;
        world.clock.advance(TimeDelta::minutes(14));
        with_code(&world, email, &app.code(&world, 0)).expect(200).await;
    }
}

story! {
    async fn a_role_that_needs_a_second_factor_counts_once_it_was_shown(world) {
        let world = strict(world.kind, Roles::of(&[Admin, Lead]));
        for who in [Member(Lead), Member(Admin), Member(Secretariat)] {
            with_password(&world, &who);
        }
        let email = "lead@jakarta.example";
        let bare = log_in(&world, email, PASSWORD).expect(200).await;
        for path in ["{p}", "{p}/questions", "{p}/ledger"] {
            let refused = world.get(bearer(&bare), path).expect(403).await;
            assert_eq!(refused.problem(), "second-factor-required", "{path}");
            assert!(refused.body["detail"].as_str().unwrap().contains("POST /api/v1/me/totp"));
        }
        let question = json!({"names": [{"name": {"id": "Tata kelola"}}]});
        assert_eq!(world.post(bearer(&bare), "{p}/focus-areas").json(question.clone()).expect(403).await.problem(), "second-factor-required");
        // It is like having no such role: no programme is theirs, and nothing waits for them.
        assert!(world.get(bearer(&bare), "programs").expect(200).await.items().is_empty());
        assert!(world.get(bearer(&bare), "me/tasks").expect(200).await.items().is_empty());
        world.get(bearer(&bare), "programs/porto").expect(404).await;
        world.get(bearer(&bare), "accounts").expect(403).await;
        let explained = world.get(bearer(&bare), "access/explain?action=question.read&on=jakarta").expect(200).await.body;
        assert_eq!((&explained["allowed"], &explained["second_factor_required"], &explained["missing"]), (&json!(false), &json!(true), &json!([])));
        // What they need to set it up is open.
        let me = world.get(bearer(&bare), "me").expect(200).await.body;
        assert_eq!((&me["second_factor"], &me["second_factor_required"]), (&json!(false), &json!(true)));
        assert_eq!(world.get(bearer(&bare), "me/memberships").expect(200).await.items()[0]["role"], "lead");
        world.get(Member(Secretariat), "{p}/questions").expect(200).await;

        let (app, _, own) = enrol(&world, email).await;
        world.get(bearer(&own), "{p}/questions").expect(200).await;
        world.post(bearer(&own), "{p}/focus-areas").json(question).expect(201).await;
        assert_eq!(world.get(bearer(&own), "programs").expect(200).await.items().len(), 1);
        // So does a refreshed sign-in, and one that begins with a code.
        let again = world.post(Nobody, "auth/refresh").json(json!({"refresh_token": own.body["refresh_token"]})).expect(200).await;
        world.get(bearer(&again), "{p}/questions").expect(200).await;
        world.clock.advance(TimeDelta::minutes(1));
        let next = with_code(&world, email, &app.code(&world, 0)).expect(200).await;
        world.get(bearer(&next), "{p}/questions").expect(200).await;
        // Removing it is refused; the policy needs it.
        let refused = world.delete(bearer(&next), "me/totp").expect(409).await;
        assert_eq!((refused.problem(), refused.body["errors"][0]["code"].as_str()), ("conflict", Some("second_factor_required")));

        // Whoever is an admin of the platform alone finds no programme and no account.
        let admin = log_in(&world, "admin@jakarta.example", PASSWORD).expect(200).await;
        assert_eq!(world.get(bearer(&admin), "accounts").expect(403).await.problem(), "second-factor-required");
        assert_eq!(world.get(bearer(&admin), "{p}").expect(403).await.problem(), "second-factor-required");
        let (_, _, admin) = enrol(&world, "admin@jakarta.example").await;
        world.get(bearer(&admin), "accounts").expect(200).await;
        world.get(bearer(&admin), "{p}").expect(200).await;
        // Who needs none may have one, and end it.
        let (_, _, secretariat) = enrol(&world, "secretariat@jakarta.example").await;
        world.delete(bearer(&secretariat), "me/totp").expect(204).await;
        world.delete(bearer(&secretariat), "me/totp").expect(409).await;
        log_in(&world, "secretariat@jakarta.example", PASSWORD).expect(200).await;
        world.verify();
    }
}

story! {
    async fn machines_have_no_second_factor_to_show(world) {
        let world = strict(world.kind, Roles::of(&[Partner]));
        let client = json!({"role": "partner", "name": "Pelapor", "purpose": "Mengirim laporan.", "scopes": ["input.read"], "expires_on": "2026-06-30"});
        let client = world.post(Member(Lead), "{p}/clients").json(client).expect(201).await.id();
        let key = world.post(Member(Lead), &format!("{{p}}/clients/{client}/keys")).if_match("\"1\"").json(json!({})).expect(201).await;
        let key = Bearer(key.body["key"].as_str().unwrap().to_owned());
        world.get(key.clone(), "{p}/inputs").expect(200).await;
        assert_eq!(world.get(Member(Partner), "{p}/inputs").expect(403).await.problem(), "second-factor-required");
        for path in ["me/totp", "me/recovery-codes"] {
            assert_eq!(world.post(key.clone(), path).expect(403).await.problem(), "for-people");
        }
        assert_eq!(step_up(&world, key, json!({"password": PASSWORD})).expect(403).await.problem(), "for-people");
    }
}

story! {
    async fn an_admin_takes_a_lost_second_factor_away(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        with_password(&world, &Member(Lead));
        let email = "lead@jakarta.example";
        let (app, codes, own) = enrol(&world, email).await;
        office.deliver(&world).await;
        let path = format!("accounts/{}/totp-reset", world.account(&Member(Lead)));
        let why = json!({"reason": "Telepon hilang, dikenali langsung."});
        world.post(Member(Secretariat), &path).json(why.clone()).expect(403).await;
        assert_eq!(world.post(Member(Admin), &path).json(json!({})).expect(422).await.pointers(), ["/reason"]);
        let account = world.post(Member(Admin), &path).json(why.clone()).expect(200).await;
        assert_eq!(account.body["second_factor"], false);
        let again = world.post(Member(Admin), &path).json(why).expect(409).await;
        assert_eq!(again.body["errors"][0]["code"], "no_second_factor");
        // Who has it is out, its owner is told, and the password signs in.
        world.get(bearer(&own), "me").expect(401).await;
        let told = office.only(office.deliver(&world).await);
        assert_eq!((told.to, told.headers.iter().any(|(_, value)| value == "Your Tangguh account has no second factor any more")), (vec![email.to_owned()], true));
        let next = log_in(&world, email, PASSWORD).expect(200).await;
        assert_eq!(world.get(bearer(&next), "me").expect(200).await.body["recovery_codes_left"], 0);
        // Neither app nor recovery codes prove anything any more.
        for code in [app.code(&world, 30), codes[0].clone()] {
            assert_eq!(step_up(&world, bearer(&next), json!({"code": code})).expect(422).await.pointers(), ["/password"]);
        }
        let rows = world.get(Member(Admin), "ledger?limit=1&sort=-sequence").expect(200).await;
        assert_eq!((&rows.items()[0]["action"], &rows.items()[0]["reason"]), (&json!("account.reset_second_factor"), &json!("Telepon hilang, dikenali langsung.")));
        world.verify();
    }
}

story! {
    async fn what_is_dangerous_asks_for_a_proof_of_the_last_quarter_of_an_hour(world) {
        for who in [Member(Admin), Member(Agency)] {
            with_password(&world, &who);
        }
        let tokens = log_in(&world, "admin@jakarta.example", PASSWORD).expect(200).await;
        let agency = format!("accounts/{}", world.account(&Member(Agency)));
        let why = json!({"reason": "Hilang."});
        let tag = async |who: &Who| world.get(who.clone(), &agency).expect(200).await.etag();
        world.clock.advance(TimeDelta::minutes(15));
        let admin = bearer(&world.post(Nobody, "auth/refresh").json(json!({"refresh_token": tokens.body["refresh_token"]})).expect(200).await);
        let locked = world.post(admin.clone(), &format!("{agency}/lock")).if_match(&tag(&admin).await).json(why.clone()).expect(200).await;
        let key = "kunci-satu";
        world.clock.advance(TimeDelta::seconds(1));
        let unlock = |path: &str| world.post(admin.clone(), &format!("{agency}/{path}")).if_match(&locked.etag()).header("idempotency-key", key).json(why.clone());
        let refused = unlock("unlock").expect(401).await;
        assert_eq!((refused.problem(), refused.header("www-authenticate")), ("step-up-required", Some("Bearer error=\"insufficient_user_authentication\", max_age=\"900\"")));
        // So for all that is dangerous; what is not, goes on.
        let account = json!({"email": "baru@example.org", "name": "Baru", "admin": true});
        let stakeholder = &world.seed.stakeholders["dinas"];
        let merge = json!({"into_id": world.seed.stakeholders["mitra"], "reason": "Peraturan."});
        let merging = |query: &str| world.post(admin.clone(), &format!("stakeholders/{stakeholder}/merge{query}")).if_match("\"1\"").json(merge.clone());
        let archive = json!({"to": "archived", "reason": "Selesai."});
        let asks = [
            world.patch(admin.clone(), &agency).if_match(&locked.etag()).patch(json!({"admin": true})),
            world.post(admin.clone(), "accounts").json(account.clone()),
            world.post(admin.clone(), "me/totp"),
            world.post(admin.clone(), "me/recovery-codes"),
            world.delete(admin.clone(), "me/totp"),
            world.post(admin.clone(), &format!("{agency}/totp-reset")).json(why.clone()),
            world.post(admin.clone(), &format!("{agency}/password-token")).if_match(&locked.etag()),
            world.post(admin.clone(), "me/email-changes").json(json!({"current_password": PASSWORD, "email": "baru@example.org"})),
            world.post(admin.clone(), "{p}/transitions").if_match("\"1\"").json(archive),
            merging(""),
        ];
        for ask in asks {
            assert_eq!(ask.expect(401).await.problem(), "step-up-required");
        }
        merging("?dry_run=true").expect(200).await;
        world.post(admin.clone(), "accounts").json(json!({"email": "lain@example.org", "name": "Lain"})).expect(201).await;

        // A wrong proof is none.
        assert_eq!(step_up(&world, admin.clone(), json!({})).expect(422).await.pointers(), ["/password"]);
        assert_eq!(step_up(&world, admin.clone(), json!({"password": "not the right password"})).expect(422).await.pointers(), ["/password"]);
        unlock("unlock").expect(401).await;
        let proved = step_up(&world, admin.clone(), json!({"password": PASSWORD})).expect(200).await;
        assert_eq!(proved.body["until"], "2026-01-15T02:30:01.000000Z");
        // Another instance knows at once; and a repeat needs no proof, since nothing is done.
        let twin = world.twin();
        twin.post(admin.clone(), &format!("{agency}/unlock")).if_match(&locked.etag()).header("idempotency-key", key).json(why.clone()).expect(200).await;
        world.clock.advance(TimeDelta::minutes(14));
        world.post(admin.clone(), "accounts").json(account).expect(201).await;
        let admin = bearer(&log_in(&world, "admin@jakarta.example", PASSWORD).expect(200).await);
        world.clock.advance(TimeDelta::minutes(2));
        world.post(admin, "me/totp").expect(201).await;
        world.verify();
    }
}

story! {
    async fn whoever_has_a_second_factor_steps_up_by_it(world) {
        with_password(&world, &Member(Lead));
        let email = "lead@jakarta.example";
        let (app, codes, own) = enrol(&world, email).await;
        let used = app.code(&world, 0);
        world.clock.advance(TimeDelta::seconds(10));
        assert_eq!(step_up(&world, bearer(&own), json!({"password": PASSWORD})).expect(422).await.pointers(), ["/code"]);
        // The code that set it up is used.
        assert_eq!(step_up(&world, bearer(&own), json!({"code": used})).expect(422).await.pointers(), ["/code"]);
        world.clock.advance(TimeDelta::minutes(16));
        let own = bearer(&world.post(Nobody, "auth/refresh").json(json!({"refresh_token": own.body["refresh_token"]})).expect(200).await);
        assert_eq!(world.delete(own.clone(), "me/totp").expect(401).await.problem(), "step-up-required");
        let code = app.code(&world, 0);
        step_up(&world, own.clone(), json!({"code": code})).expect(200).await;
        with_code(&world, email, &code).expect(401).await;
        step_up(&world, own.clone(), json!({"code": codes[0]})).expect(200).await;
        world.delete(own, "me/totp").expect(204).await;
    }
}

story! {
    async fn a_sign_in_that_has_ended_does_nothing_dangerous_anywhere(world) {
        with_password(&world, &Member(Lead));
        let tokens = log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        let twin = world.twin();
        twin.get(bearer(&tokens), "me").expect(200).await;
        world.post(Nobody, "auth/logout").json(json!({"refresh_token": tokens.body["refresh_token"]})).expect(204).await;
        // The other instance remembers for five seconds who it was.
        assert_eq!(twin.post(bearer(&tokens), "me/totp").expect(401).await.problem(), "invalid-token");
    }
}

story! {
    async fn the_last_admin_is_not_locked_out(world) {
        let world = strict(world.kind, Roles::of(&[Admin]));
        with_password(&world, &Member(Admin));
        let (app, _, own) = enrol(&world, "admin@jakarta.example").await;
        // They cannot end it, and whoever resets their own sets it up again.
        world.delete(bearer(&own), "me/totp").expect(409).await;
        let path = format!("accounts/{}", world.account(&Member(Admin)));
        let tag = world.get(bearer(&own), &path).expect(200).await.etag();
        let why = json!({"reason": "Telepon baru."});
        assert_eq!(world.post(bearer(&own), &format!("{path}/lock")).if_match(&tag).json(why.clone()).expect(409).await.problem(), "last-holder");
        world.post(bearer(&own), &format!("{path}/totp-reset")).json(why).expect(200).await;
        world.get(bearer(&own), "me").expect(401).await;
        with_code(&world, "admin@jakarta.example", &app.code(&world, 30)).expect(200).await;
        let (_, _, own) = enrol(&world, "admin@jakarta.example").await;
        world.get(bearer(&own), "accounts").expect(200).await;
    }
}
