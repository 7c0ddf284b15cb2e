-- Everything that a PostgreSQL schema can ask of a fill, in the shape of one product: a company that lets rooms and
-- machines to its tenants. Valid from PostgreSQL 13 on; what later versions brought is in everything-NN.sql.
--
-- Almost every column is NOT NULL: a value that cannot be made is an error then, and no NULL hides it.

CREATE SCHEMA app;
CREATE SCHEMA "Archive.2024";    -- A schema whose name must be quoted, and holds a dot.
CREATE SCHEMA extensions;        -- Where hosted databases keep them: their types are not found by a bare name.

CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION ltree SCHEMA extensions;
CREATE EXTENSION cube SCHEMA extensions;
CREATE EXTENSION seg SCHEMA extensions;
CREATE EXTENSION isn SCHEMA extensions;
CREATE EXTENSION lo SCHEMA extensions;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION btree_gist;     -- `=` in exclusion constraints.

-- Fires wherever a fill must not: on triggers, and through rules.
CREATE FUNCTION app.must_not_run() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'a trigger of % ran', TG_TABLE_NAME; END $$;
CREATE FUNCTION app.must_not_be_called(of text) RETURNS void LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'a rule of % ran', of; END $$;

CREATE COLLATION app."byte order" FROM "C";
CREATE TEXT SEARCH CONFIGURATION app.plain (COPY = pg_catalog.simple);

--
-- Types of its own
--

-- Labels that COPY, arrays and composites each quote in another way.
CREATE TYPE app.mood AS ENUM ('calm', 'it''s "bad"', 'back\slash', 'two words', 'comma,', '{brace}', 'NULL', 'ünï');
CREATE TYPE app.status AS ENUM ('draft', 'open', 'closed', 'cancelled');

CREATE DOMAIN app.country AS char(2) CHECK (VALUE ~ '^[A-Z]{2}$');
CREATE DOMAIN app.email AS citext CHECK (VALUE ~ '^[^@[:space:]]+@[^@[:space:]]+\.[a-z]{2,}$');
CREATE DOMAIN app.hex_colour AS text CHECK (VALUE ~* '^#[0-9a-f]{6}$');
CREATE DOMAIN app.percent AS numeric(5,2) NOT NULL DEFAULT 0 CHECK (VALUE >= 0 AND VALUE <= 100);
CREATE DOMAIN app.positive AS int CHECK (VALUE > 0);
CREATE DOMAIN app.small_positive AS app.positive CHECK (VALUE < 1000);            -- A domain over a domain.
CREATE DOMAIN app.good_mood AS app.mood CHECK (VALUE NOT IN ('it''s "bad"', 'back\slash'));
CREATE DOMAIN app.labels AS text[] CHECK (cardinality(VALUE) <= 5);
CREATE DOMAIN app.object AS jsonb CHECK (jsonb_typeof(VALUE) = 'object');
CREATE DOMAIN app.period AS daterange CHECK (NOT isempty(VALUE) AND NOT lower_inf(VALUE) AND NOT upper_inf(VALUE));
CREATE DOMAIN app.short_name AS varchar(30) CHECK (char_length(VALUE) BETWEEN 3 AND 30) CHECK (VALUE = btrim(VALUE));

CREATE TYPE app.address AS (street text, "Zip Code" varchar(10), country app.country, place point);
CREATE TYPE app.contact AS (name text, home app.address, phones text[], mood app.mood);    -- Nested.
CREATE DOMAIN app.home AS app.address CHECK ((VALUE).street IS NOT NULL);

CREATE TYPE app.float8range AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TYPE app.textrange AS RANGE (subtype = text, collation = "C");

--
-- Values of every type
--

CREATE TABLE app.numbers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "boolean" boolean NOT NULL,
    "smallint" smallint NOT NULL,
    "int" int NOT NULL,
    "bigint" bigint NOT NULL,
    "numeric" numeric NOT NULL,
    price numeric(10,2) NOT NULL,
    digit numeric(1) NOT NULL,
    fraction numeric(4,4) NOT NULL,
    "real" real NOT NULL,
    "double" double precision NOT NULL,
    "money" money NOT NULL,
    maybe int                       -- The only kind of column in which NULLs belong.
);

CREATE TABLE app.texts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    "text" text NOT NULL,
    "varchar" varchar NOT NULL,
    "varchar(3)" varchar(3) NOT NULL,
    "char" char NOT NULL,
    "char(5)" char(5) NOT NULL,
    """char""" "char" NOT NULL,
    "name" name NOT NULL,
    bytes bytea NOT NULL,
    bit bit NOT NULL,
    "bit(5)" bit(5) NOT NULL,
    "varbit" varbit NOT NULL,
    "varbit(12)" varbit(12) NOT NULL,
    "json" json NOT NULL,
    "jsonb" jsonb NOT NULL,
    "jsonpath" jsonpath NOT NULL,
    "xml" xml NOT NULL,
    "tsvector" tsvector NOT NULL,
    "tsquery" tsquery NOT NULL,
    collated text COLLATE app."byte order" NOT NULL,
    posix text COLLATE "POSIX" NOT NULL,
    "refcursor" refcursor NOT NULL
);

CREATE TABLE app.times (
    id bigserial PRIMARY KEY,
    "date" date NOT NULL,
    "time" time NOT NULL,
    "time(3)" time(3) NOT NULL,
    "timetz" timetz NOT NULL,
    "timetz(0)" timetz(0) NOT NULL,
    "timestamp" timestamp NOT NULL,
    "timestamp(3)" timestamp(3) NOT NULL,
    "timestamptz" timestamptz NOT NULL,
    "timestamptz(0)" timestamptz(0) NOT NULL,
    "interval" interval NOT NULL,
    months interval year to month NOT NULL,
    "interval(3)" interval day to second(3) NOT NULL
);

CREATE TABLE app.places (
    id smallserial PRIMARY KEY,
    "inet" inet NOT NULL,
    "cidr" cidr NOT NULL,
    "macaddr" macaddr NOT NULL,
    "macaddr8" macaddr8 NOT NULL,
    "point" point NOT NULL,
    "line" line NOT NULL,
    "lseg" lseg NOT NULL,
    "box" box NOT NULL,
    "path" path NOT NULL,
    "polygon" polygon NOT NULL,
    "circle" circle NOT NULL
);

-- What names things of the database itself. The values must exist in every database.
CREATE TABLE app.catalog_types (
    id int GENERATED BY DEFAULT AS IDENTITY (START WITH 100 INCREMENT BY 10) PRIMARY KEY,
    "oid" oid NOT NULL,
    "xid" xid NOT NULL,
    "xid8" xid8 NOT NULL,
    "cid" cid NOT NULL,
    "tid" tid NOT NULL,
    "pg_lsn" pg_lsn NOT NULL,
    "pg_snapshot" pg_snapshot NOT NULL,
    "txid_snapshot" txid_snapshot NOT NULL,
    "regclass" regclass NOT NULL,
    "regtype" regtype NOT NULL,
    "regproc" regproc NOT NULL,
    "regprocedure" regprocedure NOT NULL,
    "regoper" regoper NOT NULL,
    "regoperator" regoperator NOT NULL,
    "regrole" regrole NOT NULL,
    "regnamespace" regnamespace NOT NULL,
    "regconfig" regconfig NOT NULL,
    "regdictionary" regdictionary NOT NULL,
    "regcollation" regcollation NOT NULL,
    "int2vector" int2vector NOT NULL,
    "oidvector" oidvector NOT NULL,
    "aclitem" aclitem NOT NULL,
    identifier information_schema.sql_identifier NOT NULL,    -- Domains that PostgreSQL ships.
    yes_or_no information_schema.yes_or_no NOT NULL
);

CREATE TABLE app.ranges (
    id bigint PRIMARY KEY,
    "int4range" int4range NOT NULL,
    "int8range" int8range NOT NULL,
    "numrange" numrange NOT NULL,
    "daterange" daterange NOT NULL,
    "tsrange" tsrange NOT NULL,
    "tstzrange" tstzrange NOT NULL,
    "float8range" app.float8range NOT NULL,
    "textrange" app.textrange NOT NULL,
    period app.period NOT NULL
);

CREATE TABLE app.arrays (
    id int PRIMARY KEY,
    booleans boolean[] NOT NULL,
    ints int[] NOT NULL,
    matrix int[][] NOT NULL,
    three numeric(6,2)[3] NOT NULL,
    texts text[] NOT NULL,
    chars char(3)[] NOT NULL,
    names name[] NOT NULL,
    bytes bytea[] NOT NULL,
    bits bit(3)[] NOT NULL,
    uuids uuid[] NOT NULL,
    dates date[] NOT NULL,
    moments timestamptz[] NOT NULL,
    spans interval[] NOT NULL,
    addresses inet[] NOT NULL,
    points point[] NOT NULL,
    boxes box[] NOT NULL,            -- The only type whose arrays are separated by semicolons.
    documents jsonb[] NOT NULL,
    moods app.mood[] NOT NULL,
    percents app.percent[] NOT NULL,
    emails app.email[] NOT NULL,
    homes app.address[] NOT NULL,
    contacts app.contact[] NOT NULL,
    periods daterange[] NOT NULL,
    dictionaries hstore[] NOT NULL,
    queries tsquery[] NOT NULL,
    types regtype[] NOT NULL
);

CREATE TABLE app.own_types (
    id int PRIMARY KEY,
    mood app.mood NOT NULL,
    country app.country NOT NULL,
    email app.email NOT NULL UNIQUE,
    colour app.hex_colour NOT NULL,
    share app.percent,               -- NOT NULL by its domain.
    amount app.positive NOT NULL,
    small app.small_positive NOT NULL,
    good_mood app.good_mood NOT NULL,
    labels app.labels NOT NULL,
    object app.object NOT NULL,
    short_name app.short_name NOT NULL,
    address app.address NOT NULL,
    contact app.contact NOT NULL,
    home app.home NOT NULL
);

-- A table of a composite type: its columns are the type's.
CREATE TABLE app.address_book OF app.contact (PRIMARY KEY (name), mood WITH OPTIONS DEFAULT 'calm' NOT NULL);

CREATE TABLE app.extension_types (
    id int PRIMARY KEY,
    "hstore" hstore NOT NULL,
    "citext" citext NOT NULL UNIQUE,
    "ltree" extensions.ltree NOT NULL UNIQUE,
    "lquery" extensions.lquery NOT NULL,
    "ltxtquery" extensions.ltxtquery NOT NULL,
    "cube" extensions.cube NOT NULL,
    "seg" extensions.seg NOT NULL,
    "ean13" extensions.ean13 NOT NULL,
    "isbn" extensions.isbn NOT NULL,
    "isbn13" extensions.isbn13 NOT NULL,
    "issn" extensions.issn NOT NULL,
    "ismn" extensions.ismn NOT NULL,
    "upc" extensions.upc NOT NULL,
    "lo" extensions.lo NOT NULL
);
CREATE INDEX ON app.extension_types USING gin ("hstore");
CREATE INDEX ON app.extension_types USING gist ("ltree");

--
-- Tenants: composite keys that share the tenant's column, circles, self-references
--

CREATE TABLE app.tenants (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z][a-z0-9-]*$' AND length(slug) <= 40),
    name text NOT NULL CHECK (name <> ''),
    owner_id bigint NOT NULL,        -- Round in a circle, NOT NULL: only a deferred key allows it.
    plan text NOT NULL DEFAULT 'free' CHECK (plan = ANY (ARRAY['free', 'team', 'enterprise'])),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE app.users (
    tenant_id int NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id bigint GENERATED BY DEFAULT AS IDENTITY,
    email text NOT NULL CHECK (position('@' in email) > 1),
    login varchar(24) NOT NULL,
    manager_id bigint,
    is_admin boolean NOT NULL DEFAULT false,
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (id),
    FOREIGN KEY (tenant_id, manager_id) REFERENCES app.users (tenant_id, id)    -- A tree within each tenant.
);
ALTER TABLE app.tenants ADD CONSTRAINT tenants_owner FOREIGN KEY (owner_id) REFERENCES app.users (id)
    DEFERRABLE INITIALLY DEFERRED;
CREATE UNIQUE INDEX users_email ON app.users (tenant_id, lower(email));           -- Unique by an expression.
CREATE UNIQUE INDEX users_login ON app.users (tenant_id, login) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX users_one_admin ON app.users (tenant_id) WHERE is_admin;

CREATE TABLE app.projects (
    tenant_id int NOT NULL REFERENCES app.tenants,
    id int NOT NULL,
    lead_id bigint NOT NULL,
    key char(4) NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, key),
    FOREIGN KEY (tenant_id, lead_id) REFERENCES app.users (tenant_id, id)
);

-- Three foreign keys share one column, and each goes to another table.
CREATE TABLE app.tasks (
    tenant_id int NOT NULL REFERENCES app.tenants,
    project_id int NOT NULL,
    id int NOT NULL,
    reporter_id bigint NOT NULL,
    assignee_id bigint,
    parent_id int,
    title text NOT NULL,
    status app.status NOT NULL DEFAULT 'draft',
    PRIMARY KEY (tenant_id, project_id, id),
    FOREIGN KEY (tenant_id, project_id) REFERENCES app.projects ON UPDATE CASCADE,
    FOREIGN KEY (tenant_id, reporter_id) REFERENCES app.users (tenant_id, id),
    FOREIGN KEY (tenant_id, assignee_id) REFERENCES app.users (tenant_id, id),
    FOREIGN KEY (tenant_id, project_id, parent_id) REFERENCES app.tasks
);

CREATE TABLE app.comments (
    tenant_id int NOT NULL,
    project_id int NOT NULL,
    task_id int NOT NULL,
    id bigserial,
    author_id bigint NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, project_id, task_id) REFERENCES app.tasks,
    FOREIGN KEY (tenant_id, author_id) REFERENCES app.users (tenant_id, id)
);

-- One-to-one, and again.
CREATE TABLE app.profiles (user_id bigint PRIMARY KEY REFERENCES app.users (id), bio text NOT NULL);
CREATE TABLE app.photos (user_id bigint PRIMARY KEY REFERENCES app.profiles, image bytea NOT NULL);
CREATE TABLE app.passwords (
    id uuid PRIMARY KEY,
    user_id bigint NOT NULL UNIQUE REFERENCES app.users (id),
    digest char(60) NOT NULL
);

CREATE TABLE app.groups (id int PRIMARY KEY, code varchar(12) NOT NULL UNIQUE);
CREATE TABLE app.memberships (
    user_id bigint NOT NULL REFERENCES app.users (id),
    group_code text NOT NULL REFERENCES app.groups (code),    -- To a key that is not primary, and of another type.
    since date NOT NULL,
    PRIMARY KEY (user_id, group_code)
);

-- A tree whose root is its own parent.
CREATE TABLE app.employees (
    id int PRIMARY KEY,
    boss_id int NOT NULL REFERENCES app.employees,
    deputy_id int UNIQUE REFERENCES app.employees
);

-- Neither can be first.
CREATE TABLE app.chickens (id int PRIMARY KEY, egg_id int NOT NULL);
CREATE TABLE app.eggs (id bigint PRIMARY KEY, chicken_id int NOT NULL REFERENCES app.chickens DEFERRABLE);
ALTER TABLE app.chickens ADD FOREIGN KEY (egg_id) REFERENCES app.eggs DEFERRABLE INITIALLY DEFERRED;

-- Both columns or none.
CREATE TABLE app.notes (
    id int PRIMARY KEY,
    tenant_id int,
    user_id bigint,
    text text NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES app.users (tenant_id, id) MATCH FULL
);

-- Constraints that old rows may break and new ones may not.
CREATE TABLE app.imports (id int PRIMARY KEY, user_id bigint NOT NULL, lines int NOT NULL);
ALTER TABLE app.imports ADD CONSTRAINT imports_user FOREIGN KEY (user_id) REFERENCES app.users (id) NOT VALID;
ALTER TABLE app.imports ADD CONSTRAINT imports_lines CHECK (lines > 0) NOT VALID;

--
-- Unique keys
--

CREATE TABLE app.unique_keys (
    id int PRIMARY KEY,
    kind app.status NOT NULL,
    flag boolean NOT NULL,
    day date NOT NULL,
    place int NOT NULL CHECK (place BETWEEN 1 AND 2000),
    code char(2) NOT NULL,
    nullable int UNIQUE,
    data jsonb NOT NULL,
    swapped int NOT NULL,
    included text NOT NULL,
    parent int,
    name text NOT NULL,
    UNIQUE (kind, flag, day),
    UNIQUE (flag, place),
    UNIQUE (code, kind, flag),
    UNIQUE (swapped) DEFERRABLE INITIALLY DEFERRED,
    UNIQUE (day, place) INCLUDE (included)
);
CREATE UNIQUE INDEX ON app.unique_keys ((data->>'id'));
CREATE UNIQUE INDEX ON app.unique_keys (coalesce(parent, 0), name);
CREATE UNIQUE INDEX ON app.unique_keys (name text_pattern_ops) WHERE kind = 'open' AND flag;

-- Few rows by nature: those that there can be.
CREATE TABLE app.settings (singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton), theme app.hex_colour NOT NULL);
CREATE TABLE app.weekdays (day smallint PRIMARY KEY CHECK (day >= 1 AND day <= 7), open boolean NOT NULL);
CREATE TABLE app.moods (mood app.mood PRIMARY KEY, colour app.hex_colour NOT NULL);
CREATE TABLE app.mood_days (
    mood app.mood REFERENCES app.moods,
    day smallint REFERENCES app.weekdays,
    PRIMARY KEY (mood, day)
);

-- Rows that the schema brings: they stay, and others point at them.
CREATE TABLE app.currencies (code char(3) PRIMARY KEY, digits smallint NOT NULL);
INSERT INTO app.currencies VALUES ('EUR', 2), ('JPY', 0), ('TND', 3);

--
-- Exclusion constraints
--

CREATE TABLE app.rooms (id int PRIMARY KEY, name text NOT NULL UNIQUE, floor_plan box NOT NULL);
CREATE TABLE app.bookings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room_id int NOT NULL REFERENCES app.rooms,
    user_id bigint NOT NULL REFERENCES app.users (id),
    during tstzrange NOT NULL,
    status app.status NOT NULL,
    EXCLUDE USING gist (room_id WITH =, during WITH &&) WHERE (status <> 'cancelled')
);
CREATE TABLE app.shifts (
    id int PRIMARY KEY,
    employee_id int NOT NULL REFERENCES app.employees,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    CHECK (starts_at < ends_at),
    EXCLUDE USING gist (employee_id WITH =, tstzrange(starts_at, ends_at) WITH &&)    -- A range by an expression.
);
CREATE TABLE app.plots (id int PRIMARY KEY, area circle NOT NULL, EXCLUDE USING gist (area WITH &&));
CREATE TABLE app.cages (
    id int PRIMARY KEY,
    cage int NOT NULL,
    animal text NOT NULL,
    EXCLUDE USING gist (cage WITH =, animal WITH <>)    -- All animals of a cage are of one kind.
);

--
-- CHECKs
--

CREATE TABLE app.checks (
    id int PRIMARY KEY CHECK (id > 0),
    between_two int NOT NULL CHECK (between_two BETWEEN 10 AND 20),
    one_of text NOT NULL CHECK (one_of IN ('a', 'b''c', 'd e')),
    any_of smallint NOT NULL CHECK (any_of = ANY (ARRAY[1, 2, 3])),
    none_of int NOT NULL CHECK (none_of NOT IN (0, 13)),
    long_enough text NOT NULL CHECK (length(long_enough) >= 12),
    not_too_long text NOT NULL CHECK (octet_length(not_too_long) <= 9),
    zip text NOT NULL CHECK (zip ~ '^\d{5}(-\d{4})?$'),
    phone text NOT NULL CHECK (phone ~ '^\+[1-9][0-9]{6,14}$'),
    url text NOT NULL CHECK (url LIKE 'https://%'),
    lower_case text NOT NULL CHECK (lower_case = lower(lower_case)),
    upper_case text NOT NULL CHECK (upper_case ~ '^[A-Z_]+$' AND length(upper_case) <= 12),
    low int NOT NULL,
    high int NOT NULL,
    CHECK (low < high),                                               -- Between columns.
    began_on date NOT NULL,
    ended_on date,
    CHECK (ended_on IS NULL OR ended_on >= began_on),
    latitude double precision NOT NULL CHECK (latitude >= -90 AND latitude <= 90),
    longitude double precision NOT NULL CHECK (abs(longitude) <= 180),
    state app.status NOT NULL,
    closed_at timestamptz,
    CHECK ((state = 'closed') = (closed_at IS NOT NULL)),             -- NULL by another column.
    card text,
    iban text,
    CHECK (num_nonnulls(card, iban) = 1),                             -- One of two.
    longitude_known boolean NOT NULL,
    latitude_known boolean NOT NULL,
    CHECK (longitude_known OR NOT latitude_known),
    amount numeric(12,2) NOT NULL,
    kind text NOT NULL,
    CHECK (kind = 'credit' AND amount > 0 OR kind = 'debit' AND amount < 0),
    CHECK (CASE kind WHEN 'credit' THEN amount <= 5000 ELSE amount >= -5000 END),
    first_choice int NOT NULL,
    second_choice int NOT NULL,
    CHECK (first_choice <> second_choice),
    options jsonb NOT NULL CHECK (jsonb_typeof(options) = 'object'),
    tags text[] NOT NULL CHECK (array_length(tags, 1) >= 1),
    ratio real NOT NULL CHECK (ratio > 0 AND ratio < 1),
    even int NOT NULL CHECK (even >= 0)
);

--
-- What the database makes itself
--

CREATE FUNCTION app.initials(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT left($1, 2) $$;

CREATE SEQUENCE app.document_numbers START WITH 5000;                 -- Shared by two tables.
CREATE TABLE app.offers (
    number bigint PRIMARY KEY DEFAULT nextval('app.document_numbers'),
    net numeric(10,2) NOT NULL CHECK (net >= 0),
    currency char(3) NOT NULL REFERENCES app.currencies,
    gross numeric(12,2) GENERATED ALWAYS AS (net * 1.19) STORED,
    title text NOT NULL,
    words tsvector GENERATED ALWAYS AS (to_tsvector('english', title)) STORED
);
CREATE TABLE app.invoices (
    number bigint PRIMARY KEY DEFAULT nextval('app.document_numbers'),
    label text NOT NULL DEFAULT 'INV-' || nextval('app.document_numbers') UNIQUE,
    offer bigint NOT NULL REFERENCES app.offers,
    due date NOT NULL DEFAULT current_date + 14
);
CREATE INDEX ON app.offers USING gin (words);
CREATE INDEX ON app.offers (app.initials(title));

--
-- Partitions
--

-- By time, with a default, primary key over the partition's column too.
CREATE TABLE app.events (
    id bigint GENERATED BY DEFAULT AS IDENTITY,
    happened_at timestamptz NOT NULL,
    tenant_id int NOT NULL REFERENCES app.tenants,
    payload jsonb NOT NULL,
    PRIMARY KEY (id, happened_at)
) PARTITION BY RANGE (happened_at);
CREATE TABLE app.events_old PARTITION OF app.events FOR VALUES FROM (MINVALUE) TO ('2024-01-01 00:00+00');
CREATE TABLE app.events_2024 PARTITION OF app.events
    FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2025-01-01 00:00+00');
CREATE TABLE app.events_2025 PARTITION OF app.events
    FOR VALUES FROM ('2025-01-01 00:00+00') TO ('2026-01-01 00:00+00');
CREATE TABLE app.events_rest PARTITION OF app.events DEFAULT;
CREATE INDEX ON app.events (tenant_id, happened_at);
CREATE INDEX ON app.events USING brin (happened_at);

-- By list, NULL among its values, and each of these by hash.
CREATE TABLE app.measurements (
    sensor bigint NOT NULL,
    region text,
    value double precision NOT NULL
) PARTITION BY LIST (region);
CREATE TABLE app.measurements_north PARTITION OF app.measurements FOR VALUES IN ('north', 'nord')
    PARTITION BY HASH (sensor);
CREATE TABLE app.measurements_north_0 PARTITION OF app.measurements_north FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE app.measurements_north_1 PARTITION OF app.measurements_north FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE app.measurements_unknown PARTITION OF app.measurements FOR VALUES IN (NULL);
CREATE TABLE app.measurements_south PARTITION OF app.measurements FOR VALUES IN ('south', 'it''s, "south"');

-- By hash alone, and referenced.
CREATE TABLE app.accounts (id uuid PRIMARY KEY, balance bigint NOT NULL) PARTITION BY HASH (id);
CREATE TABLE app.accounts_0 PARTITION OF app.accounts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE app.accounts_1 PARTITION OF app.accounts FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE app.accounts_3 PARTITION OF app.accounts FOR VALUES WITH (MODULUS 4, REMAINDER 3);
CREATE TABLE app.cards (
    number char(16) PRIMARY KEY CHECK (number ~ '^[0-9]{16}$'),
    account_id uuid NOT NULL REFERENCES app.accounts
);

-- By its only key, and three levels deep, with a default at each.
CREATE TABLE app.parcels (
    id int PRIMARY KEY,
    weight app.positive NOT NULL
) PARTITION BY RANGE (id);
CREATE TABLE app.parcels_1 PARTITION OF app.parcels FOR VALUES FROM (1) TO (1000000) PARTITION BY RANGE (id);
CREATE TABLE app.parcels_1_1 PARTITION OF app.parcels_1 FOR VALUES FROM (1) TO (1000) PARTITION BY RANGE (id);
CREATE TABLE app.parcels_1_1_1 PARTITION OF app.parcels_1_1 FOR VALUES FROM (1) TO (100);
CREATE TABLE app.parcels_1_1_rest PARTITION OF app.parcels_1_1 DEFAULT;
CREATE TABLE app.parcels_1_rest PARTITION OF app.parcels_1 DEFAULT;
CREATE TABLE app.parcels_rest PARTITION OF app.parcels DEFAULT;

-- By two columns, one of them a foreign key; partitions with a CHECK and an index of their own.
CREATE TABLE app.readings (
    room_id int NOT NULL REFERENCES app.rooms,
    day date NOT NULL,
    level smallint NOT NULL
) PARTITION BY RANGE (day, level);
CREATE TABLE app.readings_low PARTITION OF app.readings FOR VALUES FROM ('2024-01-01', 0) TO ('2024-07-01', 50);
CREATE TABLE app.readings_high PARTITION OF app.readings
    FOR VALUES FROM ('2024-07-01', 50) TO ('2025-01-01', MAXVALUE);
ALTER TABLE app.readings_low ADD CHECK (level < 500);
CREATE INDEX ON app.readings_low (level);

--
-- Inheritance, unlogged tables, row level security, triggers, rules
--

CREATE TABLE app.vehicles (id serial PRIMARY KEY, wheels smallint NOT NULL CHECK (wheels > 0), plate text NOT NULL);
CREATE TABLE app.cars (doors smallint NOT NULL, UNIQUE (plate)) INHERITS (app.vehicles);
CREATE TABLE app.trucks (load_kg int NOT NULL CHECK (load_kg > 3500), PRIMARY KEY (id)) INHERITS (app.vehicles);

CREATE UNLOGGED TABLE app.sessions (
    token uuid PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES app.users (id),
    expires_at timestamptz NOT NULL
);

CREATE TABLE app.secrets (
    id int PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES app.users (id),
    secret text NOT NULL
);
ALTER TABLE app.secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.secrets FORCE ROW LEVEL SECURITY;
CREATE POLICY nobody ON app.secrets USING (false) WITH CHECK (false);
ALTER TABLE app.secrets OWNER TO app_owner;    -- A role that the schema's files do not create.

CREATE TABLE app.audited (id int PRIMARY KEY, text text NOT NULL);
CREATE TRIGGER before_row BEFORE INSERT ON app.audited FOR EACH ROW EXECUTE FUNCTION app.must_not_run();
CREATE TRIGGER after_row AFTER INSERT ON app.audited FOR EACH ROW EXECUTE FUNCTION app.must_not_run();
CREATE TRIGGER before_statement BEFORE INSERT ON app.audited EXECUTE FUNCTION app.must_not_run();
CREATE TRIGGER after_statement AFTER INSERT ON app.audited
    REFERENCING NEW TABLE AS added EXECUTE FUNCTION app.must_not_run();
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON app.audited DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION app.must_not_run();
-- These run where others do not, in sessions that replay changes.
CREATE TRIGGER always BEFORE INSERT ON app.audited FOR EACH ROW EXECUTE FUNCTION app.must_not_run();
ALTER TABLE app.audited ENABLE ALWAYS TRIGGER always;
CREATE TRIGGER replica BEFORE INSERT ON app.audited FOR EACH ROW EXECUTE FUNCTION app.must_not_run();
ALTER TABLE app.audited ENABLE REPLICA TRIGGER replica;
-- And this one nowhere, before and after.
CREATE TRIGGER disabled BEFORE INSERT ON app.audited FOR EACH ROW EXECUTE FUNCTION app.must_not_run();
ALTER TABLE app.audited DISABLE TRIGGER disabled;

CREATE TABLE app.ruled (id int PRIMARY KEY, text text NOT NULL);
CREATE RULE also AS ON INSERT TO app.ruled DO ALSO SELECT app.must_not_be_called('ruled');
CREATE TABLE app.frozen (id int PRIMARY KEY, text text NOT NULL);
CREATE RULE nothing AS ON INSERT TO app.frozen DO INSTEAD NOTHING;

--
-- Names
--

CREATE TABLE "Weird Table" (
    "Id" serial PRIMARY KEY,
    "e mail" text NOT NULL UNIQUE,
    "select" int NOT NULL,
    "a.b" text NOT NULL,
    "it's ""quoted""" text NOT NULL,
    "tab	and \ backslash" text NOT NULL,
    "ünïcödé ☃" text NOT NULL
);
CREATE TABLE "select" ("from" int PRIMARY KEY REFERENCES "Weird Table" ("Id"), "where" text NOT NULL);
CREATE TABLE "a.b" ("Order" int PRIMARY KEY REFERENCES "select");
CREATE TABLE "таблица ☃" ("столбец" text PRIMARY KEY);
CREATE TABLE "Archive.2024"."Weird Table" ("Id" int PRIMARY KEY, "%s $1 {n}" text NOT NULL);
CREATE TABLE sixty_three_bytes_are_the_most_that_a_name_can_have_in_postgres (
    sixty_three_bytes_are_the_most_that_a_column_can_have_for_name_ int PRIMARY KEY
);
CREATE INDEX "Odd ""index""" ON "Weird Table" ("a.b");

--
-- Storage, statistics, indexes of every kind
--

CREATE TABLE app.storage (
    dropped int,
    id int PRIMARY KEY,
    long text NOT NULL,
    wide bytea NOT NULL,
    place point NOT NULL,
    ip inet NOT NULL
) WITH (fillfactor = 70, autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE app.storage DROP COLUMN dropped;
ALTER TABLE app.storage ALTER COLUMN long SET STORAGE EXTERNAL, ALTER COLUMN long SET STATISTICS 1000,
    ALTER COLUMN wide SET STATISTICS 0, ALTER COLUMN ip SET (n_distinct = -0.5);
CREATE INDEX storage_trgm ON app.storage USING gin (long gin_trgm_ops);
CREATE INDEX storage_hash ON app.storage USING hash (id);
CREATE INDEX storage_spgist ON app.storage USING spgist (place);
CREATE INDEX storage_gist ON app.storage USING gist (ip inet_ops);
CREATE INDEX storage_brin ON app.storage USING brin (id) WITH (pages_per_range = 16);
CREATE INDEX storage_words ON app.storage USING gin (to_tsvector('app.plain', long));
CREATE INDEX storage_order ON app.storage (ip DESC NULLS LAST, id) INCLUDE (place) WHERE id % 2 = 0;
CREATE STATISTICS app.storage_statistics ON id, ip FROM app.storage;
ALTER TABLE app.storage CLUSTER ON storage_pkey;
ALTER TABLE app.storage REPLICA IDENTITY FULL;
COMMENT ON TABLE app.storage IS 'It''s a "comment".';
COMMENT ON INDEX app.storage_hash IS 'Comments of indexes are lost where these are made anew.';
COMMENT ON CONSTRAINT storage_pkey ON app.storage IS 'And of constraints.';

--
-- Views
--

CREATE VIEW app.open_tasks AS SELECT tenant_id, id, title FROM app.tasks WHERE status = 'open' WITH CHECK OPTION;
CREATE TRIGGER instead INSTEAD OF INSERT ON app.open_tasks FOR EACH ROW EXECUTE FUNCTION app.must_not_run();
CREATE MATERIALIZED VIEW app.tasks_of_tenants AS SELECT tenant_id, count(*) AS tasks FROM app.tasks GROUP BY 1;
CREATE UNIQUE INDEX ON app.tasks_of_tenants (tenant_id);
CREATE MATERIALIZED VIEW app.a_busiest_tenants AS SELECT * FROM app.tasks_of_tenants ORDER BY tasks DESC LIMIT 10
    WITH NO DATA;    -- Needs the one above, although it is first by name.
