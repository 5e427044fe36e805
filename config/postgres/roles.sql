-- The roles of docker-compose.yml and what each may do. The health check of db runs this as the superuser postgres: it
-- looks each time, and changes something only after a start or where something is wrong. So a volume that is older than
-- these roles is taken over, and so is a backup that is older than they, once it is restored.
\set ON_ERROR_STOP on
\set started `test -e /run/postgresql/roles-are-made && echo false || echo true`
SET client_min_messages = warning;

-- What in the bot's database is not the bot's, but for what an extension brought. A sequence goes with its column.
SELECT coalesce(string_agg(format('ALTER TABLE %s OWNER TO trading_bot', c.oid::regclass), '; '), '') AS hand_over
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
        AND pg_get_userbyid(c.relowner) <> 'trading_bot'
        AND NOT EXISTS (SELECT FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('e', 'a', 'i')) \gset
SELECT :'started'::boolean OR :'hand_over' <> ''
    OR (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()) <> 'trading_bot'
    OR NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements')
    OR EXISTS (SELECT FROM pg_roles WHERE rolname IN ('trading_bot', 'postgres_exporter')
        AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls))
    AS wrong \gset
\if :wrong
BEGIN;
-- A bot may be using its tables; the next health check tries again.
SET LOCAL lock_timeout = '2s';
-- Whatever goes wrong, the passwords stay out of the log.
SET LOCAL log_min_error_statement = panic;
SET LOCAL log_min_duration_statement = -1;
\set bot_password `cat /run/secrets/database_password`
\set exporter_password `cat /run/secrets/exporter_password`

SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY['trading_bot', 'postgres_exporter']) AS name
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
-- Said in full, so that it also takes away what somebody gave.
ALTER ROLE trading_bot LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'bot_password';
ALTER ROLE postgres_exporter LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    CONNECTION LIMIT 5 PASSWORD :'exporter_password';
-- It reads all statistics and no table, and gets in when the bot has taken every other connection.
GRANT pg_monitor, pg_use_reserved_connections TO postgres_exporter;
ALTER ROLE postgres_exporter SET default_transaction_read_only = on;
ALTER ROLE postgres_exporter SET statement_timeout = '10s';

-- Each into the one database that it is for.
REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1, :"DBNAME" FROM PUBLIC;
ALTER DATABASE :"DBNAME" OWNER TO trading_bot;
GRANT CONNECT ON DATABASE :"DBNAME" TO postgres_exporter;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
:hand_over;
COMMIT;
\! touch /run/postgresql/roles-are-made
\endif
