create table accounts (
    id uuid not null,
    ledger_id uuid not null references ledgers (id),
    constraint accounts_id_key primary key (id)
);
create table account_revisions (
    subject_id uuid not null references accounts (id),
    revision int4 not null,
    ledger_id uuid not null references ledgers (id),
    seq_from int8 not null,
    seq_to int8,
    state text collate "C" not null,
    admin bool not null,
    body text collate "C" not null,
    constraint account_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint account_revisions_revision_check check (revision >= 1),
    constraint account_revisions_seq_to_check check (seq_to > seq_from),
    constraint account_revisions_state_check check (state in ('invited', 'active', 'locked'))
);
create unique index account_revisions_open_key on account_revisions (subject_id) where seq_to is null;
create index account_revisions_updated_idx on account_revisions (ledger_id, seq_from);

-- The personal data of accounts: here and nowhere else.
create table account_people (
    account_id uuid not null references accounts (id),
    email text collate "C" not null,
    email_folded text collate "C" not null,
    name text collate "C" not null,
    constraint account_people_account_id_key primary key (account_id),
    constraint account_people_email_folded_key unique (email_folded)
);

create table account_passwords (
    account_id uuid not null references accounts (id),
    phc text collate "C" not null,
    set_at timestamptz not null,
    constraint account_passwords_account_id_key primary key (account_id)
);

-- One-time tokens to set a password; only their hash is here.
create table password_tokens (
    hash text collate "C" not null,
    account_id uuid not null references accounts (id),
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint password_tokens_hash_key primary key (hash)
);
create index password_tokens_account_id_idx on password_tokens (account_id);

-- One row for each family of refresh tokens: which generation is in use, and since when.
create table sign_ins (
    id uuid not null,
    account_id uuid not null references accounts (id),
    generation int4 not null,
    made_at timestamptz not null,
    rotated_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    end_reason text collate "C",
    constraint sign_ins_id_key primary key (id)
);
create index sign_ins_account_id_idx on sign_ins (account_id);

-- Failed sign-ins: counted for each account and each address, in the database so that every instance counts.
create table sign_in_failures (
    subject text collate "C" not null,
    since timestamptz not null,
    count int4 not null,
    constraint sign_in_failures_subject_key primary key (subject)
);
