drop table sign_in_failures;
drop table sign_ins;
drop table password_tokens;
drop table account_passwords;
drop table account_people;
drop table account_revisions;
drop table accounts;
