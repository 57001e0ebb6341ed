-- One ledger for each programme, and one, whose id is all zeros, for the platform. The head row is what
-- every write locks first, so that the writes of one ledger have one order.
create table ledgers (
    id uuid not null,
    sequence int8 not null,
    hash text collate "C" not null,
    at timestamptz not null,
    constraint ledgers_id_key primary key (id)
);

-- Every change. `digest` covers salt and body; `hash` covers the row's line and the hash before it. So a
-- body can be erased by law and the chain still verifies.
create table ledger_rows (
    ledger_id uuid not null references ledgers (id),
    sequence int8 not null,
    at timestamptz not null,
    account_id uuid,
    stakeholder_id uuid,
    action text collate "C" not null,
    subject_kind text collate "C" not null,
    subject_id uuid not null,
    revision int4 not null,
    reason text collate "C",
    request_id text collate "C" not null,
    body text collate "C",
    salt text collate "C" not null,
    digest text collate "C" not null,
    hash text collate "C" not null,
    constraint ledger_rows_ledger_id_sequence_key primary key (ledger_id, sequence),
    constraint ledger_rows_subject_id_revision_key unique (subject_id, revision)
);
create index ledger_rows_at_idx on ledger_rows (ledger_id, at);

-- What was answered to a request with an Idempotency-Key, kept in the transaction of its effect.
create table stored_replies (
    account_id uuid not null,
    key text collate "C" not null,
    fingerprint text collate "C" not null,
    status int4 not null,
    headers text collate "C" not null,
    body text collate "C" not null,
    at timestamptz not null,
    constraint stored_replies_account_id_key_key primary key (account_id, key)
);
create index stored_replies_at_idx on stored_replies (at);

-- The service's own keys, sealed: every instance has them, and the file alone gives nothing away.
create table service_keys (
    id text collate "C" not null,
    used_for text collate "C" not null,
    sealed text collate "C" not null,
    made_at timestamptz not null,
    retired_at timestamptz,
    constraint service_keys_id_key primary key (id),
    constraint service_keys_used_for_check check (used_for in ('token', 'record', 'mac'))
);

insert into ledgers (id, sequence, hash, at) values ('00000000-0000-0000-0000-000000000000', 0, '', '1970-01-01T00:00:00.000000Z');
