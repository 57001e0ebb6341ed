drop table publications;
drop table position_revisions;
drop table positions;
drop table statement_basis;
drop table statement_revisions;
