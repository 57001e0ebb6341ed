create table statement_revisions (
    subject_id uuid not null references statements (id),
    revision int4 not null,
    ledger_id uuid not null references ledgers (id),
    seq_from int8 not null,
    seq_to int8,
    state text collate "C" not null,
    number int4 not null,
    code text collate "C" not null,
    edition int4 not null,
    supersedes_id uuid references statements (id),
    body text collate "C" not null,
    constraint statement_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint statement_revisions_revision_check check (revision >= 1),
    constraint statement_revisions_seq_to_check check (seq_to > seq_from),
    constraint statement_revisions_state_check check (state in ('draft', 'in_alignment', 'proposed', 'adopted', 'published', 'superseded'))
);
create unique index statement_revisions_open_key on statement_revisions (subject_id) where seq_to is null;
create index statement_revisions_updated_idx on statement_revisions (ledger_id, seq_from);
create unique index statement_revisions_ledger_id_code_edition_key on statement_revisions (ledger_id, code, edition) where seq_to is null;

-- What each section of a statement rests on: exact revisions. Written with each revision that changes the content.
create table statement_basis (
    statement_id uuid not null references statements (id),
    statement_revision int4 not null,
    number int4 not null,
    ledger_id uuid not null references ledgers (id),
    focus_area_id uuid references focus_areas (id),
    kind text collate "C" not null,
    question_id uuid,
    question_revision int4,
    mapping_id uuid,
    mapping_revision int4,
    criterion_id uuid,
    criterion_revision int4,
    ballot_id uuid,
    ballot_revision int4,
    constraint statement_basis_statement_id_statement_revision_number_key primary key (statement_id, statement_revision, number),
    constraint statement_basis_kind_check check (kind in ('question', 'mapping', 'criterion', 'ballot')),
    foreign key (statement_id, statement_revision) references statement_revisions (subject_id, revision),
    foreign key (question_id, question_revision) references question_revisions (subject_id, revision),
    foreign key (mapping_id, mapping_revision) references mapping_revisions (subject_id, revision),
    foreign key (criterion_id, criterion_revision) references criterion_revisions (subject_id, revision),
    foreign key (ballot_id, ballot_revision) references ballot_revisions (subject_id, revision)
);
create index statement_basis_question_id_idx on statement_basis (question_id, question_revision) where question_id is not null;
create index statement_basis_mapping_id_idx on statement_basis (mapping_id, mapping_revision) where mapping_id is not null;
create index statement_basis_criterion_id_idx on statement_basis (criterion_id, criterion_revision) where criterion_id is not null;
create index statement_basis_ballot_id_idx on statement_basis (ballot_id, ballot_revision) where ballot_id is not null;

create table positions (
    id uuid not null,
    ledger_id uuid not null references ledgers (id),
    constraint positions_id_key primary key (id)
);
create table position_revisions (
    subject_id uuid not null references positions (id),
    revision int4 not null,
    ledger_id uuid not null references ledgers (id),
    seq_from int8 not null,
    seq_to int8,
    state text collate "C" not null,
    statement_id uuid not null references statements (id),
    stakeholder_id uuid not null references stakeholders (id),
    on_revision int4 not null,
    kind text collate "C" not null,
    body text collate "C" not null,
    constraint position_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint position_revisions_revision_check check (revision >= 1),
    constraint position_revisions_seq_to_check check (seq_to > seq_from),
    constraint position_revisions_state_check check (state in ('standing', 'open', 'answered')),
    constraint position_revisions_kind_check check (kind in ('endorse', 'endorse_with_reservation', 'abstain', 'object')),
    foreign key (statement_id, on_revision) references statement_revisions (subject_id, revision)
);
create unique index position_revisions_open_key on position_revisions (subject_id) where seq_to is null;
create index position_revisions_updated_idx on position_revisions (ledger_id, seq_from);
create unique index position_revisions_statement_id_stakeholder_id_key on position_revisions (statement_id, stakeholder_id) where seq_to is null;

-- The exact text of each published edition, its digest and its signature: written once, never changed.
create table publications (
    statement_id uuid not null references statements (id),
    ledger_id uuid not null references ledgers (id),
    code text collate "C" not null,
    edition int4 not null,
    at timestamptz not null,
    body text collate "C" not null,
    digest text collate "C" not null,
    jws text collate "C" not null,
    constraint publications_statement_id_key primary key (statement_id),
    constraint publications_ledger_id_code_edition_key unique (ledger_id, code, edition)
);
