alter table program_revisions drop column published;
