alter table sign_ins drop column stepped_up_at;
alter table sign_ins drop column factor_shown;
drop table recovery_codes;
drop table totp_secrets;
