/** By hand, as in 0001. Nodes stored before have no such field until they are written again: who gives networks out knows of them. */
export const sql = `
CREATE TRIGGER lookup_node_added AFTER INSERT ON log
  WHEN NEW.resource = 'nodes' AND NEW.deleted = 0 AND json_extract(NEW.fields, '$."spec.podCIDR"') <> ''
BEGIN
  INSERT INTO lookup (resource, field, value, namespace, name)
    VALUES ('nodes', 'spec.podCIDR', json_extract(NEW.fields, '$."spec.podCIDR"'), NEW.namespace, NEW.name)
    ON CONFLICT DO NOTHING;
END
--> statement-breakpoint
CREATE TRIGGER lookup_node_superseded AFTER UPDATE OF superseded ON log
  WHEN NEW.resource = 'nodes' AND NEW.deleted = 0 AND json_extract(NEW.fields, '$."spec.podCIDR"') <> ''
    AND NOT EXISTS (SELECT 1 FROM log AS n WHERE n.revision = NEW.superseded AND n.deleted = 0
      AND json_extract(n.fields, '$."spec.podCIDR"') = json_extract(NEW.fields, '$."spec.podCIDR"'))
BEGIN
  DELETE FROM lookup WHERE resource = 'nodes' AND field = 'spec.podCIDR'
    AND value = json_extract(NEW.fields, '$."spec.podCIDR"') AND namespace = NEW.namespace AND name = NEW.name;
END
`;
