-- What was reorganised cannot be told in the old way, so this fails where something was.
alter table stakeholder_revisions drop constraint stakeholder_revisions_state_check;
alter table stakeholder_revisions add constraint stakeholder_revisions_state_check check (state in ('provisional', 'confirmed'));
