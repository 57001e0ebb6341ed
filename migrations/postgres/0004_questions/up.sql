create table shocks_and_stresses (
    id uuid not null,
    ledger_id uuid not null references ledgers (id),
    constraint shocks_and_stresses_id_key primary key (id)
);
create table shock_or_stress_revisions (
    subject_id uuid not null references shocks_and_stresses (id),
    revision int4 not null,
    ledger_id uuid not null references ledgers (id),
    seq_from int8 not null,
    seq_to int8,
    state text collate "C" not null,
    kind text collate "C" not null,
    code text collate "C" not null,
    number int4 not null,
    body text collate "C" not null,
    constraint shock_or_stress_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint shock_or_stress_revisions_revision_check check (revision >= 1),
    constraint shock_or_stress_revisions_seq_to_check check (seq_to > seq_from),
    constraint shock_or_stress_revisions_state_check check (state in ('current', 'withdrawn')),
    constraint shock_or_stress_revisions_kind_check check (kind in ('shock', 'stress'))
);
create unique index shock_or_stress_revisions_open_key on shock_or_stress_revisions (subject_id) where seq_to is null;
create index shock_or_stress_revisions_updated_idx on shock_or_stress_revisions (ledger_id, seq_from);
create unique index shock_or_stress_revisions_ledger_id_code_key on shock_or_stress_revisions (ledger_id, code) where seq_to is null;

create table focus_areas (
    id uuid not null,
    ledger_id uuid not null references ledgers (id),
    constraint focus_areas_id_key primary key (id)
);
create table focus_area_revisions (
    subject_id uuid not null references focus_areas (id),
    revision int4 not null,
    ledger_id uuid not null references ledgers (id),
    seq_from int8 not null,
    seq_to int8,
    state text collate "C" not null,
    number int4 not null,
    code text collate "C" not null,
    lead_stakeholder_id uuid references stakeholders (id),
    body text collate "C" not null,
    constraint focus_area_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint focus_area_revisions_revision_check check (revision >= 1),
    constraint focus_area_revisions_seq_to_check check (seq_to > seq_from),
    constraint focus_area_revisions_state_check check (state in ('active', 'retired'))
);
create unique index focus_area_revisions_open_key on focus_area_revisions (subject_id) where seq_to is null;
create index focus_area_revisions_updated_idx on focus_area_revisions (ledger_id, seq_from);
create unique index focus_area_revisions_ledger_id_number_key on focus_area_revisions (ledger_id, number) where seq_to is null;

create table questions (
    id uuid not null,
    ledger_id uuid not null references ledgers (id),
    constraint questions_id_key primary key (id)
);
create table question_revisions (
    subject_id uuid not null references questions (id),
    revision int4 not null,
    ledger_id uuid not null references ledgers (id),
    seq_from int8 not null,
    seq_to int8,
    state text collate "C" not null,
    focus_area_id uuid not null references focus_areas (id),
    code text collate "C" not null,
    position int8 not null,
    body text collate "C" not null,
    constraint question_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint question_revisions_revision_check check (revision >= 1),
    constraint question_revisions_seq_to_check check (seq_to > seq_from),
    constraint question_revisions_state_check check (state in ('draft', 'proposed', 'in_review', 'validated', 'not_fitting', 'merged', 'split', 'retired'))
);
create unique index question_revisions_open_key on question_revisions (subject_id) where seq_to is null;
create index question_revisions_updated_idx on question_revisions (ledger_id, seq_from);
create index question_revisions_position_idx on question_revisions (ledger_id, position, subject_id) where seq_to is null;
create index question_revisions_state_idx on question_revisions (ledger_id, state, position, subject_id) where seq_to is null;
create index question_revisions_focus_area_id_idx on question_revisions (focus_area_id, position, subject_id) where seq_to is null;

-- Every code that a question ever had: a moved question is still found by its old one, and no other gets it.
create table question_codes (
    ledger_id uuid not null references ledgers (id),
    code text collate "C" not null,
    question_id uuid not null references questions (id),
    focus_area_id uuid not null references focus_areas (id),
    ordinal int4 not null,
    constraint question_codes_ledger_id_code_key primary key (ledger_id, code)
);
create index question_codes_focus_area_id_idx on question_codes (focus_area_id, ordinal);
