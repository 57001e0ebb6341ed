alter table account_people drop column last_sign_in_at;
alter table account_revisions drop column expires_on;
alter table sign_ins drop column user_agent;
alter table sign_ins drop column address;
drop table one_time_tokens;
drop table mails;
