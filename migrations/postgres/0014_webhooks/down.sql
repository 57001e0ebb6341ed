drop table webhook_attempts;
drop table webhook_cursors;
drop table webhook_secrets;
drop table webhook_revisions;
drop table webhooks;
