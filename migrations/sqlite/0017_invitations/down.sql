drop table invitation_people;
drop table invitation_revisions;
drop table invitations;
