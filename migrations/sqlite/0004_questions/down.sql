drop table question_codes;
drop table question_revisions;
drop table questions;
drop table focus_area_revisions;
drop table focus_areas;
drop table shock_or_stress_revisions;
drop table shocks_and_stresses;
