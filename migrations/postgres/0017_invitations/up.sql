create table invitations (
    id uuid not null,
    ledger_id uuid not null references ledgers (id),
    constraint invitations_id_key primary key (id)
);
create table invitation_revisions (
    subject_id uuid not null references invitations (id),
    revision int4 not null,
    ledger_id uuid not null references ledgers (id),
    seq_from int8 not null,
    seq_to int8,
    state text collate "C" not null,
    program_id uuid references programs (id),
    body text collate "C" not null,
    constraint invitation_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint invitation_revisions_revision_check check (revision >= 1),
    constraint invitation_revisions_seq_to_check check (seq_to > seq_from),
    constraint invitation_revisions_state_check check (state in ('open', 'accepted', 'revoked', 'expired'))
);
create unique index invitation_revisions_open_key on invitation_revisions (subject_id) where seq_to is null;
create index invitation_revisions_updated_idx on invitation_revisions (ledger_id, seq_from);
create index invitation_revisions_made_idx on invitation_revisions (ledger_id, subject_id) where seq_to is null;

-- Whom they went to: here and nowhere else, until some time after they are over.
create table invitation_people (
    invitation_id uuid not null references invitations (id),
    email text collate "C" not null,
    email_folded text collate "C" not null,
    forget_at timestamptz,
    constraint invitation_people_invitation_id_key primary key (invitation_id)
);
create index invitation_people_email_folded_idx on invitation_people (email_folded);
