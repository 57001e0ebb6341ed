//! What somebody would try against this service, and what comes of it. Each is a story that is told against a whole service,
//! on both databases; `docs/security.md` says what is promised on the strength of it.
//!
//! | attack | what comes of it | story |
//! |---|---|---|
//! | a token signed with `none`, or with our public key as the secret of an HMAC | 401 | [`tokens`] `another_algorithm` |
//! | another `kid`, a path or SQL as `kid`, our `kid` over another key, a record key | 401 | [`tokens`] `another_key` |
//! | a key that the token brings along (`jwk`, `jku`, `crit`) | not looked at, 401 | [`tokens`] `a_key_in_the_header` |
//! | a token of another issuer, audience or type, of the past or the future, with another's sign-in | 401 | [`tokens`] `only_our_own_tokens` |
//! | a token in a cookie, in the query, twice | nobody, 401 | [`tokens`] `a_token_counts_in_its_header_alone` |
//! | one kind of secret at the door of another: a refresh token as a bearer, an invitation as a reset, … | 401, and none is used up | [`tokens`] `what_opens_one_door` |
//! | a refresh token that was used already: a stolen family | both lose it, and that is kept | [`tokens`] `an_old_refresh_token` |
//! | a forged refresh token, to end somebody's sign-in | 401, and the sign-in goes on | [`tokens`] `a_forged_refresh_token` |
//! | an invitation accepted by many at once | one account | [`tokens`] `an_invitation_is_accepted_once` |
//! | who has an account? asked at sign-in, reset, change of address: by words and by work | the same answer after the same work | [`enumeration`] |
//! | which programmes are there? asked of every operation | as if there were none | [`enumeration`] `a_programme_of_others` |
//! | guesses at a password, in turn, at once, on many instances, behind forged `X-Forwarded-For` | ten for an account, a hundred for an address, then 429 | [`guessing`] |
//! | mail without end to somebody | three in a quarter of an hour | [`guessing`] `an_address_gets_three_mails` |
//! | ids of another programme in every path and every body | 404 and 422, nothing changes | [`other_organisations`] |
//! | ids of another organisation in every path and every body, by a partner and an agency | nothing is seen, nothing is theirs | [`other_organisations`] `a_partner_gets_at_nothing` |
//! | `id`, `state`, `role`, `admin`, … sent along in every body | 422 that names each | [`mass_assignment`] |
//! | a page of another site: CORS with look-alike origins, forms, cookies, other methods | nothing to read, nothing done | [`browsers`] |
//! | line breaks into mail headers, formulas into tables, lines into the log, SQL into every parameter | text stays text | [`injection`] |
//! | too long, too deep, too many, packed bombs, two readings of one request | 4xx, the service goes on | [`oversized`] |
//! | two admins or leads who remove each other at once; the last one who goes | one stays | [`admins`] |
//!
//! Others have their stories where the thing itself has: guesses at one-time codes in `second_factor`, what receivers of
//! webhooks can be made to reach in `deliveries`, a mail server that is down in `mails`, a full disk in `concurrency` and
//! `tests/kill.rs`, what happens at the same moment in `concurrency` and `idempotency`, quotas in `limits`.

mod admins;
mod browsers;
mod enumeration;
mod guessing;
mod injection;
mod mass_assignment;
mod other_organisations;
mod oversized;
mod tokens;
