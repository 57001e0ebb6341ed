create table accounts (
    id text not null,
    ledger_id text not null references ledgers (id),
    constraint accounts_id_key primary key (id)
) strict;
create table account_revisions (
    subject_id text not null references accounts (id),
    revision integer not null,
    ledger_id text not null references ledgers (id),
    seq_from integer not null,
    seq_to integer,
    state text not null,
    admin integer not null,
    body text not null,
    constraint account_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint account_revisions_revision_check check (revision >= 1),
    constraint account_revisions_seq_to_check check (seq_to > seq_from),
    constraint account_revisions_state_check check (state in ('invited', 'active', 'locked'))
) strict;
create unique index account_revisions_open_key on account_revisions (subject_id) where seq_to is null;
create index account_revisions_updated_idx on account_revisions (ledger_id, seq_from);

-- The personal data of accounts: here and nowhere else.
create table account_people (
    account_id text not null references accounts (id),
    email text not null,
    email_folded text not null,
    name text not null,
    constraint account_people_account_id_key primary key (account_id),
    constraint account_people_email_folded_key unique (email_folded)
) strict;

create table account_passwords (
    account_id text not null references accounts (id),
    phc text not null,
    set_at text not null,
    constraint account_passwords_account_id_key primary key (account_id)
) strict;

-- One-time tokens to set a password; only their hash is here.
create table password_tokens (
    hash text not null,
    account_id text not null references accounts (id),
    expires_at text not null,
    used_at text,
    constraint password_tokens_hash_key primary key (hash)
) strict;
create index password_tokens_account_id_idx on password_tokens (account_id);

-- One row for each family of refresh tokens: which generation is in use, and since when.
create table sign_ins (
    id text not null,
    account_id text not null references accounts (id),
    generation integer not null,
    made_at text not null,
    rotated_at text not null,
    expires_at text not null,
    ended_at text,
    end_reason text,
    constraint sign_ins_id_key primary key (id)
) strict;
create index sign_ins_account_id_idx on sign_ins (account_id);

-- Failed sign-ins: counted for each account and each address, in the database so that every instance counts.
create table sign_in_failures (
    subject text not null,
    since text not null,
    count integer not null,
    constraint sign_in_failures_subject_key primary key (subject)
) strict;
