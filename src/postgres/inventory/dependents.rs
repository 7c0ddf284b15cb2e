//! What hangs on a relation: constraints, indexes, triggers, rules, policies, statistics.

use super::relations::relations;

/// Of a domain's constraint the name is `domain.constraint`. What a partition has from its table follows
/// that, and NOT NULL is said of the column. Whether it holds for all rows is said apart from what it says.
pub(super) const CONSTRAINTS: &str = concat!(
    "WITH ",
    relations!(),
    "
SELECT 'constraint' AS kind, coalesce(r.name, tn.nspname || '.' || t.typname) || '.' || c.conname AS name,
       coalesce(r.name, tn.nspname || '.' || t.typname) AS parent, NULL::int AS position, f.facet, f.value, f.usual
FROM pg_catalog.pg_constraint c
LEFT JOIN relations r ON r.id = c.conrelid
LEFT JOIN (pg_catalog.pg_type t JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
           AND tn.nspname NOT IN ('pg_catalog', 'information_schema')) ON t.oid = c.contypid
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.conindid AND c.contype IN ('p', 'u', 'x')
CROSS JOIN LATERAL (VALUES
  (1, 'definition', pg_catalog.regexp_replace(pg_catalog.pg_get_constraintdef(c.oid),
      '( NOT ENFORCED)?( NOT VALID)?$', ''), false),
  (2, 'validity', CASE WHEN i.indisvalid IS FALSE THEN 'INVALID'
      WHEN pg_catalog.to_jsonb(c) ->> 'conenforced' = 'false' THEN 'NOT ENFORCED'
      WHEN c.convalidated THEN 'valid' ELSE 'NOT VALID' END, c.convalidated AND i.indisvalid IS NOT FALSE),
  (3, 'index', coalesce('by index ' || i.indexrelid::regclass, 'by no index'), true)
) AS f (place, facet, value, usual)
WHERE (r.id IS NOT NULL OR t.oid IS NOT NULL) AND c.contype NOT IN ('n', 't')
  AND (c.conislocal OR c.contypid <> 0)
ORDER BY 2, f.place"
);

/// Indexes that serve no constraint, and those of partitions.
pub(super) const INDEXES: &str = concat!(
    "WITH ",
    relations!(),
    "
SELECT 'index' AS kind, n.nspname || '.' || c.relname AS name, r.name AS parent, NULL::int AS position,
       f.facet, f.value, f.usual
FROM pg_catalog.pg_index i
JOIN relations r ON r.id = i.indrelid
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (VALUES
  (1, 'definition', pg_catalog.regexp_replace(pg_catalog.pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX (\"(?:[^\"]|\"\")+\"|\\S+) ', '\\1'),
      false),
  (2, 'validity', CASE WHEN i.indisvalid THEN 'valid' ELSE 'INVALID' END, i.indisvalid),
  (3, 'tablespace', coalesce('TABLESPACE ' || (SELECT t.spcname FROM pg_catalog.pg_tablespace t
      WHERE t.oid = c.reltablespace), 'default tablespace'), c.reltablespace = 0)
) AS f (place, facet, value, usual)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid
                  AND k.contype IN ('p', 'u', 'x') AND k.conislocal)
ORDER BY 2, f.place"
);

/// Triggers, rules, policies and extended statistics, each told as PostgreSQL would write it.
pub(super) const DEPENDENTS: &str = concat!(
    "WITH ",
    relations!(),
    "
SELECT d.kind, d.name, d.parent, NULL::int AS position, f.facet, f.value, f.usual
FROM (
  SELECT 'trigger' AS kind, r.name || '.' || g.tgname AS name, r.name AS parent,
         pg_catalog.regexp_replace(pg_catalog.pg_get_triggerdef(g.oid), '^CREATE (CONSTRAINT )?TRIGGER (\"(?:[^\"]|\"\")+\"|\\S+) ', '\\1')
           AS definition,
         g.tgenabled::text AS enabled
  FROM relations r JOIN pg_catalog.pg_trigger g ON g.tgrelid = r.id AND NOT g.tgisinternal
       AND coalesce(pg_catalog.to_jsonb(g) ->> 'tgparentid', '0') = '0'
  UNION ALL
  SELECT 'rule', r.name || '.' || w.rulename, r.name, pg_catalog.pg_get_ruledef(w.oid), w.ev_enabled::text
  FROM relations r JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.id AND w.rulename <> '_RETURN'
  UNION ALL
  SELECT 'policy', r.name || '.' || p.polname, r.name,
         CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END || ' FOR ' ||
         CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
              ELSE 'ALL' END || ' TO ' ||
         (SELECT pg_catalog.string_agg(CASE m WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(m) END, ', ' ORDER BY m)
          FROM pg_catalog.unnest(p.polroles) m) ||
         coalesce(' USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')', '') ||
         coalesce(' WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')', ''), 'O'
  FROM relations r JOIN pg_catalog.pg_policy p ON p.polrelid = r.id
  UNION ALL
  SELECT 'statistics', n.nspname || '.' || x.stxname, r.name,
         pg_catalog.regexp_replace(pg_catalog.pg_get_statisticsobjdef(x.oid), '^CREATE STATISTICS (\"(?:[^\"]|\"\")+\"|\\S+) ', ''), 'O'
  FROM relations r JOIN pg_catalog.pg_statistic_ext x ON x.stxrelid = r.id
  JOIN pg_catalog.pg_namespace n ON n.oid = x.stxnamespace
) d
CROSS JOIN LATERAL (VALUES
  (1, 'definition', d.definition, false),
  (2, 'enabled', CASE d.enabled WHEN 'O' THEN 'enabled' WHEN 'D' THEN 'DISABLED' WHEN 'R' THEN 'ENABLED ON REPLICAS'
      ELSE 'ENABLED ALWAYS' END, d.enabled = 'O')
) AS f (place, facet, value, usual)
ORDER BY 1, 2, f.place"
);
