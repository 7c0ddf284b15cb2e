//! Tables, views and sequences, and their columns.

/// Tables, views and materialized views of users, extensions' own left out: `oid`, `name`, `kind`.
macro_rules! relations {
    () => {
        "relations AS MATERIALIZED (
  SELECT c.*, c.oid AS id, n.nspname || '.' || c.relname AS name,
         CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'table' END AS kind
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp|toast_temp)'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))"
    };
}
pub(super) use relations;

pub(super) const RELATIONS: &str = concat!(
    "WITH ",
    relations!(),
    "
SELECT r.kind, r.name, NULL::text AS parent, NULL::int AS position, f.facet, f.value, f.usual
FROM relations r CROSS JOIN LATERAL (VALUES
  (1, 'sort', CASE r.relkind WHEN 'p' THEN 'partitioned' WHEN 'f' THEN 'foreign' ELSE 'ordinary' END,
      r.relkind NOT IN ('p', 'f')),
  (2, 'partitioned by', coalesce('PARTITION BY ' || CASE WHEN r.relkind = 'p' THEN
      pg_catalog.pg_get_partkeydef(r.id) END, 'not partitioned'), r.relkind <> 'p'),
  (3, 'partition of', coalesce(CASE WHEN r.relispartition THEN 'PARTITION OF ' || (
      SELECT pg_catalog.string_agg(i.inhparent::regclass::text, ', ') FROM pg_catalog.pg_inherits i
      WHERE i.inhrelid = r.id) || ' ' || pg_catalog.pg_get_expr(r.relpartbound, r.id) END,
      'no partition'), NOT r.relispartition),
  (4, 'inherits', coalesce('INHERITS (' || CASE WHEN NOT r.relispartition THEN (
      SELECT pg_catalog.string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
      FROM pg_catalog.pg_inherits i WHERE i.inhrelid = r.id) END || ')', 'no parent'),
      r.relispartition OR NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = r.id)),
  (5, 'persistence', CASE r.relpersistence WHEN 'u' THEN 'UNLOGGED' ELSE 'logged' END, r.relpersistence <> 'u'),
  (6, 'definition', CASE WHEN r.relkind IN ('v', 'm') THEN 'AS ' || pg_catalog.pg_get_viewdef(r.id) END, false),
  (7, 'populated', CASE WHEN r.relkind = 'm' THEN
      CASE WHEN r.relispopulated THEN 'populated' ELSE 'NOT POPULATED' END END, r.relispopulated),
  (8, 'row security', CASE WHEN r.relrowsecurity THEN 'ROW LEVEL SECURITY' ELSE 'no row level security' END
      || CASE WHEN r.relforcerowsecurity THEN ' FORCED' ELSE '' END,
      NOT r.relrowsecurity AND NOT r.relforcerowsecurity),
  (9, 'options', coalesce('WITH (' || (SELECT pg_catalog.string_agg(o, ', ' ORDER BY o)
      FROM pg_catalog.unnest(r.reloptions) o) || ')', 'no options'), r.reloptions IS NULL),
  (10, 'replica identity', 'replica identity ' || CASE r.relreplident WHEN 'd' THEN 'default' WHEN 'f' THEN 'FULL'
      WHEN 'n' THEN 'NOTHING' ELSE 'USING INDEX ' || coalesce((
      SELECT i.indexrelid::regclass::text FROM pg_catalog.pg_index i
      WHERE i.indrelid = r.id AND i.indisreplident), 'that is gone') END,
      r.relreplident = 'd' OR r.relkind NOT IN ('r', 'p', 'm')),
  (11, 'access method', coalesce('USING ' || (SELECT a.amname FROM pg_catalog.pg_am a WHERE a.oid = r.relam),
      'no access method'), true),
  (12, 'tablespace', coalesce('TABLESPACE ' || (SELECT t.spcname FROM pg_catalog.pg_tablespace t
      WHERE t.oid = r.reltablespace), 'default tablespace'), r.reltablespace = 0),
  (13, 'owner', 'owner ' || pg_catalog.pg_get_userbyid(r.relowner), true)
) AS f (place, facet, value, usual)
ORDER BY r.name, f.place"
);

pub(super) const COLUMNS: &str = concat!(
    "WITH ",
    relations!(),
    ", columns AS (
  SELECT r.name AS relation, r.relkind, a.*, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
         pg_catalog.row_number() OVER (PARTITION BY r.id ORDER BY a.attnum)::int AS place,
         pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS expression, t.typcollation, t.typstorage,
         n.oid IS NOT NULL AS unproved
  FROM relations r
  JOIN pg_catalog.pg_attribute a ON a.attrelid = r.id AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  LEFT JOIN pg_catalog.pg_constraint n ON n.conrelid = r.id AND n.contype = 'n'
       AND n.conkey = ARRAY[a.attnum] AND NOT n.convalidated)
SELECT 'column' AS kind, c.relation || '.' || c.attname AS name, c.relation AS parent, c.place AS position,
       f.facet, f.value, f.usual
FROM columns c CROSS JOIN LATERAL (VALUES
  (1, 'type', c.type, false),
  (2, 'collation', CASE WHEN c.attcollation IN (0, c.typcollation) THEN 'default collation'
      ELSE 'COLLATE ' || (SELECT pg_catalog.quote_ident(l.collname) FROM pg_catalog.pg_collation l
      WHERE l.oid = c.attcollation) END, c.attcollation IN (0, c.typcollation)),
  (3, 'nullability', CASE WHEN c.unproved THEN 'NOT NULL NOT VALID' WHEN c.attnotnull THEN 'NOT NULL' ELSE 'NULL' END,
      NOT c.attnotnull),
  (4, 'default', CASE WHEN c.attgenerated = '' AND c.expression IS NOT NULL
      THEN 'DEFAULT ' || c.expression ELSE 'no default' END, c.attgenerated <> '' OR c.expression IS NULL),
  (5, 'generated', CASE WHEN c.attgenerated <> '' THEN 'GENERATED ALWAYS AS (' || c.expression || ')'
      || CASE c.attgenerated WHEN 's' THEN ' STORED' ELSE ' VIRTUAL' END ELSE 'not generated' END, c.attgenerated = ''),
  (6, 'identity', CASE c.attidentity WHEN 'a' THEN 'GENERATED ALWAYS AS IDENTITY'
      WHEN 'd' THEN 'GENERATED BY DEFAULT AS IDENTITY' ELSE 'no identity' END, c.attidentity = ''),
  (7, 'storage', CASE WHEN c.attstorage = c.typstorage THEN 'default storage' ELSE 'STORAGE ' ||
      CASE c.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END,
      c.attstorage = c.typstorage),
  (8, 'compression', CASE pg_catalog.to_jsonb(c) ->> 'attcompression' WHEN 'p' THEN 'COMPRESSION pglz'
      WHEN 'l' THEN 'COMPRESSION lz4' ELSE 'default compression' END,
      coalesce(pg_catalog.to_jsonb(c) ->> 'attcompression', '') = ''),
  (9, 'statistics', CASE WHEN coalesce(c.attstattarget, -1) < 0 THEN 'default statistics'
      ELSE 'STATISTICS ' || c.attstattarget END, coalesce(c.attstattarget, -1) < 0),
  (10, 'options', coalesce('SET (' || pg_catalog.array_to_string(c.attoptions, ', ') || ')', 'no options'),
      c.attoptions IS NULL)
) AS f (place, facet, value, usual)
ORDER BY c.relation, c.place, f.place"
);

/// Where a sequence stands is not said: that is data.
pub(super) const SEQUENCES: &str = "
SELECT 'sequence' AS kind, n.nspname || '.' || c.relname AS name, o.table AS parent, NULL::int AS position,
       f.facet, f.value, f.usual
FROM pg_catalog.pg_sequence s
JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (
  SELECT tn.nspname || '.' || t.relname AS table, tn.nspname || '.' || t.relname || '.' || a.attname AS column
  FROM pg_catalog.pg_depend d
  JOIN pg_catalog.pg_class t ON t.oid = d.refobjid JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = s.seqrelid AND d.deptype IN ('a', 'i')
    AND d.refclassid = 'pg_catalog.pg_class'::regclass LIMIT 1) o ON true
CROSS JOIN LATERAL (VALUES
  (1, 'type', pg_catalog.format_type(s.seqtypid, NULL), false),
  (2, 'start', 'START ' || s.seqstart, s.seqstart = 1),
  (3, 'increment', 'INCREMENT ' || s.seqincrement, s.seqincrement = 1),
  (4, 'minimum', 'MINVALUE ' || s.seqmin, true),
  (5, 'maximum', 'MAXVALUE ' || s.seqmax, true),
  (6, 'cache', 'CACHE ' || s.seqcache, s.seqcache = 1),
  (7, 'cycle', CASE WHEN s.seqcycle THEN 'CYCLE' ELSE 'no cycle' END, NOT s.seqcycle),
  (8, 'owned by', coalesce('OWNED BY ' || o.column, 'owned by no column'), o.column IS NULL),
  (9, 'owner', 'owner ' || pg_catalog.pg_get_userbyid(c.relowner), true)
) AS f (place, facet, value, usual)
WHERE n.nspname !~ '^pg_(toast|temp|toast_temp)' AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_depend d
  WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 2, f.place";
