create table stakeholders (
    id text not null,
    ledger_id text not null references ledgers (id),
    constraint stakeholders_id_key primary key (id)
) strict;
create table stakeholder_revisions (
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
    constraint stakeholder_revisions_state_check check (state in ('provisional', 'confirmed'))
) strict;
create unique index stakeholder_revisions_open_key on stakeholder_revisions (subject_id) where seq_to is null;
create index stakeholder_revisions_updated_idx on stakeholder_revisions (ledger_id, seq_from);
create index stakeholder_revisions_name_idx on stakeholder_revisions (ledger_id, name, subject_id) where seq_to is null;

create table programs (
    id text not null,
    ledger_id text not null references ledgers (id),
    slug text not null,
    constraint programs_id_key primary key (id),
    constraint programs_slug_key unique (slug)
) strict;
create table program_revisions (
    subject_id text not null references programs (id),
    revision integer not null,
    ledger_id text not null references ledgers (id),
    seq_from integer not null,
    seq_to integer,
    state text not null,
    slug text not null,
    time_zone text not null,
    source_language text not null,
    body text not null,
    constraint program_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint program_revisions_revision_check check (revision >= 1),
    constraint program_revisions_seq_to_check check (seq_to > seq_from),
    constraint program_revisions_state_check check (state in ('active', 'archived'))
) strict;
create unique index program_revisions_open_key on program_revisions (subject_id) where seq_to is null;
create index program_revisions_updated_idx on program_revisions (ledger_id, seq_from);
create index program_revisions_slug_idx on program_revisions (slug, subject_id) where seq_to is null;

create table documents (
    id text not null,
    ledger_id text not null references ledgers (id),
    constraint documents_id_key primary key (id)
) strict;
create table document_revisions (
    subject_id text not null references documents (id),
    revision integer not null,
    ledger_id text not null references ledgers (id),
    seq_from integer not null,
    seq_to integer,
    state text not null,
    kind text not null,
    issued_on text,
    body text not null,
    constraint document_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint document_revisions_revision_check check (revision >= 1),
    constraint document_revisions_seq_to_check check (seq_to > seq_from),
    constraint document_revisions_state_check check (state in ('public', 'members', 'secretariat'))
) strict;
create unique index document_revisions_open_key on document_revisions (subject_id) where seq_to is null;
create index document_revisions_updated_idx on document_revisions (ledger_id, seq_from);

create table memberships (
    id text not null,
    ledger_id text not null references ledgers (id),
    constraint memberships_id_key primary key (id)
) strict;
create table membership_revisions (
    subject_id text not null references memberships (id),
    revision integer not null,
    ledger_id text not null references ledgers (id),
    seq_from integer not null,
    seq_to integer,
    state text not null,
    account_id text not null references accounts (id),
    stakeholder_id text not null references stakeholders (id),
    role text not null,
    from_on text not null,
    until_on text,
    body text not null,
    constraint membership_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint membership_revisions_revision_check check (revision >= 1),
    constraint membership_revisions_seq_to_check check (seq_to > seq_from),
    constraint membership_revisions_state_check check (state in ('active', 'ended')),
    constraint membership_revisions_role_check check (role in ('lead', 'secretariat', 'facilitator', 'agency', 'partner', 'observer')),
    constraint membership_revisions_until_on_check check (until_on >= from_on)
) strict;
create unique index membership_revisions_open_key on membership_revisions (subject_id) where seq_to is null;
create index membership_revisions_updated_idx on membership_revisions (ledger_id, seq_from);
create index membership_revisions_account_id_idx on membership_revisions (account_id, ledger_id) where seq_to is null;

create table participants (
    id text not null,
    ledger_id text not null references ledgers (id),
    constraint participants_id_key primary key (id)
) strict;
create table participant_revisions (
    subject_id text not null references participants (id),
    revision integer not null,
    ledger_id text not null references ledgers (id),
    seq_from integer not null,
    seq_to integer,
    state text not null,
    stakeholder_id text not null references stakeholders (id),
    capacity text not null,
    body text not null,
    constraint participant_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint participant_revisions_revision_check check (revision >= 1),
    constraint participant_revisions_seq_to_check check (seq_to > seq_from),
    constraint participant_revisions_state_check check (state in ('active', 'removed'))
) strict;
create unique index participant_revisions_open_key on participant_revisions (subject_id) where seq_to is null;
create index participant_revisions_updated_idx on participant_revisions (ledger_id, seq_from);
create unique index participant_revisions_ledger_id_stakeholder_id_key on participant_revisions (ledger_id, stakeholder_id) where seq_to is null;

create table phases (
    id text not null,
    ledger_id text not null references ledgers (id),
    constraint phases_id_key primary key (id)
) strict;
create table phase_revisions (
    subject_id text not null references phases (id),
    revision integer not null,
    ledger_id text not null references ledgers (id),
    seq_from integer not null,
    seq_to integer,
    state text not null,
    number integer not null,
    body text not null,
    constraint phase_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint phase_revisions_revision_check check (revision >= 1),
    constraint phase_revisions_seq_to_check check (seq_to > seq_from),
    constraint phase_revisions_state_check check (state in ('planned', 'active', 'completed'))
) strict;
create unique index phase_revisions_open_key on phase_revisions (subject_id) where seq_to is null;
create index phase_revisions_updated_idx on phase_revisions (ledger_id, seq_from);
create unique index phase_revisions_ledger_id_number_key on phase_revisions (ledger_id, number) where seq_to is null;
