/** Whether a FlowSchema names a level that there is: the condition Dangling of k8s.io/apiserver/pkg/util/flowcontrol/apf_controller.go. */
import type { FlowSchemaView } from "../../controller-runtime/views/other-views.ts";

export interface DanglingCondition {
  type: "Dangling";
  status: "True" | "False";
  reason: "NotFound" | "Found";
  message: string;
}

/** Undefined: what is stored says so already. */
export function planDangling({ level, dangling }: FlowSchemaView, exists: boolean): DanglingCondition | undefined {
  const named = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`;
  const wanted: DanglingCondition = exists
    ? { type: "Dangling", status: "False", reason: "Found", message: `${named} and it exists` }
    : { type: "Dangling", status: "True", reason: "NotFound", message: `${named} but there is no such object` };
  const same = dangling?.status === wanted.status && dangling.message === wanted.message;
  return same && dangling.reason === wanted.reason ? undefined : wanted;
}
