drop table receipts;
drop table input_effects;
drop table input_subjects;
drop table input_revisions;
drop table inputs;
drop table consultation_revisions;
drop table consultations;
