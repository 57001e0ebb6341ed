-- Editions of frameworks, on the platform's ledger. Loaded with the migrations; an edition never changes.
create table frameworks (
    id text not null,
    ledger_id text not null references ledgers (id),
    constraint frameworks_id_key primary key (id)
) strict;
create table framework_revisions (
    subject_id text not null references frameworks (id),
    revision integer not null,
    ledger_id text not null references ledgers (id),
    seq_from integer not null,
    seq_to integer,
    state text not null,
    code text not null,
    sort integer not null,
    body text not null,
    constraint framework_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint framework_revisions_revision_check check (revision >= 1),
    constraint framework_revisions_seq_to_check check (seq_to > seq_from),
    constraint framework_revisions_state_check check (state in ('current'))
) strict;
create unique index framework_revisions_open_key on framework_revisions (subject_id) where seq_to is null;
create index framework_revisions_updated_idx on framework_revisions (ledger_id, seq_from);
create unique index framework_revisions_code_key on framework_revisions (code) where seq_to is null;

create table framework_nodes (
    id text not null,
    framework_id text not null references frameworks (id),
    code text not null,
    level text not null,
    parent_id text references framework_nodes (id),
    sort integer not null,
    body text not null,
    constraint framework_nodes_id_key primary key (id),
    constraint framework_nodes_framework_id_code_key unique (framework_id, code)
) strict;
create index framework_nodes_framework_id_sort_idx on framework_nodes (framework_id, sort, id);

create table framework_qualities (
    id text not null,
    framework_id text not null references frameworks (id),
    code text not null,
    sort integer not null,
    body text not null,
    constraint framework_qualities_id_key primary key (id),
    constraint framework_qualities_framework_id_code_key unique (framework_id, code)
) strict;

create table criteria (
    id text not null,
    ledger_id text not null references ledgers (id),
    constraint criteria_id_key primary key (id)
) strict;
create table criterion_revisions (
    subject_id text not null references criteria (id),
    revision integer not null,
    ledger_id text not null references ledgers (id),
    seq_from integer not null,
    seq_to integer,
    state text not null,
    number integer not null,
    code text not null,
    stakeholder_id text references stakeholders (id),
    event_id text references events (id),
    body text not null,
    constraint criterion_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint criterion_revisions_revision_check check (revision >= 1),
    constraint criterion_revisions_seq_to_check check (seq_to > seq_from),
    constraint criterion_revisions_state_check check (state in ('proposed', 'validated', 'rejected', 'withdrawn'))
) strict;
create unique index criterion_revisions_open_key on criterion_revisions (subject_id) where seq_to is null;
create index criterion_revisions_updated_idx on criterion_revisions (ledger_id, seq_from);
create unique index criterion_revisions_ledger_id_number_key on criterion_revisions (ledger_id, number) where seq_to is null;
create index criterion_revisions_event_id_idx on criterion_revisions (event_id) where seq_to is null;

-- The anchor alone: its revisions come with the next migration; mappings refer to it.
create table statements (
    id text not null,
    ledger_id text not null references ledgers (id),
    constraint statements_id_key primary key (id)
) strict;

create table mappings (
    id text not null,
    ledger_id text not null references ledgers (id),
    constraint mappings_id_key primary key (id)
) strict;
create table mapping_revisions (
    subject_id text not null references mappings (id),
    revision integer not null,
    ledger_id text not null references ledgers (id),
    seq_from integer not null,
    seq_to integer,
    state text not null,
    subject_kind text not null,
    focus_area_id text references focus_areas (id),
    question_id text references questions (id),
    criterion_id text references criteria (id),
    statement_id text references statements (id),
    framework_id text not null references frameworks (id),
    node_id text not null references framework_nodes (id),
    strength text not null,
    stakeholder_id text references stakeholders (id),
    event_id text references events (id),
    body text not null,
    constraint mapping_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint mapping_revisions_revision_check check (revision >= 1),
    constraint mapping_revisions_seq_to_check check (seq_to > seq_from),
    constraint mapping_revisions_state_check check (state in ('proposed', 'validated', 'rejected', 'withdrawn')),
    constraint mapping_revisions_subject_kind_check check (subject_kind in ('focus_area', 'question', 'criterion', 'statement')),
    constraint mapping_revisions_strength_check check (strength in ('primary', 'secondary'))
) strict;
create unique index mapping_revisions_open_key on mapping_revisions (subject_id) where seq_to is null;
create index mapping_revisions_updated_idx on mapping_revisions (ledger_id, seq_from);
create index mapping_revisions_focus_area_id_idx on mapping_revisions (focus_area_id, state) where seq_to is null;
create index mapping_revisions_question_id_idx on mapping_revisions (question_id, state) where seq_to is null;
create index mapping_revisions_criterion_id_idx on mapping_revisions (criterion_id, state) where seq_to is null;
create index mapping_revisions_statement_id_idx on mapping_revisions (statement_id, state) where seq_to is null;
create index mapping_revisions_node_id_idx on mapping_revisions (node_id, state) where seq_to is null;
create index mapping_revisions_event_id_idx on mapping_revisions (event_id, state) where seq_to is null;
create index mapping_revisions_framework_id_idx on mapping_revisions (ledger_id, framework_id, state) where seq_to is null;
