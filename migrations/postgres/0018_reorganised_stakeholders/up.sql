-- An organisation can be merged into another, or split into several: then nobody acts for it any more.
alter table stakeholder_revisions drop constraint stakeholder_revisions_state_check;
alter table stakeholder_revisions add constraint stakeholder_revisions_state_check check (state in ('provisional', 'confirmed', 'merged', 'split'));
