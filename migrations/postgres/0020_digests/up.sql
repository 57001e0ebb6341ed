-- Whether its owner wants a daily mail of what waits for them, and when that was chosen or the last one was put into the
-- queue. It is personal data like a name: neither revisions nor ledger tell it.
alter table account_people add column digest text collate "C" not null default 'never'
    constraint account_people_digest_check check (digest in ('never', 'daily'));
alter table account_people add column digest_at timestamptz;
