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

-- What organisations send for themselves. Where no decision is owed, due_on is the last day that there is: so lists
-- sort by it.
create table inputs (
    id text not null,
    ledger_id text not null references ledgers (id),
    constraint inputs_id_key primary key (id)
) strict;
create table input_revisions (
    subject_id text not null references inputs (id),
    revision integer not null,
    ledger_id text not null references ledgers (id),
    seq_from integer not null,
    seq_to integer,
    state text not null,
    number integer not null,
    code text not null,
    stakeholder_id text not null references stakeholders (id),
    consultation_id text references consultations (id),
    kind text not null,
    external_ref text,
    content_revision integer not null,
    due_on text not null,
    body text not null,
    constraint input_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint input_revisions_revision_check check (revision >= 1),
    constraint input_revisions_seq_to_check check (seq_to > seq_from),
    constraint input_revisions_state_check check (state in ('received', 'acknowledged', 'in_review', 'more_information_needed', 'decided', 'answered', 'withdrawn', 'quarantined')),
    constraint input_revisions_kind_check check (kind in ('comment', 'evidence', 'proposal', 'objection'))
) strict;
create unique index input_revisions_open_key on input_revisions (subject_id) where seq_to is null;
create index input_revisions_updated_idx on input_revisions (ledger_id, seq_from);
create unique index input_revisions_ledger_id_number_key on input_revisions (ledger_id, number) where seq_to is null;
create unique index input_revisions_external_ref_key on input_revisions (ledger_id, stakeholder_id, external_ref) where seq_to is null and external_ref is not null;
create index input_revisions_made_idx on input_revisions (ledger_id, subject_id) where seq_to is null;
create index input_revisions_due_on_idx on input_revisions (ledger_id, due_on, subject_id) where seq_to is null;
create index input_revisions_stakeholder_id_idx on input_revisions (ledger_id, stakeholder_id, subject_id) where seq_to is null;

-- What an input is about, by the revision that says so: an index that lists use.
create table input_subjects (
    input_id text not null references inputs (id),
    input_revision integer not null,
    number integer not null,
    ledger_id text not null references ledgers (id),
    subject_id text not null,
    constraint input_subjects_input_id_input_revision_number_key primary key (input_id, input_revision, number)
) strict;
create index input_subjects_subject_id_idx on input_subjects (subject_id, input_id, input_revision);

-- The exact revisions that came of an input.
create table input_effects (
    input_id text not null references inputs (id),
    number integer not null,
    ledger_id text not null references ledgers (id),
    kind text not null,
    question_id text,
    question_revision integer,
    mapping_id text,
    mapping_revision integer,
    statement_id text,
    statement_revision integer,
    criterion_id text,
    criterion_revision integer,
    constraint input_effects_input_id_number_key primary key (input_id, number),
    constraint input_effects_kind_check check (kind in ('question', 'mapping', 'statement', 'criterion')),
    foreign key (question_id, question_revision) references question_revisions (subject_id, revision),
    foreign key (mapping_id, mapping_revision) references mapping_revisions (subject_id, revision),
    foreign key (statement_id, statement_revision) references statement_revisions (subject_id, revision),
    foreign key (criterion_id, criterion_revision) references criterion_revisions (subject_id, revision)
) strict;
create index input_effects_question_id_idx on input_effects (question_id, question_revision) where question_id is not null;

-- The signed receipt of each input: written once, with it, and never changed.
create table receipts (
    input_id text not null references inputs (id),
    ledger_id text not null references ledgers (id),
    jws text not null,
    constraint receipts_input_id_key primary key (input_id)
) strict;
