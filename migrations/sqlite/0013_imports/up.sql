-- Files of inputs: what came, how far it was taken, and which worker takes it at the moment.
create table input_imports (
    id text not null,
    ledger_id text not null references ledgers (id),
    account_id text not null references accounts (id),
    key_id text references client_keys (id),
    stakeholder_id text not null references stakeholders (id),
    request_id text not null,
    format text not null,
    header text,
    dry_run integer not null,
    state text not null,
    failure text,
    digest text,
    rows_count integer not null,
    received_count integer not null,
    repeated_count integer not null,
    refused_count integer not null,
    chunks_count integer not null,
    next_chunk integer not null,
    attempts integer not null,
    created_at text not null,
    touched_at text not null,
    uploaded_at text,
    finished_at text,
    leased_by text,
    leased_until text,
    constraint input_imports_id_key primary key (id),
    constraint input_imports_format_check check (format in ('csv', 'ndjson')),
    constraint input_imports_state_check check (state in ('uploading', 'waiting', 'processing', 'done', 'cut_off', 'failed'))
) strict;
create index input_imports_made_idx on input_imports (ledger_id, id);
create index input_imports_open_idx on input_imports (touched_at) where finished_at is null;

-- The rows of a file. What a row said is kept until it was taken, and what came of it from then on.
create table input_import_rows (
    import_id text not null references input_imports (id),
    number integer not null,
    line integer not null,
    chunk integer not null,
    state text not null,
    raw text,
    external_ref text,
    input_id text references inputs (id),
    code text,
    problem text,
    constraint input_import_rows_import_id_number_key primary key (import_id, number),
    constraint input_import_rows_state_check check (state in ('waiting', 'received', 'repeated', 'refused', 'skipped'))
) strict;
create index input_import_rows_chunk_idx on input_import_rows (import_id, chunk);
create index input_import_rows_external_ref_idx on input_import_rows (import_id, external_ref) where external_ref is not null;
