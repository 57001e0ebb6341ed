-- Files of inputs: what came, how far it was taken, and which worker takes it at the moment.
create table input_imports (
    id uuid not null,
    ledger_id uuid not null references ledgers (id),
    account_id uuid not null references accounts (id),
    key_id uuid references client_keys (id),
    stakeholder_id uuid not null references stakeholders (id),
    request_id text collate "C" not null,
    format text collate "C" not null,
    header text collate "C",
    dry_run boolean not null,
    state text collate "C" not null,
    failure text collate "C",
    digest text collate "C",
    rows_count int4 not null,
    received_count int4 not null,
    repeated_count int4 not null,
    refused_count int4 not null,
    chunks_count int4 not null,
    next_chunk int4 not null,
    attempts int4 not null,
    created_at timestamptz not null,
    touched_at timestamptz not null,
    uploaded_at timestamptz,
    finished_at timestamptz,
    leased_by uuid,
    leased_until timestamptz,
    constraint input_imports_id_key primary key (id),
    constraint input_imports_format_check check (format in ('csv', 'ndjson')),
    constraint input_imports_state_check check (state in ('uploading', 'waiting', 'processing', 'done', 'cut_off', 'failed'))
);
create index input_imports_made_idx on input_imports (ledger_id, id);
create index input_imports_open_idx on input_imports (touched_at) where finished_at is null;

-- The rows of a file. What a row said is kept until it was taken, and what came of it from then on.
create table input_import_rows (
    import_id uuid not null references input_imports (id),
    number int4 not null,
    line int4 not null,
    chunk int4 not null,
    state text collate "C" not null,
    raw text collate "C",
    external_ref text collate "C",
    input_id uuid references inputs (id),
    code text collate "C",
    problem text collate "C",
    constraint input_import_rows_import_id_number_key primary key (import_id, number),
    constraint input_import_rows_state_check check (state in ('waiting', 'received', 'repeated', 'refused', 'skipped'))
);
create index input_import_rows_chunk_idx on input_import_rows (import_id, chunk);
create index input_import_rows_external_ref_idx on input_import_rows (import_id, external_ref) where external_ref is not null;
