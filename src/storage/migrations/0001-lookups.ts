/** By hand: drizzle knows no triggers. See lookup-sql.ts for what it serves. Each delete names the whole key of what it removes. */
export const sql = `
CREATE TABLE lookup (
  resource text NOT NULL,
  field text NOT NULL,
  value text NOT NULL,
  namespace text NOT NULL,
  name text NOT NULL,
  PRIMARY KEY (resource, field, value, namespace, name)
) WITHOUT ROWID
--> statement-breakpoint
CREATE TRIGGER lookup_pod_added AFTER INSERT ON log
  WHEN NEW.resource = 'pods' AND NEW.deleted = 0 AND json_extract(NEW.fields, '$."spec.nodeName"') <> ''
BEGIN
  INSERT INTO lookup (resource, field, value, namespace, name)
    VALUES ('pods', 'spec.nodeName', json_extract(NEW.fields, '$."spec.nodeName"'), NEW.namespace, NEW.name)
    ON CONFLICT DO NOTHING;
END
--> statement-breakpoint
CREATE TRIGGER lookup_pod_superseded AFTER UPDATE OF superseded ON log
  WHEN NEW.resource = 'pods' AND NEW.deleted = 0 AND json_extract(NEW.fields, '$."spec.nodeName"') <> ''
    AND NOT EXISTS (SELECT 1 FROM log AS n WHERE n.revision = NEW.superseded AND n.deleted = 0
      AND json_extract(n.fields, '$."spec.nodeName"') = json_extract(NEW.fields, '$."spec.nodeName"'))
BEGIN
  DELETE FROM lookup WHERE resource = 'pods' AND field = 'spec.nodeName'
    AND value = json_extract(NEW.fields, '$."spec.nodeName"') AND namespace = NEW.namespace AND name = NEW.name;
END
--> statement-breakpoint
CREATE TRIGGER lookup_service_added AFTER INSERT ON log WHEN NEW.resource = 'services' AND NEW.deleted = 0
BEGIN
  INSERT INTO lookup (resource, field, value, namespace, name)
    SELECT 'services', f.key, f.value, NEW.namespace, NEW.name FROM json_each(NEW.fields) AS f
    WHERE f.value <> '' AND (f.key = 'spec.clusterIP' OR f.key GLOB 'spec.nodePort.*')
    ON CONFLICT DO NOTHING;
END
--> statement-breakpoint
CREATE TRIGGER lookup_service_superseded AFTER UPDATE OF superseded ON log WHEN NEW.resource = 'services' AND NEW.deleted = 0
BEGIN
  DELETE FROM lookup WHERE resource = 'services' AND field = 'spec.clusterIP'
    AND value = json_extract(NEW.fields, '$."spec.clusterIP"') AND namespace = NEW.namespace AND name = NEW.name
    AND NOT EXISTS (SELECT 1 FROM log AS n WHERE n.revision = NEW.superseded AND n.deleted = 0
      AND json_extract(n.fields, '$."spec.clusterIP"') = json_extract(NEW.fields, '$."spec.clusterIP"'));
  DELETE FROM lookup WHERE resource = 'services' AND value = 'true' AND namespace = NEW.namespace AND name = NEW.name
    AND field IN (
      SELECT f.key FROM json_each(NEW.fields) AS f WHERE f.key GLOB 'spec.nodePort.*'
      EXCEPT
      SELECT g.key FROM log AS n, json_each(n.fields) AS g WHERE n.revision = NEW.superseded AND n.deleted = 0);
END
--> statement-breakpoint
INSERT INTO lookup (resource, field, value, namespace, name)
  SELECT l.resource, f.key, f.value, l.namespace, l.name
  FROM log AS l INDEXED BY log_live, json_each(l.fields) AS f
  WHERE l.resource IN ('pods', 'services') AND l.superseded IS NULL AND l.deleted = 0 AND f.value <> ''
    AND CASE l.resource
      WHEN 'pods' THEN f.key = 'spec.nodeName'
      ELSE f.key = 'spec.clusterIP' OR f.key GLOB 'spec.nodePort.*' END
`;
