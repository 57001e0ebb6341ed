-- Mail that waits until it is sent. Addresses stand here until then, and no longer; what a mail says is made at sending.
create table mails (
    id text not null,
    kind text not null,
    state text not null,
    account_id text references accounts (id),
    subject_id text,
    recipient text,
    language text not null,
    made_at text not null,
    next_attempt_at text,
    attempts integer not null,
    error text,
    status integer,
    ended_at text,
    leased_by text,
    leased_until text,
    constraint mails_id_key primary key (id),
    constraint mails_state_check check (state in ('waiting', 'sent', 'given_up'))
) strict;
create index mails_next_attempt_at_idx on mails (next_attempt_at) where state = 'waiting';

-- Tokens that go out by mail; only their hash is here. Of an account, or of an invitation.
create table one_time_tokens (
    hash text not null,
    purpose text not null,
    subject_id text not null,
    email text,
    expires_at text not null,
    constraint one_time_tokens_hash_key primary key (hash),
    constraint one_time_tokens_purpose_check check (purpose in ('password_reset', 'email_change', 'invitation'))
) strict;
create index one_time_tokens_subject_id_idx on one_time_tokens (subject_id);

-- From where and with what, for its owner to recognise it.
alter table sign_ins add column address text;
alter table sign_ins add column user_agent text;
-- The last day on which it can be signed in with.
alter table account_revisions add column expires_on text;
alter table account_people add column last_sign_in_at text;
