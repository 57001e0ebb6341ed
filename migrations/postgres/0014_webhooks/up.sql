-- Where to send which events.
create table webhooks (
    id uuid not null,
    ledger_id uuid not null references ledgers (id),
    constraint webhooks_id_key primary key (id)
);
create table webhook_revisions (
    subject_id uuid not null references webhooks (id),
    revision int4 not null,
    ledger_id uuid not null references ledgers (id),
    seq_from int8 not null,
    seq_to int8,
    state text collate "C" not null,
    stakeholder_id uuid not null references stakeholders (id),
    role text collate "C" not null,
    body text collate "C" not null,
    constraint webhook_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint webhook_revisions_revision_check check (revision >= 1),
    constraint webhook_revisions_seq_to_check check (seq_to > seq_from),
    constraint webhook_revisions_state_check check (state in ('active', 'disabled', 'deleted'))
);
create unique index webhook_revisions_open_key on webhook_revisions (subject_id) where seq_to is null;
create index webhook_revisions_updated_idx on webhook_revisions (ledger_id, seq_from);
create index webhook_revisions_made_idx on webhook_revisions (ledger_id, subject_id) where seq_to is null;

-- What messages are signed with, sealed: no revision, ledger row or stored reply holds a secret.
create table webhook_secrets (
    id uuid not null,
    webhook_id uuid not null references webhooks (id),
    sealed text collate "C" not null,
    made_at timestamptz not null,
    ends_at timestamptz,
    constraint webhook_secrets_id_key primary key (id)
);
create index webhook_secrets_webhook_id_idx on webhook_secrets (webhook_id);

-- How far the messages of each have come, and who sends them now.
create table webhook_cursors (
    webhook_id uuid not null references webhooks (id),
    ledger_id uuid not null references ledgers (id),
    active bool not null,
    passed int8 not null,
    replay_passed int8,
    replay_to int8,
    lease_owner uuid,
    lease_until timestamptz not null,
    failing_sequence int8,
    failing_since timestamptz,
    failures int4 not null,
    tried_at timestamptz,
    next_attempt_at timestamptz,
    last_success_at timestamptz,
    attempts int8 not null,
    constraint webhook_cursors_webhook_id_key primary key (webhook_id)
);
create index webhook_cursors_active_idx on webhook_cursors (ledger_id) where active;

-- What was sent and what came back, for thirty days.
create table webhook_attempts (
    id uuid not null,
    webhook_id uuid not null references webhooks (id),
    number int8 not null,
    sequence int8,
    message_id text collate "C" not null,
    kind text collate "C" not null,
    at timestamptz not null,
    duration_ms int4 not null,
    state text collate "C" not null,
    status int4,
    error text collate "C",
    excerpt text collate "C",
    constraint webhook_attempts_id_key primary key (id),
    constraint webhook_attempts_webhook_id_number_key unique (webhook_id, number),
    constraint webhook_attempts_state_check check (state in ('succeeded', 'failed'))
);
create index webhook_attempts_at_idx on webhook_attempts (at);
