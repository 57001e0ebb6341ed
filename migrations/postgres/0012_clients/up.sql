-- The credentials of machines, each of one organisation in one programme. A client acts as an account does: its id
-- stands among the accounts too, without revisions there, so that ledgers and stored replies name it alike.
create table clients (
    id uuid not null,
    ledger_id uuid not null references ledgers (id),
    constraint clients_id_key primary key (id)
);
create table client_revisions (
    subject_id uuid not null references clients (id),
    revision int4 not null,
    ledger_id uuid not null references ledgers (id),
    seq_from int8 not null,
    seq_to int8,
    state text collate "C" not null,
    stakeholder_id uuid not null references stakeholders (id),
    role text collate "C" not null,
    expires_on date not null,
    body text collate "C" not null,
    constraint client_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint client_revisions_revision_check check (revision >= 1),
    constraint client_revisions_seq_to_check check (seq_to > seq_from),
    constraint client_revisions_state_check check (state in ('active', 'revoked')),
    constraint client_revisions_role_check check (role in ('lead', 'secretariat', 'facilitator', 'agency', 'partner', 'observer'))
);
create unique index client_revisions_open_key on client_revisions (subject_id) where seq_to is null;
create index client_revisions_updated_idx on client_revisions (ledger_id, seq_from);
create index client_revisions_made_idx on client_revisions (ledger_id, subject_id) where seq_to is null;
create index client_revisions_expires_on_idx on client_revisions (ledger_id, expires_on, subject_id) where seq_to is null;
create index client_revisions_expiring_idx on client_revisions (expires_on) where seq_to is null and state = 'active';

-- Their keys; only the hash of one is here.
create table client_keys (
    id uuid not null,
    client_id uuid not null references clients (id),
    ledger_id uuid not null references ledgers (id),
    hash text collate "C" not null,
    made_at timestamptz not null,
    expires_on date,
    ended_at timestamptz,
    last_used_at timestamptz,
    constraint client_keys_id_key primary key (id),
    constraint client_keys_hash_key unique (hash)
);
create index client_keys_client_id_idx on client_keys (client_id);

-- Access tokens that were taken back before their time.
create table revoked_tokens (
    id text collate "C" not null,
    expires_at timestamptz not null,
    constraint revoked_tokens_id_key primary key (id)
);
create index revoked_tokens_expires_at_idx on revoked_tokens (expires_at);
