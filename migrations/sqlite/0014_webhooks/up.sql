-- Where to send which events.
create table webhooks (
    id text not null,
    ledger_id text not null references ledgers (id),
    constraint webhooks_id_key primary key (id)
) strict;
create table webhook_revisions (
    subject_id text not null references webhooks (id),
    revision integer not null,
    ledger_id text not null references ledgers (id),
    seq_from integer not null,
    seq_to integer,
    state text not null,
    stakeholder_id text not null references stakeholders (id),
    role text not null,
    body text not null,
    constraint webhook_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint webhook_revisions_revision_check check (revision >= 1),
    constraint webhook_revisions_seq_to_check check (seq_to > seq_from),
    constraint webhook_revisions_state_check check (state in ('active', 'disabled', 'deleted'))
) strict;
create unique index webhook_revisions_open_key on webhook_revisions (subject_id) where seq_to is null;
create index webhook_revisions_updated_idx on webhook_revisions (ledger_id, seq_from);
create index webhook_revisions_made_idx on webhook_revisions (ledger_id, subject_id) where seq_to is null;

-- What messages are signed with, sealed: no revision, ledger row or stored reply holds a secret.
create table webhook_secrets (
    id text not null,
    webhook_id text not null references webhooks (id),
    sealed text not null,
    made_at text not null,
    ends_at text,
    constraint webhook_secrets_id_key primary key (id)
) strict;
create index webhook_secrets_webhook_id_idx on webhook_secrets (webhook_id);

-- How far the messages of each have come, and who sends them now.
create table webhook_cursors (
    webhook_id text not null references webhooks (id),
    ledger_id text not null references ledgers (id),
    active integer not null,
    passed integer not null,
    replay_passed integer,
    replay_to integer,
    lease_owner text,
    lease_until text not null,
    failing_sequence integer,
    failing_since text,
    failures integer not null,
    tried_at text,
    next_attempt_at text,
    last_success_at text,
    attempts integer not null,
    constraint webhook_cursors_webhook_id_key primary key (webhook_id)
) strict;
create index webhook_cursors_active_idx on webhook_cursors (ledger_id) where active;

-- What was sent and what came back, for thirty days.
create table webhook_attempts (
    id text not null,
    webhook_id text not null references webhooks (id),
    number integer not null,
    sequence integer,
    message_id text not null,
    kind text not null,
    at text not null,
    duration_ms integer not null,
    state text not null,
    status integer,
    error text,
    excerpt text,
    constraint webhook_attempts_id_key primary key (id),
    constraint webhook_attempts_webhook_id_number_key unique (webhook_id, number),
    constraint webhook_attempts_state_check check (state in ('succeeded', 'failed'))
) strict;
create index webhook_attempts_at_idx on webhook_attempts (at);
