/** What controllers keep of CustomResourceDefinitions: never their schemas. */
import { approvalCondition } from "../../kinds/apiextensions/customresourcedefinitions/approval.ts";
import type {
  CustomResourceDefinition,
  DefinitionCondition,
  DefinitionNames,
} from "../../kinds/apiextensions/customresourcedefinitions/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import { metaView, type View } from "./view.ts";

export interface DefinitionView extends View {
  group: string;
  /** Those it asks for. */
  names: DefinitionNames;
  /** Those it has. */
  accepted: DefinitionNames;
  /** As they are stored. */
  conditions: readonly DefinitionCondition[];
  /** What is to be said of its approval, where its group needs one. */
  approval?: readonly DefinitionCondition[];
}

export function definitionView(object: KubeObject): DefinitionView {
  const { metadata, spec, status } = object as CustomResourceDefinition;
  const approval = approvalCondition(object as CustomResourceDefinition);
  return {
    metadata: metaView(metadata),
    group: spec.group,
    names: spec.names,
    accepted: status?.acceptedNames ?? { plural: "", kind: "" },
    conditions: status?.conditions ?? [],
    ...(approval ? { approval: [approval] } : {}),
  };
}
