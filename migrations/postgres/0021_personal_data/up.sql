-- Since when a person wants their data shown to nobody else; which notice they were shown when they set their password.
alter table account_people add column restricted_at timestamptz;
alter table account_people add column notice_version text collate "C";
alter table account_people add column notice_at timestamptz;

-- Somebody who has an account is named by it, and has no name of their own here.
alter table attendance_people add column account_id uuid references accounts (id);
create index attendance_people_account_id_idx on attendance_people (account_id);

-- The account of a person who was erased: nothing of them is known any more but its id.
alter table account_revisions drop constraint account_revisions_state_check;
alter table account_revisions add constraint account_revisions_state_check check (state in ('invited', 'active', 'locked', 'erased'));

create table personal_data_requests (
    id uuid not null,
    ledger_id uuid not null references ledgers (id),
    constraint personal_data_requests_id_key primary key (id)
);
create table personal_data_request_revisions (
    subject_id uuid not null references personal_data_requests (id),
    revision int4 not null,
    ledger_id uuid not null references ledgers (id),
    seq_from int8 not null,
    seq_to int8,
    state text collate "C" not null,
    account_id uuid not null references accounts (id),
    kind text collate "C" not null,
    due_at timestamptz not null,
    body text collate "C" not null,
    constraint personal_data_request_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint personal_data_request_revisions_revision_check check (revision >= 1),
    constraint personal_data_request_revisions_seq_to_check check (seq_to > seq_from),
    constraint personal_data_request_revisions_state_check check (state in ('received', 'done', 'refused'))
);
create unique index personal_data_request_revisions_open_key on personal_data_request_revisions (subject_id) where seq_to is null;
create index personal_data_request_revisions_updated_idx on personal_data_request_revisions (ledger_id, seq_from);
create index personal_data_request_revisions_due_at_idx on personal_data_request_revisions (due_at) where seq_to is null and state = 'received';
create index personal_data_request_revisions_account_id_idx on personal_data_request_revisions (account_id);

-- What was asked and answered in somebody's own words: here and nowhere else.
create table personal_data_request_notes (
    request_id uuid not null references personal_data_requests (id),
    note text collate "C",
    answer text collate "C",
    constraint personal_data_request_notes_request_id_key primary key (request_id)
);

-- Whose personal data was shown to whom: a row for each person in an answer.
create table personal_data_reads (
    id uuid not null,
    at timestamptz not null,
    reader_id uuid not null,
    key_id uuid,
    operation text collate "C" not null,
    request_id text collate "C" not null,
    person_kind text collate "C" not null,
    person_id uuid not null,
    constraint personal_data_reads_id_key primary key (id),
    constraint personal_data_reads_person_kind_check check (person_kind in ('account', 'invitation', 'attendance'))
);
create index personal_data_reads_person_id_idx on personal_data_reads (person_id, id);
create index personal_data_reads_reader_id_idx on personal_data_reads (reader_id, id);
create index personal_data_reads_at_idx on personal_data_reads (at);
