-- The credentials of machines, each of one organisation in one programme. A client acts as an account does: its id
-- stands among the accounts too, without revisions there, so that ledgers and stored replies name it alike.
create table clients (
    id text not null,
    ledger_id text not null references ledgers (id),
    constraint clients_id_key primary key (id)
) strict;
create table client_revisions (
    subject_id text not null references clients (id),
    revision integer not null,
    ledger_id text not null references ledgers (id),
    seq_from integer not null,
    seq_to integer,
    state text not null,
    stakeholder_id text not null references stakeholders (id),
    role text not null,
    expires_on text not null,
    body text not null,
    constraint client_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint client_revisions_revision_check check (revision >= 1),
    constraint client_revisions_seq_to_check check (seq_to > seq_from),
    constraint client_revisions_state_check check (state in ('active', 'revoked')),
    constraint client_revisions_role_check check (role in ('lead', 'secretariat', 'facilitator', 'agency', 'partner', 'observer'))
) strict;
create unique index client_revisions_open_key on client_revisions (subject_id) where seq_to is null;
create index client_revisions_updated_idx on client_revisions (ledger_id, seq_from);
create index client_revisions_made_idx on client_revisions (ledger_id, subject_id) where seq_to is null;
create index client_revisions_expires_on_idx on client_revisions (ledger_id, expires_on, subject_id) where seq_to is null;
create index client_revisions_expiring_idx on client_revisions (expires_on) where seq_to is null and state = 'active';

-- Their keys; only the hash of one is here.
create table client_keys (
    id text not null,
    client_id text not null references clients (id),
    ledger_id text not null references ledgers (id),
    hash text not null,
    made_at text not null,
    expires_on text,
    ended_at text,
    last_used_at text,
    constraint client_keys_id_key primary key (id),
    constraint client_keys_hash_key unique (hash)
) strict;
create index client_keys_client_id_idx on client_keys (client_id);

-- Access tokens that were taken back before their time.
create table revoked_tokens (
    id text not null,
    expires_at text not null,
    constraint revoked_tokens_id_key primary key (id)
) strict;
create index revoked_tokens_expires_at_idx on revoked_tokens (expires_at);
