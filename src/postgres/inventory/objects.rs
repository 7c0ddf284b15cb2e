//! Objects that belong to no relation, and who may do what with all of them.

/// Schemas, extensions, event triggers and publications.
pub(super) const OBJECTS: &str = "
SELECT o.kind, o.name, NULL::text AS parent, NULL::int AS position, f.facet, f.value, f.usual
FROM (
  SELECT 'schema' AS kind, n.nspname::text AS name, n.nspowner AS owner, '' AS definition
  FROM pg_catalog.pg_namespace n
  WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  UNION ALL
  SELECT 'extension', e.extname, e.extowner, 'VERSION ' || e.extversion FROM pg_catalog.pg_extension e
  UNION ALL
  SELECT 'event trigger', t.evtname, t.evtowner,
         'ON ' || t.evtevent || ' EXECUTE FUNCTION ' || t.evtfoid::regprocedure ||
         CASE t.evtenabled WHEN 'O' THEN '' WHEN 'D' THEN ' DISABLED' WHEN 'R' THEN ' ON REPLICAS' ELSE ' ALWAYS' END
  FROM pg_catalog.pg_event_trigger t
  UNION ALL
  SELECT 'publication', p.pubname, p.pubowner,
         CASE WHEN p.puballtables THEN 'FOR ALL TABLES' ELSE 'FOR TABLE ' || coalesce((
           SELECT pg_catalog.string_agg(r.prrelid::regclass::text, ', ' ORDER BY r.prrelid::regclass::text COLLATE \"C\")
           FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid), 'none') END
  FROM pg_catalog.pg_publication p
) o
CROSS JOIN LATERAL (VALUES
  (1, 'definition', o.definition, false),
  (2, 'owner', 'owner ' || pg_catalog.pg_get_userbyid(o.owner), true)
) AS f (place, facet, value, usual)
ORDER BY 1, 2, f.place";

/// Types that users made: no rows of tables, no arrays, nothing of an extension's.
pub(super) const TYPES: &str = "
SELECT 'type' AS kind, n.nspname || '.' || t.typname AS name, NULL::text AS parent, NULL::int AS position,
       f.facet, f.value, f.usual
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
CROSS JOIN LATERAL (VALUES
  (1, 'definition', CASE t.typtype
      WHEN 'e' THEN 'enum (' || (SELECT pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', '
        ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) || ')'
      WHEN 'd' THEN 'domain over ' || pg_catalog.format_type(t.typbasetype, t.typtypmod) ||
        CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END || coalesce(' DEFAULT ' || t.typdefault, '')
      WHEN 'c' THEN 'composite (' || coalesce((SELECT pg_catalog.string_agg(a.attname || ' ' ||
        pg_catalog.format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '') || ')'
      WHEN 'r' THEN 'range of ' || pg_catalog.format_type(r.rngsubtype, NULL)
      ELSE 'base' END, false),
  (2, 'owner', 'owner ' || pg_catalog.pg_get_userbyid(t.typowner), true)
) AS f (place, facet, value, usual)
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp|toast_temp)'
  AND (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c') OR (t.typtype = 'b' AND t.typcategory <> 'A'))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
ORDER BY 2, f.place";

/// Functions by their argument types, with their text.
pub(super) const FUNCTIONS: &str = "
SELECT 'function' AS kind, n.nspname || '.' || p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid)
       || ')' AS name, NULL::text AS parent, NULL::int AS position, f.facet, f.value, f.usual
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
LEFT JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid
CROSS JOIN LATERAL (VALUES
  (1, 'result', CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE
      'RETURNS ' || pg_catalog.pg_get_function_result(p.oid) END, false),
  (2, 'definition', CASE WHEN p.prokind = 'a' THEN 'AGGREGATE ' || a.aggtransfn::regprocedure || ' ' ||
      a.aggfinalfn::regproc || coalesce(' INITCOND ' || a.agginitval, '')
      ELSE pg_catalog.pg_get_functiondef(p.oid) END, true),
  (3, 'owner', 'owner ' || pg_catalog.pg_get_userbyid(p.proowner), true)
) AS f (place, facet, value, usual)
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp|toast_temp)'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
ORDER BY 2, f.place";

/// What roles other than the owner may do. Rights that everybody has unless they are taken away go without
/// saying; that they were taken away shows as a grant that is gone.
pub(super) const GRANTS: &str = "
WITH owned AS (
  SELECT CASE c.relkind WHEN 'S' THEN 'sequence ' ELSE '' END || n.nspname || '.' || c.relname AS name,
         n.nspname || '.' || c.relname AS parent, c.relowner AS owner,
         coalesce(c.relacl, pg_catalog.acldefault(CASE c.relkind WHEN 'S' THEN 's'::\"char\" ELSE 'r' END, c.relowner)) AS acl,
         n.nspname
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  UNION ALL
  SELECT n.nspname || '.' || c.relname || '.' || a.attname, n.nspname || '.' || c.relname, c.relowner, a.attacl, n.nspname
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
  UNION ALL
  SELECT 'schema ' || n.nspname, n.nspname, n.nspowner,
         coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)), n.nspname
  FROM pg_catalog.pg_namespace n
  UNION ALL
  SELECT 'function ' || f.name, f.name, p.proowner,
         coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)), n.nspname
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  CROSS JOIN LATERAL (SELECT n.nspname || '.' || p.proname || '(' ||
    pg_catalog.pg_get_function_identity_arguments(p.oid) || ')' AS name) f
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
  UNION ALL
  SELECT 'type ' || n.nspname || '.' || t.typname, n.nspname || '.' || t.typname, t.typowner,
         coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner)), n.nspname
  FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  WHERE t.typtype IN ('e', 'd', 'r') AND n.nspname NOT IN ('pg_catalog', 'information_schema'))
SELECT 'grant' AS kind, 'on ' || o.name || ' to ' ||
       CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(x.grantee) END AS name,
       o.parent, NULL::int AS position, 'rights' AS facet,
       pg_catalog.string_agg(x.privilege_type || CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END, ', '
         ORDER BY x.privilege_type COLLATE \"C\") AS value, false AS usual
FROM owned o CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) x
WHERE x.grantee <> o.owner
  AND o.nspname NOT IN ('pg_catalog', 'information_schema') AND o.nspname !~ '^pg_(toast|temp|toast_temp)'
GROUP BY o.name, o.parent, x.grantee
ORDER BY 2";
