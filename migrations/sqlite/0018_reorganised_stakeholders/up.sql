-- An organisation can be merged into another, or split into several: then nobody acts for it any more. SQLite changes a
-- check by making the table anew.
create table stakeholder_revisions_anew (
    subject_id text not null references stakeholders (id),
    revision integer not null,
    ledger_id text not null references ledgers (id),
    seq_from integer not null,
    seq_to integer,
    state text not null,
    kind text not null,
    name text not null,
    search text not null,
    body text not null,
    constraint stakeholder_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint stakeholder_revisions_revision_check check (revision >= 1),
    constraint stakeholder_revisions_seq_to_check check (seq_to > seq_from),
    constraint stakeholder_revisions_state_check check (state in ('provisional', 'confirmed', 'merged', 'split'))
) strict;
insert into stakeholder_revisions_anew select * from stakeholder_revisions;
drop table stakeholder_revisions;
alter table stakeholder_revisions_anew rename to stakeholder_revisions;
create unique index stakeholder_revisions_open_key on stakeholder_revisions (subject_id) where seq_to is null;
create index stakeholder_revisions_updated_idx on stakeholder_revisions (ledger_id, seq_from);
create index stakeholder_revisions_name_idx on stakeholder_revisions (ledger_id, name, subject_id) where seq_to is null;
