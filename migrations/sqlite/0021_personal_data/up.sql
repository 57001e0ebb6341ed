-- Since when a person wants their data shown to nobody else; which notice they were shown when they set their password.
alter table account_people add column restricted_at text;
alter table account_people add column notice_version text;
alter table account_people add column notice_at text;

-- Somebody who has an account is named by it, and has no name of their own here.
alter table attendance_people add column account_id text references accounts (id);
create index attendance_people_account_id_idx on attendance_people (account_id);

-- The account of a person who was erased: nothing of them is known any more but its id.
create table account_revisions_anew (
    subject_id text not null references accounts (id),
    revision integer not null,
    ledger_id text not null references ledgers (id),
    seq_from integer not null,
    seq_to integer,
    state text not null,
    admin integer not null,
    body text not null,
    expires_on text,
    constraint account_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint account_revisions_revision_check check (revision >= 1),
    constraint account_revisions_seq_to_check check (seq_to > seq_from),
    constraint account_revisions_state_check check (state in ('invited', 'active', 'locked', 'erased'))
) strict;
insert into account_revisions_anew select * from account_revisions;
drop table account_revisions;
alter table account_revisions_anew rename to account_revisions;
create unique index account_revisions_open_key on account_revisions (subject_id) where seq_to is null;
create index account_revisions_updated_idx on account_revisions (ledger_id, seq_from);

create table personal_data_requests (
    id text not null,
    ledger_id text not null references ledgers (id),
    constraint personal_data_requests_id_key primary key (id)
) strict;
create table personal_data_request_revisions (
    subject_id text not null references personal_data_requests (id),
    revision integer not null,
    ledger_id text not null references ledgers (id),
    seq_from integer not null,
    seq_to integer,
    state text not null,
    account_id text not null references accounts (id),
    kind text not null,
    due_at text not null,
    body text not null,
    constraint personal_data_request_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint personal_data_request_revisions_revision_check check (revision >= 1),
    constraint personal_data_request_revisions_seq_to_check check (seq_to > seq_from),
    constraint personal_data_request_revisions_state_check check (state in ('received', 'done', 'refused'))
) strict;
create unique index personal_data_request_revisions_open_key on personal_data_request_revisions (subject_id) where seq_to is null;
create index personal_data_request_revisions_updated_idx on personal_data_request_revisions (ledger_id, seq_from);
create index personal_data_request_revisions_due_at_idx on personal_data_request_revisions (due_at) where seq_to is null and state = 'received';
create index personal_data_request_revisions_account_id_idx on personal_data_request_revisions (account_id);

-- What was asked and answered in somebody's own words: here and nowhere else.
create table personal_data_request_notes (
    request_id text not null references personal_data_requests (id),
    note text,
    answer text,
    constraint personal_data_request_notes_request_id_key primary key (request_id)
) strict;

-- Whose personal data was shown to whom: a row for each person in an answer.
create table personal_data_reads (
    id text not null,
    at text not null,
    reader_id text not null,
    key_id text,
    operation text not null,
    request_id text not null,
    person_kind text not null,
    person_id text not null,
    constraint personal_data_reads_id_key primary key (id),
    constraint personal_data_reads_person_kind_check check (person_kind in ('account', 'invitation', 'attendance'))
) strict;
create index personal_data_reads_person_id_idx on personal_data_reads (person_id, id);
create index personal_data_reads_reader_id_idx on personal_data_reads (reader_id, id);
create index personal_data_reads_at_idx on personal_data_reads (at);
