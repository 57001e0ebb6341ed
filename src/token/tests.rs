use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

const ISSUER: &str = "https://tangguh.example";
const ACCOUNT: Uuid = Uuid::from_u128(1);
const FAMILY: Uuid = Uuid::from_u128(2);
const RECEIPT: &str = "tangguh-receipt+jws";

fn now() -> DateTime<Utc> {
    // Half a second past, as a real instant would be; far from today, so that the system's clock would show.
    "2031-05-06T07:08:09.500Z".parse().unwrap()
}

fn minutes(count: i64) -> TimeDelta {
    TimeDelta::minutes(count)
}

fn keys() -> Vec<Key> {
    KeyUse::ALL.map(|used_for| Key::generate(used_for, now())).to_vec()
}

fn ring(keys: &[Key]) -> KeyRing {
    KeyRing::new(keys.to_vec(), ISSUER.to_owned()).unwrap()
}

/// The keys after all were retired at `at` and followed by new ones.
fn rotated(mut keys: Vec<Key>, at: DateTime<Utc>) -> Vec<Key> {
    for key in &mut keys {
        key.retired_at.get_or_insert(at);
    }
    keys.extend(KeyUse::ALL.map(|used_for| Key::generate(used_for, at)));
    keys
}

fn access(ring: &KeyRing) -> String {
    ring.access_token(ACCOUNT, FAMILY, now()).unwrap().0
}

fn parts(jws: &str) -> Vec<Value> {
    let decoded = jws.split('.').take(2).map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    decoded.map(|part| serde_json::from_slice(&part).unwrap()).collect()
}

/// Signed by the ring's own token key, with whatever header and claims.
fn forged(ring: &KeyRing, edit: impl FnOnce(&mut Header, &mut Value)) -> String {
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(ACCESS_TYPE.to_owned());
    header.kid = Some(ring.token.id.clone());
    let mut claims = parts(&access(ring)).remove(1);
    edit(&mut header, &mut claims);
    jsonwebtoken::encode(&header, &claims, &ring.token.key).unwrap()
}

#[test]
fn the_name_of_a_use_leads_back_to_it() {
    for used_for in KeyUse::ALL {
        assert_eq!(KeyUse::named(used_for.name()), Some(used_for));
    }
    assert_eq!(KeyUse::named("Token"), None);
}

#[test]
fn debug_shows_no_secret() {
    let key = Key { secret: [0xAB; 32], ..Key::generate(KeyUse::Mac, now()) };
    let shown = format!("{key:?}");
    assert!(shown.contains(&key.id) && !shown.contains("171") && !shown.to_lowercase().contains("abab"), "{shown}");
    let ring = ring(&keys());
    assert!(format!("{ring:?}").len() < 200, "{ring:?}");
}

#[test]
fn a_ring_needs_a_key_in_service_for_each_use_and_no_id_twice() {
    for used_for in KeyUse::ALL {
        let mut without = keys();
        without.iter_mut().find(|key| key.used_for == used_for).unwrap().retired_at = Some(now());
        assert_eq!(KeyRing::new(without, ISSUER.to_owned()).unwrap_err(), KeyRingError::Missing(used_for));
    }
    let mut twice = keys();
    let copy = twice[0].clone();
    twice.push(Key { used_for: KeyUse::Mac, ..copy.clone() });
    assert_eq!(KeyRing::new(twice, ISSUER.to_owned()).unwrap_err(), KeyRingError::SameId(copy.id));
}

#[test]
fn an_access_token_says_who_and_nothing_else() {
    let ring = ring(&keys());
    let (token, expires_in) = ring.access_token(ACCOUNT, FAMILY, now()).unwrap();
    assert_eq!(expires_in, 900);
    let [header, claims] = parts(&token).try_into().unwrap();
    assert_eq!(header, json!({"typ": "at+jwt", "alg": "EdDSA", "kid": ring.token.id}));
    let issued = now().timestamp();
    assert_eq!(
        claims,
        json!({
            "iss": ISSUER, "aud": "tangguh", "sub": ACCOUNT, "client_id": "tangguh-login", "sid": FAMILY,
            "iat": issued, "exp": issued + 900, "jti": claims["jti"],
        })
    );
    assert_ne!(claims["jti"], parts(&access(&ring))[1]["jti"]);
}

#[test]
fn an_access_token_is_good_for_fifteen_minutes_of_the_given_clock() {
    let ring = ring(&keys());
    let token = access(&ring);
    let claims = ring.verify_access(&token, now()).unwrap();
    assert_eq!((claims.account, claims.family), (ACCOUNT, FAMILY));
    assert_eq!(claims.expires_at.timestamp(), now().timestamp() + 900);
    assert_eq!(ring.verify_access(&token, now() + minutes(15) - TimeDelta::seconds(1)), Ok(claims.clone()));
    assert_eq!(ring.verify_access(&token, now() + minutes(15)), Err(TokenError::Expired));
    assert_eq!(ring.verify_access(&token, now() - minutes(1)), Ok(claims));
    assert_eq!(ring.verify_access(&token, now() - minutes(2)), Err(TokenError::NotYet));
}

#[test]
fn the_type_is_compared_as_a_media_type() {
    let ring = ring(&keys());
    let judge = |typ: Option<&str>| ring.verify_access(&forged(&ring, |h, _| h.typ = typ.map(str::to_owned)), now());
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        assert!(judge(Some(typ)).is_ok(), "{typ}");
    }
    for typ in [None, Some("JWT"), Some("application/jwt"), Some("application/"), Some("x/at+jwt"), Some(RECEIPT)] {
        assert_eq!(judge(typ), Err(TokenError::WrongType), "{typ:?}");
    }
}

#[test]
fn an_access_token_of_another_kind_is_refused_although_we_signed_it() {
    let ring = ring(&keys());
    let judge = |edit: fn(&mut Header, &mut Value)| ring.verify_access(&forged(&ring, edit), now()).map(|_| ());
    assert_eq!(judge(|_, _| ()), Ok(()));
    assert_eq!(judge(|h, _| h.kid = None), Err(TokenError::UnknownKey));
    assert_eq!(judge(|h, _| h.kid = Some("0123456789ab".into())), Err(TokenError::UnknownKey));
    assert_eq!(judge(|h, _| h.crit = Some(vec!["exp".into()])), Err(TokenError::Malformed));
    assert_eq!(judge(|_, c| c["iss"] = "https://other.example".into()), Err(TokenError::WrongIssuer));
    assert_eq!(judge(|_, c| c["aud"] = "other".into()), Err(TokenError::WrongAudience));
    for claim in ["iss", "aud", "sub", "sid", "iat", "exp"] {
        let without = forged(&ring, |_, claims| {
            claims.as_object_mut().unwrap().shift_remove(claim);
        });
        assert_eq!(ring.verify_access(&without, now()), Err(TokenError::Malformed), "{claim}");
    }
    for (claim, value) in [("exp", json!(i64::MAX)), ("iat", json!(i64::MIN)), ("exp", json!("9")), ("sub", json!(7))] {
        let odd = forged(&ring, |_, claims| claims[claim] = value);
        assert_eq!(ring.verify_access(&odd, now()), Err(TokenError::Malformed), "{claim}");
    }
}

#[test]
fn no_other_algorithm_is_believed() {
    let ring = ring(&keys());
    let token = access(&ring);
    let [_, claims, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    for (alg, fault) in
        [("none", TokenError::Malformed), ("HS256", TokenError::WrongAlgorithm), ("ES256", TokenError::WrongAlgorithm)]
    {
        let header = json!({"typ": "at+jwt", "alg": alg, "kid": ring.token.id}).to_string();
        let header = URL_SAFE_NO_PAD.encode(header);
        for signature in [signature, ""] {
            assert_eq!(ring.verify_access(&format!("{header}.{claims}.{signature}"), now()), Err(fault), "{alg}");
        }
    }
    // The classic: our public key, known to all, as the secret of an HMAC.
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some(ACCESS_TYPE.into());
    header.kid = Some(ring.token.id.clone());
    let public = EncodingKey::from_secret(&ring.verifiers.iter().find(|v| v.id == ring.token.id).unwrap().public);
    let confused = jsonwebtoken::encode(&header, &parts(&token)[1], &public).unwrap();
    assert_eq!(ring.verify_access(&confused, now()), Err(TokenError::WrongAlgorithm));
}

#[test]
fn a_key_verifies_only_what_it_is_used_for() {
    let ring = ring(&keys());
    let claims = parts(&access(&ring)).remove(1);
    let record_as_token = ring.sign_record(ACCESS_TYPE, &claims).unwrap();
    assert_eq!(ring.verify_access(&record_as_token, now()), Err(TokenError::UnknownKey));
    let token_as_record = forged(&ring, |header, _| header.typ = Some(RECEIPT.into()));
    assert_eq!(ring.verify_record(RECEIPT, &token_as_record), Err(TokenError::UnknownKey));
    // The same kid over another key does not help either.
    let mut impostor = keys();
    impostor[0].id.clone_from(&ring.token.id);
    assert_eq!(ring.verify_access(&access(&self::ring(&impostor)), now()), Err(TokenError::BadSignature));
}

#[test]
fn after_a_rotation_the_new_token_key_signs_and_the_old_one_verifies_until_its_tokens_have_died() {
    let mut before = keys();
    before.iter_mut().for_each(|key| key.made_at = now() - minutes(60));
    let old = access(&ring(&before));
    let after = ring(&rotated(before.clone(), now()));
    assert_ne!(parts(&access(&after))[0]["kid"], parts(&old)[0]["kid"]);
    assert!(after.verify_access(&old, now() + minutes(14)).is_ok());

    // Signed late by an instance that had not heard of the rotation.
    let late = ring(&before).access_token(ACCOUNT, FAMILY, now() + minutes(10)).unwrap().0;
    assert!(after.verify_access(&late, now() + minutes(16)).is_ok());
    assert_eq!(after.verify_access(&late, now() + minutes(17)), Err(TokenError::UnknownKey));

    let listed = |at| -> Vec<Value> {
        after.jwks(at)["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect()
    };
    assert_eq!(listed(now() + minutes(16)), [json!(after.token.id), json!(before[0].id)]);
    assert_eq!(listed(now() + minutes(17)), [json!(after.token.id)]);
}

#[test]
fn the_key_sets_hold_public_halves_only() {
    let first = keys();
    let ring = ring(&rotated(first.clone(), now() + minutes(1)));
    let jwk = &ring.jwks(now())["keys"][0];
    let x = URL_SAFE_NO_PAD.encode(ring.verifiers.iter().find(|v| v.id == ring.token.id).unwrap().public);
    assert_eq!(
        *jwk,
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": ring.token.id, "use": "sig", "alg": "EdDSA"})
    );
    let records = ring.record_keys();
    assert_eq!(records["keys"][0]["retired_at"], Value::Null);
    assert_eq!(records["keys"][1]["kid"], json!(first[1].id));
    assert_eq!(records["keys"][1]["made_at"], "2031-05-06T07:08:09.500000Z");
    assert_eq!(records["keys"][1]["retired_at"], "2031-05-06T07:09:09.500000Z");
    let all = format!("{}{records}", ring.jwks(now()));
    for key in &first {
        assert!(!all.contains(&URL_SAFE_NO_PAD.encode(key.secret)));
    }
}

#[test]
fn the_public_half_is_that_of_rfc_8032() {
    let secret = *b"\x9d\x61\xb1\x9d\xef\xfd\x5a\x60\xba\x84\x4a\xf4\x92\xec\x2c\xc4\
        \x44\x49\xc5\x69\x7b\x32\x69\x19\x70\x3b\xac\x03\x1c\xae\x7f\x60";
    let key = Key { secret, ..Key::generate(KeyUse::Record, now()) };
    // The example of RFC 8037, appendix A.2.
    assert_eq!(Verifier::of(&key).jwk()["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
}

#[test]
fn a_record_verifies_for_ever_as_what_it_was_signed_as() {
    let before = keys();
    let payload = json!({"z": 1, "a": ["ü", null], "exp": 1, "aud": "somebody", "nbf": "?", "iss": [1]});
    let jws = ring(&before).sign_record(RECEIPT, &payload).unwrap();
    assert_eq!(parts(&jws)[0], json!({"typ": RECEIPT, "alg": "EdDSA", "kid": before[1].id}));
    let much_later = ring(&rotated(rotated(before, now()), now() + TimeDelta::days(3650)));
    let read = much_later.verify_record(RECEIPT, &jws).unwrap();
    assert_eq!(read.to_string(), payload.to_string(), "in the same order");
    assert_eq!(much_later.verify_record("tangguh-statement+jws", &jws), Err(TokenError::WrongType));
    assert!(matches!(much_later.sign_record(RECEIPT, &json!([1])), Err(SignError::NotAnObject)));
}

#[test]
fn a_detached_signature_is_of_these_very_bytes_for_ever() {
    const STATEMENT: &str = "tangguh-statement+jws";
    let keys = keys();
    let before = ring(&keys);
    let bytes = b"{\"text\":\"Kota ini tangguh.\"}";
    let jws = before.sign_detached(STATEMENT, bytes).unwrap();
    let (header, signature) = jws.split_once("..").unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    assert_eq!(
        (&header["typ"], &header["alg"], &header["kid"]),
        (&json!(STATEMENT), &json!("EdDSA"), &json!(before.record.id))
    );
    assert_eq!(URL_SAFE_NO_PAD.decode(signature).unwrap().len(), 64);
    // Two rotations later it is still good, and there is one served key that says so.
    let after = ring(&rotated(rotated(keys, now() + minutes(1)), now() + minutes(2)));
    assert_ne!(before.record.id, after.record.id);
    for ring in [&before, &after] {
        assert_eq!(ring.verify_detached(STATEMENT, &jws, bytes), Ok(()));
        for at in 0..bytes.len() {
            let mut other = bytes.to_vec();
            other[at] ^= 1;
            assert_eq!(ring.verify_detached(STATEMENT, &jws, &other), Err(TokenError::BadSignature));
        }
        assert_eq!(ring.verify_detached(RECEIPT, &jws, bytes), Err(TokenError::WrongType));
    }
    let served = after.record_keys();
    assert_eq!(served["keys"].as_array().unwrap().iter().filter(|key| key["kid"] == header["kid"]).count(), 1);
    // With its payload put back it is a common JWS, as RFC 7515 has it.
    let whole = jws.replace("..", &format!(".{}.", URL_SAFE_NO_PAD.encode(bytes)));
    assert_eq!(after.verify_record(STATEMENT, &whole).unwrap(), json!({"text": "Kota ini tangguh."}));
    assert_eq!(after.verify_detached(STATEMENT, &whole, bytes), Err(TokenError::Malformed));
    let strangers = self::ring(&self::keys());
    assert_eq!(strangers.verify_detached(STATEMENT, &jws, bytes), Err(TokenError::UnknownKey));
}

#[test]
fn a_tag_fits_its_label_and_message_only() {
    let ring = ring(&keys());
    let tag = ring.mac("cursor", b"message");
    assert_eq!(tag.len(), 12 + 43);
    assert!(tag.starts_with(&ring.mac_key().id));
    assert_eq!(tag, ring.mac("cursor", b"message"));
    assert!(ring.check_mac("cursor", b"message", &tag, now()));
    assert!(!ring.check_mac("cursorm", b"essage", &tag, now()));
    assert!(!ring.check_mac("", b"cursormessage", &tag, now()));
    assert!(!self::ring(&keys()).check_mac("cursor", b"message", &tag, now()));
}

#[test]
fn a_retired_mac_key_is_accepted_for_thirty_days() {
    let before = keys();
    let tag = ring(&before).mac("cursor", b"message");
    let after = ring(&rotated(before, now()));
    assert_ne!(after.mac("cursor", b"message"), tag);
    assert!(after.check_mac("cursor", b"message", &tag, now() + TimeDelta::days(30)));
    assert!(!after.check_mac("cursor", b"message", &tag, now() + TimeDelta::days(30) + TimeDelta::seconds(1)));
}

#[test]
fn the_same_generation_gives_the_same_refresh_token_and_after_a_rotation_an_equal_one() {
    let before = keys();
    let first = ring(&before).refresh_token(FAMILY, 4);
    assert_eq!(first, ring(&before).refresh_token(FAMILY, 4));
    assert_ne!(first, ring(&before).refresh_token(FAMILY, 5));
    let after = ring(&rotated(before, now()));
    let again = after.refresh_token(FAMILY, 4);
    assert_ne!(first, again);
    for token in [&first, &again] {
        assert_eq!(after.read_refresh(token, now() + TimeDelta::days(30)), Some((FAMILY, 4)));
    }
    assert_eq!(after.read_refresh(&first, now() + TimeDelta::days(31)), None);
}

#[test]
fn a_tag_for_something_else_is_no_refresh_token() {
    let ring = ring(&keys());
    let token = ring.refresh_token(FAMILY, 1);
    let body = token["tgr_".len()..].split('.').next().unwrap();
    let tag = ring.mac("cursor", &URL_SAFE_NO_PAD.decode(body).unwrap());
    assert_eq!(ring.read_refresh(&format!("tgr_{body}.{tag}"), now()), None);
    assert_eq!(ring.read_refresh(&token["tgr_".len()..], now()), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_refresh_token_reads_back(family: u128, generation: i32) {
        let (ring, family) = (ring(&keys()), Uuid::from_u128(family));
        prop_assert_eq!(ring.read_refresh(&ring.refresh_token(family, generation), now()), Some((family, generation)));
    }

    #[test]
    fn no_changed_character_passes(at: prop::sample::Index, other in "[A-Za-z0-9._-]") {
        let ring = ring(&keys());
        let change = |token: &str| {
            let at = at.index(token.len());
            (token[at..=at] != other).then(|| format!("{}{other}{}", &token[..at], &token[at + 1..]))
        };
        if let Some(changed) = change(&access(&ring)) {
            prop_assert!(ring.verify_access(&changed, now()).is_err(), "{}", changed);
        }
        if let Some(changed) = change(&ring.refresh_token(FAMILY, 1)) {
            prop_assert_eq!(ring.read_refresh(&changed, now()), None, "{}", changed);
        }
        if let Some(changed) = change(&ring.mac("cursor", b"message")) {
            prop_assert!(!ring.check_mac("cursor", b"message", &changed, now()), "{}", changed);
        }
    }

    #[test]
    fn nothing_made_up_passes(made_up in "\\PC*", tail in "[A-Za-z0-9_-]{43}", header in "\\PC*") {
        let ring = ring(&keys());
        let header = URL_SAFE_NO_PAD.encode(header);
        for token in [made_up.clone(), format!("{header}.{tail}.{tail}"), format!("{made_up}.{made_up}.{made_up}")] {
            prop_assert!(ring.verify_access(&token, now()).is_err());
            prop_assert!(ring.verify_record(RECEIPT, &token).is_err());
        }
        for token in [made_up.clone(), format!("{made_up}{tail}"), format!("{}{made_up}", ring.mac_key().id)] {
            prop_assert!(!ring.check_mac("cursor", b"message", &token, now()));
        }
        for token in [made_up.clone(), format!("tgr_{made_up}"), format!("tgr_{tail}.{made_up}")] {
            prop_assert_eq!(ring.read_refresh(&token, now()), None);
        }
    }
}
