/**
 * The columns of every kind's table as a stock server defines them: names, types, formats, and which of them `-o wide` alone shows.
 * kubernetes/pkg/printers/internalversion/printers.go (AddHandlers); k8s.io/kube-aggregator/pkg/registry/apiservice/etcd for APIServices;
 * k8s.io/apiserver/pkg/registry/rest/table.go for kinds without a table of their own.
 */
import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kinds/index.ts";
import { columnDefinitions } from "../../src/http/table.ts";

/** A column is a name, and where it is no plain text ":" and its type; "*" stands before those that are wide. */
const TEMPLATE = "*Containers, *Images";
const SCALED = "Name, Desired:integer, Current:integer, Ready:integer, Age, *Containers, *Images, *Selector";
const EVENT = "Last Seen, Type, Reason, Object, *Subobject, *Source, Message, *First Seen, *Count, *Name";
const AUTOSCALER = "Name, Reference, Targets, MinPods, MaxPods, Replicas, Age";
const BINDING = "Name, Role, Age, *Users, *Groups, *ServiceAccounts";
const POLICY_BINDING = "Name, PolicyName, ParamRef, Age";
const WEBHOOKS = "Name, Webhooks:integer, Age";
const CREATED = "Name, Created At:date";

const STOCK: Readonly<Record<string, string>> = {
  "/v1/componentstatuses": "Name, Status, Message, Error",
  "/v1/configmaps": "Name, Data, Age",
  "/v1/endpoints": "Name, Endpoints, Age",
  "/v1/events": EVENT,
  "/v1/limitranges": CREATED,
  "/v1/namespaces": "Name, Status, Age",
  "/v1/nodes":
    "Name, Status, Roles, Age, Version, *Internal-IP, *External-IP, *OS-Image, *Kernel-Version, *Container-Runtime",
  "/v1/persistentvolumeclaims":
    "Name, Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age, *VolumeMode",
  "/v1/persistentvolumes":
    "Name, Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, VolumeAttributesClass, Reason, Age, *VolumeMode",
  "/v1/pods": "Name, Ready, Status, Restarts, Age, *IP, *Node, *Nominated Node, *Readiness Gates",
  "/v1/podtemplates": "Name, Containers, Images, Pod Labels",
  "/v1/replicationcontrollers": SCALED,
  "/v1/resourcequotas": "Name, Request, Limit, Age",
  "/v1/secrets": "Name, Type, Data, Age",
  "/v1/serviceaccounts": "Name, Age",
  "/v1/services": "Name, Type, Cluster-IP, External-IP, Port(s), Age, *Selector",
  "apps/v1/controllerrevisions": "Name, Controller, Revision, Age",
  "apps/v1/daemonsets": `Name, Desired:integer, Current:integer, Ready:integer, Up-to-date:integer, Available:integer, Node Selector, Age, ${TEMPLATE}, *Selector`,
  "apps/v1/deployments": `Name, Ready, Up-to-date, Available, Age, ${TEMPLATE}, *Selector`,
  "apps/v1/replicasets": SCALED,
  "apps/v1/statefulsets": `Name, Ready, Age, ${TEMPLATE}`,
  "batch/v1/cronjobs": `Name, Schedule, Timezone, Suspend:boolean, Active:integer, Last Schedule, Age, ${TEMPLATE}, *Selector`,
  "batch/v1/jobs": `Name, Status, Completions, Duration, Age, ${TEMPLATE}, *Selector`,
  "autoscaling/v1/horizontalpodautoscalers": AUTOSCALER,
  "autoscaling/v2/horizontalpodautoscalers": AUTOSCALER,
  "events.k8s.io/v1/events": EVENT,
  "networking.k8s.io/v1/ingressclasses": "Name, Controller, Parameters, Age",
  "networking.k8s.io/v1/ingresses": "Name, Class, Hosts, Address, Ports, Age",
  "networking.k8s.io/v1/ipaddresses": "Name, ParentRef",
  "networking.k8s.io/v1/networkpolicies": "Name, Pod-Selector, Age",
  "networking.k8s.io/v1/servicecidrs": "Name, CIDRs, Age",
  "policy/v1/poddisruptionbudgets": "Name, Min Available, Max Unavailable, Allowed Disruptions:integer, Age",
  "rbac.authorization.k8s.io/v1/clusterrolebindings": BINDING,
  "rbac.authorization.k8s.io/v1/clusterroles": CREATED,
  "rbac.authorization.k8s.io/v1/rolebindings": BINDING,
  "rbac.authorization.k8s.io/v1/roles": CREATED,
  "storage.k8s.io/v1/csidrivers":
    "Name, AttachRequired:boolean, PodInfoOnMount:boolean, StorageCapacity:boolean, TokenRequests, RequiresRepublish:boolean, Modes, Age",
  "storage.k8s.io/v1/csinodes": "Name, Drivers:integer, Age",
  "storage.k8s.io/v1/csistoragecapacities": "Name, StorageClassName, Capacity",
  "storage.k8s.io/v1/storageclasses": "Name, Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age",
  "storage.k8s.io/v1/volumeattachments": "Name, Attacher:name, PV, Node, Attached:boolean, Age",
  "storage.k8s.io/v1/volumeattributesclasses": "Name, DriverName, Age",
  "admissionregistration.k8s.io/v1/mutatingadmissionpolicies": "Name, Mutations:integer, ParamKind, Age",
  "admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings": POLICY_BINDING,
  "admissionregistration.k8s.io/v1/mutatingwebhookconfigurations": WEBHOOKS,
  "admissionregistration.k8s.io/v1/validatingadmissionpolicies": "Name, Validations:integer, ParamKind, Age",
  "admissionregistration.k8s.io/v1/validatingadmissionpolicybindings": POLICY_BINDING,
  "admissionregistration.k8s.io/v1/validatingwebhookconfigurations": WEBHOOKS,
  "apiextensions.k8s.io/v1/customresourcedefinitions": CREATED,
  "apiregistration.k8s.io/v1/apiservices": "Name, Service, Available, Age",
  "certificates.k8s.io/v1/certificatesigningrequests": "Name, Age, SignerName, Requestor, RequestedDuration, Condition",
  "coordination.k8s.io/v1/leases": "Name, Holder, Age",
  "discovery.k8s.io/v1/endpointslices": "Name, AddressType, Ports, Endpoints, Age",
  "flowcontrol.apiserver.k8s.io/v1/flowschemas":
    "Name, PriorityLevel, MatchingPrecedence, DistinguisherMethod, Age, MissingPL",
  "flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations":
    "Name, Type, NominalConcurrencyShares, Queues, HandSize, QueueLengthLimit, Age",
  "node.k8s.io/v1/runtimeclasses": "Name, Handler, Age",
  "resource.k8s.io/v1/deviceclasses": "Name, Age",
  "resource.k8s.io/v1/resourceclaims": "Name, State, Age",
  "resource.k8s.io/v1/resourceclaimtemplates": "Name, Age",
  "resource.k8s.io/v1/resourceslices": "Name, Node, Driver, Pool, Age",
  "scheduling.k8s.io/v1/priorityclasses": "Name, Value:integer, Global-Default:boolean, Age, PreemptionPolicy",
};

const keyOf = ({ group, version, plural }: { group: string; version: string; plural: string }) =>
  `${group}/${version}/${plural}`;

interface Definition {
  name: string;
  type: string;
  format: string;
  priority: number;
  description: string;
}

function asText({ name, type, format, priority }: Definition): string {
  const kind = type !== "string" ? `:${type}` : format === "name" && name !== "Name" ? ":name" : "";
  return `${priority === 1 ? "*" : ""}${name}${kind}`;
}

describe("the columns of", () => {
  // A Binding is created and never read.
  const printed = kinds.filter(({ verbs }) => verbs.includes("get"));

  it.each(printed.map((kind) => [keyOf(kind), kind] as const))("%s", (key, kind) => {
    const definitions = columnDefinitions({ kind }) as Definition[];
    expect(definitions.map(asText).join(", ")).toBe(STOCK[key]);
    expect(definitions.find(({ name }) => name === "Name")?.format).toBe("name");
    expect(definitions.filter(({ description }) => description === "")).toEqual([]);
  });

  it("nothing that is not served", () => {
    const served = new Set(printed.map(keyOf));
    expect(Object.keys(STOCK).filter((key) => !served.has(key))).toEqual([]);
  });
});
