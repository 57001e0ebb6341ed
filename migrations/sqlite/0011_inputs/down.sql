drop table consultation_revisions;
drop table consultations;
