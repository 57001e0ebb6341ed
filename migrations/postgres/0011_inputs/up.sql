-- Calls for input.
create table consultations (
    id uuid not null,
    ledger_id uuid not null references ledgers (id),
    constraint consultations_id_key primary key (id)
);
create table consultation_revisions (
    subject_id uuid not null references consultations (id),
    revision int4 not null,
    ledger_id uuid not null references ledgers (id),
    seq_from int8 not null,
    seq_to int8,
    state text collate "C" not null,
    number int4 not null,
    code text collate "C" not null,
    participation text collate "C" not null,
    opens_on date not null,
    closes_on date,
    event_id uuid references events (id),
    body text collate "C" not null,
    constraint consultation_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint consultation_revisions_revision_check check (revision >= 1),
    constraint consultation_revisions_seq_to_check check (seq_to > seq_from),
    constraint consultation_revisions_state_check check (state in ('active')),
    constraint consultation_revisions_participation_check check (participation in ('inform', 'consult', 'involve', 'collaborate', 'empower')),
    constraint consultation_revisions_closes_on_check check (closes_on >= opens_on)
);
create unique index consultation_revisions_open_key on consultation_revisions (subject_id) where seq_to is null;
create index consultation_revisions_updated_idx on consultation_revisions (ledger_id, seq_from);
create unique index consultation_revisions_ledger_id_number_key on consultation_revisions (ledger_id, number) where seq_to is null;
create index consultation_revisions_opens_on_idx on consultation_revisions (ledger_id, opens_on, subject_id) where seq_to is null;
