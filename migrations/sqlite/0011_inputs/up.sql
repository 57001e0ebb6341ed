-- Calls for input.
create table consultations (
    id text not null,
    ledger_id text not null references ledgers (id),
    constraint consultations_id_key primary key (id)
) strict;
create table consultation_revisions (
    subject_id text not null references consultations (id),
    revision integer not null,
    ledger_id text not null references ledgers (id),
    seq_from integer not null,
    seq_to integer,
    state text not null,
    number integer not null,
    code text not null,
    participation text not null,
    opens_on text not null,
    closes_on text,
    event_id text references events (id),
    body text not null,
    constraint consultation_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint consultation_revisions_revision_check check (revision >= 1),
    constraint consultation_revisions_seq_to_check check (seq_to > seq_from),
    constraint consultation_revisions_state_check check (state in ('active')),
    constraint consultation_revisions_participation_check check (participation in ('inform', 'consult', 'involve', 'collaborate', 'empower')),
    constraint consultation_revisions_closes_on_check check (closes_on >= opens_on)
) strict;
create unique index consultation_revisions_open_key on consultation_revisions (subject_id) where seq_to is null;
create index consultation_revisions_updated_idx on consultation_revisions (ledger_id, seq_from);
create unique index consultation_revisions_ledger_id_number_key on consultation_revisions (ledger_id, number) where seq_to is null;
create index consultation_revisions_opens_on_idx on consultation_revisions (ledger_id, opens_on, subject_id) where seq_to is null;
