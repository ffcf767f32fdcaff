-- Removes what is kept of one person: everything that was searched under a pseudonym, and
-- the events of those searches. Idempotent. Run it with the pseudonym as parameter:
--   clickhouse-client --param_subject=9f86d081884c7d65 --queries-file erase.sql
-- Erase from the topics first, or wait for their retention, if you may read them again.

-- Both statements wait until every part is rewritten: nothing is left on disk.
SET mutations_sync = 2;

ALTER TABLE events DELETE WHERE query_id IN (
    SELECT correlation_id FROM pages WHERE client = {subject:String} OR user = {subject:String}
);
ALTER TABLE pages DELETE WHERE client = {subject:String} OR user = {subject:String};

-- The sums by minute stay: they hold correlation ids, which lead to nobody any more.
