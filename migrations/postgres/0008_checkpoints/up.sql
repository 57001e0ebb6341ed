-- A signed word of where a ledger stood: what an outsider holds on to.
create table ledger_checkpoints (
    ledger_id uuid not null references ledgers (id),
    sequence int8 not null,
    hash text collate "C" not null,
    at timestamptz not null,
    jws text collate "C" not null,
    constraint ledger_checkpoints_ledger_id_sequence_key primary key (ledger_id, sequence)
);

-- The public half of a signing key, in the clear: what it signed can be verified without the sealing secret.
alter table service_keys add column public_half text collate "C";

-- What was done to some subjects between two rows: by the ledger's own key, each stretch of it would be read whole.
create index ledger_rows_subject_id_idx on ledger_rows (ledger_id, subject_id, sequence);
