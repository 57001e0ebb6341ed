-- One ledger for each programme, and one, whose id is all zeros, for the platform. The head row is what
-- every write locks first, so that the writes of one ledger have one order.
create table ledgers (
    id text not null,
    sequence integer not null,
    hash text not null,
    at text not null,
    constraint ledgers_id_key primary key (id)
) strict;

-- Every change. `digest` covers salt and body; `hash` covers the row's line and the hash before it. So a
-- body can be erased by law and the chain still verifies.
create table ledger_rows (
    ledger_id text not null references ledgers (id),
    sequence integer not null,
    at text not null,
    account_id text,
    stakeholder_id text,
    action text not null,
    subject_kind text not null,
    subject_id text not null,
    revision integer not null,
    reason text,
    request_id text not null,
    body text,
    salt text not null,
    digest text not null,
    hash text not null,
    constraint ledger_rows_ledger_id_sequence_key primary key (ledger_id, sequence),
    constraint ledger_rows_subject_id_revision_key unique (subject_id, revision)
) strict;
create index ledger_rows_at_idx on ledger_rows (ledger_id, at);

-- What was answered to a request with an Idempotency-Key, kept in the transaction of its effect.
create table stored_replies (
    account_id text not null,
    key text not null,
    fingerprint text not null,
    status integer not null,
    headers text not null,
    body text not null,
    at text not null,
    constraint stored_replies_account_id_key_key primary key (account_id, key)
) strict;
create index stored_replies_at_idx on stored_replies (at);

-- The service's own keys, sealed: every instance has them, and the file alone gives nothing away.
create table service_keys (
    id text not null,
    used_for text not null,
    sealed text not null,
    made_at text not null,
    retired_at text,
    constraint service_keys_id_key primary key (id),
    constraint service_keys_used_for_check check (used_for in ('token', 'record', 'mac'))
) strict;

insert into ledgers (id, sequence, hash, at) values ('00000000-0000-0000-0000-000000000000', 0, '', '1970-01-01T00:00:00.000000Z');
