-- What PostgreSQL 14 brought.

CREATE TABLE app.multiranges (
    id int PRIMARY KEY,
    "int4multirange" int4multirange NOT NULL,
    "int8multirange" int8multirange NOT NULL,
    "nummultirange" nummultirange NOT NULL,
    "datemultirange" datemultirange NOT NULL,
    "tsmultirange" tsmultirange NOT NULL,
    "tstzmultirange" tstzmultirange NOT NULL,
    own app.float8multirange NOT NULL,
    several datemultirange[] NOT NULL
);

CREATE TABLE app.compressed (id int PRIMARY KEY, long text COMPRESSION pglz NOT NULL);

CREATE FUNCTION app.doubled(int) RETURNS int LANGUAGE sql IMMUTABLE RETURN $1 * 2;
CREATE TABLE app.doubles (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (app.doubled(id)) STORED UNIQUE);
