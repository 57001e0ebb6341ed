drop table revoked_tokens;
drop table client_keys;
drop table client_revisions;
drop table clients;
