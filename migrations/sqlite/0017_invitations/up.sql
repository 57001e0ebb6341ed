create table invitations (
    id text not null,
    ledger_id text not null references ledgers (id),
    constraint invitations_id_key primary key (id)
) strict;
create table invitation_revisions (
    subject_id text not null references invitations (id),
    revision integer not null,
    ledger_id text not null references ledgers (id),
    seq_from integer not null,
    seq_to integer,
    state text not null,
    program_id text references programs (id),
    body text not null,
    constraint invitation_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint invitation_revisions_revision_check check (revision >= 1),
    constraint invitation_revisions_seq_to_check check (seq_to > seq_from),
    constraint invitation_revisions_state_check check (state in ('open', 'accepted', 'revoked', 'expired'))
) strict;
create unique index invitation_revisions_open_key on invitation_revisions (subject_id) where seq_to is null;
create index invitation_revisions_updated_idx on invitation_revisions (ledger_id, seq_from);
create index invitation_revisions_made_idx on invitation_revisions (ledger_id, subject_id) where seq_to is null;

-- Whom they went to: here and nowhere else, until some time after they are over.
create table invitation_people (
    invitation_id text not null references invitations (id),
    email text not null,
    email_folded text not null,
    forget_at text,
    constraint invitation_people_invitation_id_key primary key (invitation_id)
) strict;
create index invitation_people_email_folded_idx on invitation_people (email_folded);
