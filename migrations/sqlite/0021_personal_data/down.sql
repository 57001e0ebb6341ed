-- What was erased cannot be told in the old way, so this fails where something was.
drop table personal_data_reads;
drop table personal_data_request_notes;
drop table personal_data_request_revisions;
drop table personal_data_requests;
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
    constraint account_revisions_state_check check (state in ('invited', 'active', 'locked'))
) strict;
insert into account_revisions_anew select * from account_revisions;
drop table account_revisions;
alter table account_revisions_anew rename to account_revisions;
create unique index account_revisions_open_key on account_revisions (subject_id) where seq_to is null;
create index account_revisions_updated_idx on account_revisions (ledger_id, seq_from);
drop index attendance_people_account_id_idx;
alter table attendance_people drop column account_id;
alter table account_people drop column notice_at;
alter table account_people drop column notice_version;
alter table account_people drop column restricted_at;
