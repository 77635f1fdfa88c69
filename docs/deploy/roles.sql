-- The database and its two roles: run once by a superuser, with both passwords in the environment.
-- psql 15 or later: OWNER_PASSWORD=... READER_PASSWORD=... psql -f roles.sql
\set ON_ERROR_STOP on
\getenv owner OWNER_PASSWORD
\getenv reader READER_PASSWORD
-- owns the ledger: migrates and publishes
CREATE ROLE lansdata LOGIN PASSWORD :'owner';
-- what the API logs in as; the migrations grant it SELECT and nothing else
CREATE ROLE lansdata_api LOGIN PASSWORD :'reader';
GRANT lansdata_api TO lansdata;
CREATE DATABASE lansdata OWNER lansdata ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE lansdata FROM PUBLIC;
GRANT CONNECT ON DATABASE lansdata TO lansdata_api;
