-- Mail that waits until it is sent. Addresses stand here until then, and no longer; what a mail says is made at sending.
create table mails (
    id uuid not null,
    kind text collate "C" not null,
    state text collate "C" not null,
    account_id uuid references accounts (id),
    subject_id uuid,
    recipient text collate "C",
    language text collate "C" not null,
    made_at timestamptz not null,
    next_attempt_at timestamptz,
    attempts int4 not null,
    error text collate "C",
    status int4,
    ended_at timestamptz,
    leased_by uuid,
    leased_until timestamptz,
    constraint mails_id_key primary key (id),
    constraint mails_state_check check (state in ('waiting', 'sent', 'given_up'))
);
create index mails_next_attempt_at_idx on mails (next_attempt_at) where state = 'waiting';

-- Tokens that go out by mail; only their hash is here. Of an account, or of an invitation.
create table one_time_tokens (
    hash text collate "C" not null,
    purpose text collate "C" not null,
    subject_id uuid not null,
    email text collate "C",
    expires_at timestamptz not null,
    constraint one_time_tokens_hash_key primary key (hash),
    constraint one_time_tokens_purpose_check check (purpose in ('password_reset', 'email_change', 'invitation'))
);
create index one_time_tokens_subject_id_idx on one_time_tokens (subject_id);

-- From where and with what, for its owner to recognise it.
alter table sign_ins add column address text collate "C";
alter table sign_ins add column user_agent text collate "C";
-- The last day on which it can be signed in with.
alter table account_revisions add column expires_on date;
alter table account_people add column last_sign_in_at timestamptz;
