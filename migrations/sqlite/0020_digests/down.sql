alter table account_people drop column digest_at;
alter table account_people drop column digest;
