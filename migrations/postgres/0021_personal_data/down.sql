-- What was erased cannot be told in the old way, so this fails where something was.
drop table personal_data_reads;
drop table personal_data_request_notes;
drop table personal_data_request_revisions;
drop table personal_data_requests;
alter table account_revisions drop constraint account_revisions_state_check;
alter table account_revisions add constraint account_revisions_state_check check (state in ('invited', 'active', 'locked'));
drop index attendance_people_account_id_idx;
alter table attendance_people drop column account_id;
alter table account_people drop column notice_at;
alter table account_people drop column notice_version;
alter table account_people drop column restricted_at;
