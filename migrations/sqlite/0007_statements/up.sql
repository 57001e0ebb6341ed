create table statement_revisions (
    subject_id text not null references statements (id),
    revision integer not null,
    ledger_id text not null references ledgers (id),
    seq_from integer not null,
    seq_to integer,
    state text not null,
    number integer not null,
    code text not null,
    edition integer not null,
    supersedes_id text references statements (id),
    body text not null,
    constraint statement_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint statement_revisions_revision_check check (revision >= 1),
    constraint statement_revisions_seq_to_check check (seq_to > seq_from),
    constraint statement_revisions_state_check check (state in ('draft', 'in_alignment', 'proposed', 'adopted', 'published', 'superseded'))
) strict;
create unique index statement_revisions_open_key on statement_revisions (subject_id) where seq_to is null;
create index statement_revisions_updated_idx on statement_revisions (ledger_id, seq_from);
create unique index statement_revisions_ledger_id_code_edition_key on statement_revisions (ledger_id, code, edition) where seq_to is null;

-- What each section of a statement rests on: exact revisions. Written with each revision that changes the content.
create table statement_basis (
    statement_id text not null references statements (id),
    statement_revision integer not null,
    number integer not null,
    ledger_id text not null references ledgers (id),
    focus_area_id text references focus_areas (id),
    kind text not null,
    question_id text,
    question_revision integer,
    mapping_id text,
    mapping_revision integer,
    criterion_id text,
    criterion_revision integer,
    ballot_id text,
    ballot_revision integer,
    constraint statement_basis_statement_id_statement_revision_number_key primary key (statement_id, statement_revision, number),
    constraint statement_basis_kind_check check (kind in ('question', 'mapping', 'criterion', 'ballot')),
    foreign key (statement_id, statement_revision) references statement_revisions (subject_id, revision),
    foreign key (question_id, question_revision) references question_revisions (subject_id, revision),
    foreign key (mapping_id, mapping_revision) references mapping_revisions (subject_id, revision),
    foreign key (criterion_id, criterion_revision) references criterion_revisions (subject_id, revision),
    foreign key (ballot_id, ballot_revision) references ballot_revisions (subject_id, revision)
) strict;
create index statement_basis_question_id_idx on statement_basis (question_id, question_revision) where question_id is not null;
create index statement_basis_mapping_id_idx on statement_basis (mapping_id, mapping_revision) where mapping_id is not null;
create index statement_basis_criterion_id_idx on statement_basis (criterion_id, criterion_revision) where criterion_id is not null;
create index statement_basis_ballot_id_idx on statement_basis (ballot_id, ballot_revision) where ballot_id is not null;

create table positions (
    id text not null,
    ledger_id text not null references ledgers (id),
    constraint positions_id_key primary key (id)
) strict;
create table position_revisions (
    subject_id text not null references positions (id),
    revision integer not null,
    ledger_id text not null references ledgers (id),
    seq_from integer not null,
    seq_to integer,
    state text not null,
    statement_id text not null references statements (id),
    stakeholder_id text not null references stakeholders (id),
    on_revision integer not null,
    kind text not null,
    body text not null,
    constraint position_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint position_revisions_revision_check check (revision >= 1),
    constraint position_revisions_seq_to_check check (seq_to > seq_from),
    constraint position_revisions_state_check check (state in ('standing', 'open', 'answered')),
    constraint position_revisions_kind_check check (kind in ('endorse', 'endorse_with_reservation', 'abstain', 'object')),
    foreign key (statement_id, on_revision) references statement_revisions (subject_id, revision)
) strict;
create unique index position_revisions_open_key on position_revisions (subject_id) where seq_to is null;
create index position_revisions_updated_idx on position_revisions (ledger_id, seq_from);
create unique index position_revisions_statement_id_stakeholder_id_key on position_revisions (statement_id, stakeholder_id) where seq_to is null;

-- The exact text of each published edition, its digest and its signature: written once, never changed.
create table publications (
    statement_id text not null references statements (id),
    ledger_id text not null references ledgers (id),
    code text not null,
    edition integer not null,
    at text not null,
    body text not null,
    digest text not null,
    jws text not null,
    constraint publications_statement_id_key primary key (statement_id),
    constraint publications_ledger_id_code_edition_key unique (ledger_id, code, edition)
) strict;
