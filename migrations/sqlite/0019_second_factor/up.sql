-- The secrets of authenticator apps, sealed: of each account the one that is in force, and one that waits for its first code.
create table totp_secrets (
    id text not null,
    account_id text not null references accounts (id),
    sealed text not null,
    made_at text not null,
    confirmed_at text,
    last_step integer,
    constraint totp_secrets_id_key primary key (id)
) strict;
create unique index totp_secrets_in_force_key on totp_secrets (account_id) where confirmed_at is not null;
create unique index totp_secrets_waiting_key on totp_secrets (account_id) where confirmed_at is null;

-- What opens in the place of a code, once each; only hashes are here.
create table recovery_codes (
    account_id text not null references accounts (id),
    hash text not null,
    constraint recovery_codes_account_id_hash_key primary key (account_id, hash)
) strict;

-- Whether the second factor was shown, and when its owner last proved to be that, beside the beginning.
alter table sign_ins add column factor_shown integer not null default 0;
alter table sign_ins add column stepped_up_at text;
