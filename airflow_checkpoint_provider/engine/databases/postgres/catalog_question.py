"""The query of Postgres's catalog for the facts of a destination table."""

from __future__ import annotations

# Rows are in the table, in its partitions and children, and in the relations that a view reads.
FACTS = r"""
WITH RECURSIVE tree(oid) AS (
  SELECT to_regclass(:quoted)::oid
  UNION
  SELECT below.oid FROM tree CROSS JOIN LATERAL (
    SELECT inhrelid AS oid FROM pg_inherits WHERE inhparent = tree.oid
    UNION ALL
    SELECT d.refobjid FROM pg_rewrite r JOIN pg_depend d
      ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
      AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
      WHERE r.ev_class = tree.oid AND r.ev_type = '1'
  ) below
), member AS (
  SELECT c.oid, c.oid::regclass::text AS name, c.relkind, c.relpersistence, c.relreplident, c.relnamespace
  FROM tree JOIN pg_class c ON c.oid = tree.oid WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')
), referring AS (
  SELECT DISTINCT conrelid, confrelid FROM pg_constraint WHERE contype = 'f'
  AND confdeltype IN ('c', 'n', 'd') AND confrelid IN (SELECT oid FROM member)
), published AS (
  SELECT p.pubname, m.name, p.pubupdate, p.pubdelete FROM member m CROSS JOIN pg_publication p
  WHERE m.relkind = 'r' AND m.relpersistence = 'p' AND (p.pubupdate OR p.pubdelete)
  AND (m.relreplident = 'n' OR m.relreplident IN ('d', 'i') AND NOT EXISTS (
    SELECT FROM pg_index i WHERE i.indrelid = m.oid
    AND CASE m.relreplident WHEN 'd' THEN i.indisprimary ELSE i.indisreplident END))
  AND (p.puballtables {in_schema} OR EXISTS (
    SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid
    AND (r.prrelid = m.oid OR r.prrelid IN (SELECT relid FROM pg_partition_ancestors(m.oid)))))
)
SELECT json_build_object(
  'oid', c.oid::text, 'storage', (SELECT string_agg(s.relfilenode::text, ' ' ORDER BY s.oid)
    FROM member m JOIN pg_class s ON s.oid = m.oid),
  'name', c.oid::regclass::text, 'database', current_database(),
  'kind', c.relkind, 'persistence', c.relpersistence, 'updatable', pg_relation_is_updatable(c.oid, true),
  'temporary', has_database_privilege(current_database(), 'TEMPORARY'),
  'delete', has_table_privilege(c.oid, 'DELETE'),
  'members', (SELECT json_agg(json_build_array(name, relkind, relpersistence) ORDER BY name)
    FROM member WHERE relkind = 'f' OR relpersistence <> 'p'),
  'hiding', (SELECT min(m.name) FROM member m JOIN pg_class v ON v.oid = m.oid WHERE m.relkind = 'v'
    AND NOT concat(v.reloptions) ~ 'check_option=' AND NOT concat(c.reloptions) ~ 'check_option=cascaded'
    AND regexp_replace(pg_get_viewdef(v.oid), '''(''''|[^''])*''|"(""|[^"])*"', '', 'g') ~* '\mwhere\M'),
  'children', (SELECT json_agg(i.inhrelid::regclass::text) FROM pg_inherits i
    WHERE i.inhparent = c.oid AND c.relkind <> 'p'),
  'referrers', (
    SELECT json_agg(DISTINCT COALESCE(pg_partition_root(conrelid), conrelid)::regclass::text)
    FROM referring WHERE conrelid NOT IN (SELECT oid FROM member)),
  'self_references', EXISTS (SELECT FROM referring WHERE conrelid IN (SELECT oid FROM member)),
  'columns', (SELECT json_agg(json_build_array(a.attname, a.attgenerated, a.attidentity,
      (a.attnotnull OR EXISTS (WITH RECURSIVE of_domain AS (SELECT t.typnotnull, t.typbasetype
          UNION ALL SELECT b.typnotnull, b.typbasetype FROM of_domain JOIN pg_type b ON b.oid = of_domain.typbasetype)
        SELECT FROM of_domain WHERE typnotnull))
      AND NOT a.atthasdef AND a.attidentity = '' AND t.typdefault IS NULL,
      has_column_privilege(c.oid, a.attnum, 'INSERT'), has_column_privilege(c.oid, a.attnum, 'UPDATE'),
      has_column_privilege(c.oid, a.attnum, 'SELECT')))
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  'keys', (SELECT json_agg(json_build_array(i.indexrelid::regclass::text,
      (SELECT json_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid
        AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])),
      i.indexprs IS NULL, i.indpred IS NULL, i.indimmediate, i.indisvalid, to_jsonb(i) -> 'indnullsnotdistinct'))
    FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique),
  'triggers', (SELECT json_agg(json_build_array(g.tgname, g.tgtype, g.tgrelid = c.oid))
    FROM pg_trigger g WHERE g.tgrelid IN (SELECT oid FROM member) AND NOT g.tgisinternal AND g.tgenabled <> 'D'),
  'deferred', EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid IN (SELECT oid FROM member) AND g.tginitdeferred),
  'rules', (SELECT json_agg(json_build_array(r.rulename, r.ev_type, r.is_instead))
    FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type <> '1' AND r.ev_enabled <> 'D'),
  'published', (SELECT json_build_array(pubname, name, pubupdate, pubdelete)
    FROM published ORDER BY pubname, name LIMIT 1)
)::text FROM pg_class c WHERE c.oid = to_regclass(:quoted)
"""
IN_SCHEMA = "OR EXISTS (SELECT FROM pg_publication_namespace n WHERE n.pnpubid = p.oid AND n.pnnspid = m.relnamespace)"
