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

-- What organisations send for themselves. Where no decision is owed, due_on is the last day that there is: so lists
-- sort by it.
create table inputs (
    id uuid not null,
    ledger_id uuid not null references ledgers (id),
    constraint inputs_id_key primary key (id)
);
create table input_revisions (
    subject_id uuid not null references inputs (id),
    revision int4 not null,
    ledger_id uuid not null references ledgers (id),
    seq_from int8 not null,
    seq_to int8,
    state text collate "C" not null,
    number int4 not null,
    code text collate "C" not null,
    stakeholder_id uuid not null references stakeholders (id),
    consultation_id uuid references consultations (id),
    kind text collate "C" not null,
    external_ref text collate "C",
    content_revision int4 not null,
    due_on date not null,
    body text collate "C" not null,
    constraint input_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint input_revisions_revision_check check (revision >= 1),
    constraint input_revisions_seq_to_check check (seq_to > seq_from),
    constraint input_revisions_state_check check (state in ('received', 'acknowledged', 'in_review', 'more_information_needed', 'decided', 'answered', 'withdrawn', 'quarantined')),
    constraint input_revisions_kind_check check (kind in ('comment', 'evidence', 'proposal', 'objection'))
);
create unique index input_revisions_open_key on input_revisions (subject_id) where seq_to is null;
create index input_revisions_updated_idx on input_revisions (ledger_id, seq_from);
create unique index input_revisions_ledger_id_number_key on input_revisions (ledger_id, number) where seq_to is null;
create unique index input_revisions_external_ref_key on input_revisions (ledger_id, stakeholder_id, external_ref) where seq_to is null and external_ref is not null;
create index input_revisions_made_idx on input_revisions (ledger_id, subject_id) where seq_to is null;
create index input_revisions_due_on_idx on input_revisions (ledger_id, due_on, subject_id) where seq_to is null;
create index input_revisions_stakeholder_id_idx on input_revisions (ledger_id, stakeholder_id, subject_id) where seq_to is null;

-- What an input is about, by the revision that says so: an index that lists use.
create table input_subjects (
    input_id uuid not null references inputs (id),
    input_revision int4 not null,
    number int4 not null,
    ledger_id uuid not null references ledgers (id),
    subject_id uuid not null,
    constraint input_subjects_input_id_input_revision_number_key primary key (input_id, input_revision, number)
);
create index input_subjects_subject_id_idx on input_subjects (subject_id, input_id, input_revision);

-- The exact revisions that came of an input.
create table input_effects (
    input_id uuid not null references inputs (id),
    number int4 not null,
    ledger_id uuid not null references ledgers (id),
    kind text collate "C" not null,
    question_id uuid,
    question_revision int4,
    mapping_id uuid,
    mapping_revision int4,
    statement_id uuid,
    statement_revision int4,
    criterion_id uuid,
    criterion_revision int4,
    constraint input_effects_input_id_number_key primary key (input_id, number),
    constraint input_effects_kind_check check (kind in ('question', 'mapping', 'statement', 'criterion')),
    foreign key (question_id, question_revision) references question_revisions (subject_id, revision),
    foreign key (mapping_id, mapping_revision) references mapping_revisions (subject_id, revision),
    foreign key (statement_id, statement_revision) references statement_revisions (subject_id, revision),
    foreign key (criterion_id, criterion_revision) references criterion_revisions (subject_id, revision)
);
create index input_effects_question_id_idx on input_effects (question_id, question_revision) where question_id is not null;

-- The signed receipt of each input: written once, with it, and never changed.
create table receipts (
    input_id uuid not null references inputs (id),
    ledger_id uuid not null references ledgers (id),
    jws text collate "C" not null,
    constraint receipts_input_id_key primary key (input_id)
);
