import { describe, expect, test } from "vitest";
import type { DeploymentView, ReplicaSetView } from "../../controller-runtime/views/workload-views.ts";
import type { DeploymentCondition, DeploymentStatus } from "../../kinds/apps/deployments/types.ts";
import { formatTime } from "../../machinery/meta.ts";
import { deployment, NOW_MS, rolled } from "../../controller-runtime/views.fixture.ts";
import { planStatus } from "./status.ts";

const ago = (seconds: number): string => formatTime(NOW_MS - seconds * 1000);

function progressing(
  reason: string,
  secondsAgo = 10,
  status: DeploymentCondition["status"] = "True",
): DeploymentCondition {
  const time = ago(secondsAgo);
  return { type: "Progressing", status, reason, message: "", lastUpdateTime: time, lastTransitionTime: time };
}

function plan(
  sets: { current?: ReplicaSetView; old?: ReplicaSetView[] },
  status: DeploymentStatus,
  more: Partial<DeploymentView> & { created?: boolean; failure?: string } = {},
) {
  const { created, failure, ...parts } = more;
  const { current, old = [] } = sets;
  return planStatus({
    deployment: deployment({ status, ...parts }),
    current,
    all: current ? [current, ...old] : old,
    nowMs: NOW_MS,
    ...(created === undefined ? {} : { created }),
    ...(failure === undefined ? {} : { failure }),
  });
}

const conditionOf = (status: DeploymentStatus, type: string) =>
  status.conditions?.find((condition) => condition.type === type);
const said = (status: DeploymentStatus, type = "Progressing") => {
  const { status: is, reason, message } = conditionOf(status, type) ?? {};
  return [is, reason, message];
};

test("counts over all ReplicaSets", () => {
  const { status } = plan({ current: rolled("new", 1, 0), old: [rolled("old", 3, 3)] }, {});
  expect(status).toMatchObject({
    observedGeneration: 1,
    replicas: 4,
    updatedReplicas: 1,
    readyReplicas: 3,
    availableReplicas: 3,
    unavailableReplicas: 1,
  });
});

test.each([
  [3, "True", "MinimumReplicasAvailable", "Deployment has minimum availability."],
  [2, "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."],
])("%i of 3 available", (available, ...expected) => {
  expect(said(plan({ current: rolled("new", 3, available) }, {}).status, "Available")).toEqual(expected);
});

describe("progress", () => {
  test("a new ReplicaSet was created", () => {
    const { status } = plan({ current: rolled("web-1", 0, 0) }, {}, { created: true });
    expect(said(status)).toEqual(["True", "NewReplicaSetCreated", 'Created new replica set "web-1"']);
  });

  test("each step restarts the deadline, but is no transition", () => {
    const before = { conditions: [progressing("ReplicaSetUpdated", 500)], updatedReplicas: 1, replicas: 1 };
    const { status } = plan({ current: rolled("web-1", 2, 0) }, before);
    expect(said(status)).toEqual(["True", "ReplicaSetUpdated", 'ReplicaSet "web-1" is progressing.']);
    expect(conditionOf(status, "Progressing")).toMatchObject({ lastUpdateTime: ago(0), lastTransitionTime: ago(500) });
  });

  test("all new ones are available: done, and it stays done when a pod fails later", () => {
    const { status } = plan({ current: rolled("web-1", 3, 3) }, { conditions: [progressing("ReplicaSetUpdated")] });
    expect(said(status)).toEqual(["True", "NewReplicaSetAvailable", 'ReplicaSet "web-1" has successfully progressed.']);
    const later = plan(
      { current: rolled("web-1", 3, 1) },
      { ...status, conditions: [progressing("NewReplicaSetAvailable", 9_999)] },
    );
    expect(said(later.status).slice(0, 2)).toEqual(["True", "NewReplicaSetAvailable"]);
    expect(later.againAfterMs).toBeUndefined();
  });

  test("no step within the deadline", () => {
    const current = rolled("web-1", 3, 0);
    const stuck = { replicas: 3, updatedReplicas: 3, observedGeneration: 1 };
    const waiting = plan({ current }, { ...stuck, conditions: [progressing("ReplicaSetUpdated", 590)] });
    expect(said(waiting.status)[1]).toBe("ReplicaSetUpdated");
    expect(waiting.againAfterMs).toBe(11_000);
    const late = plan({ current }, { ...stuck, conditions: [progressing("ReplicaSetUpdated", 601)] });
    expect(said(late.status)).toEqual([
      "False",
      "ProgressDeadlineExceeded",
      'ReplicaSet "web-1" has timed out progressing.',
    ]);
    const still = plan({ current }, late.status);
    expect([still.changed, still.againAfterMs]).toEqual([false, undefined]);
    // And it can still succeed.
    expect(said(plan({ current: rolled("web-1", 3, 3) }, late.status).status)[1]).toBe("NewReplicaSetAvailable");
  });

  test("without a deadline there is no such condition", () => {
    const parts = { progressDeadlineSeconds: undefined };
    const { status } = plan(
      { current: rolled("web-1", 3, 3) },
      { conditions: [progressing("ReplicaSetUpdated")] },
      parts,
    );
    expect(conditionOf(status, "Progressing")).toBeUndefined();
  });

  test("paused and resumed", () => {
    const { status } = plan(
      { current: rolled("web-1", 3, 1) },
      { conditions: [progressing("ReplicaSetUpdated")] },
      { paused: true },
    );
    expect(said(status)).toEqual(["Unknown", "DeploymentPaused", "Deployment is paused"]);
    const resumed = plan({ current: rolled("web-1", 3, 1) }, status);
    expect(said(resumed.status)).toEqual(["Unknown", "DeploymentResumed", "Deployment is resumed"]);
  });

  test("the new ReplicaSet cannot be made", () => {
    expect(said(plan({}, {}, { failure: "quota" }).status)).toEqual(["False", "ReplicaSetCreateError", "quota"]);
  });
});

test("a ReplicaSet that cannot make pods is the Deployment's failure, until it can", () => {
  const current = rolled("web-1", 3, 0);
  current.status.conditions = [{ type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "quota" }];
  const { status } = plan({ current }, {});
  expect(said(status, "ReplicaFailure")).toEqual(["True", "FailedCreate", "quota"]);
  expect(conditionOf(plan({ current: rolled("web-1", 3, 0) }, status).status, "ReplicaFailure")).toBeUndefined();
});

test("the same again is no change, whatever the server leaves out", () => {
  const { status } = plan({ current: rolled("web-1", 3, 3) }, {});
  const { unavailableReplicas: _none, terminatingReplicas: _zero, ...stored } = status;
  expect(plan({ current: rolled("web-1", 3, 3) }, stored).changed).toBe(false);
});
