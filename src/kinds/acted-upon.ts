/**
 * What nothing acts upon yet. These objects are stored, validated, defaulted and watched, and that is all that happens: a line goes
 * with the part of the product that comes. docs/resources.md shows the list to users.
 */

/** By group-resource, as the log names it: what a stock cluster does with such objects. */
export const AWAITED: ReadonlyMap<string, string> = new Map([
  ["apiservices.apiregistration.k8s.io", "relays requests to the Services behind them"],
  ["cronjobs.batch", "makes Jobs by the schedule"],
  ["csidrivers.storage.k8s.io", "mounts volumes of drivers"],
  ["csinodes.storage.k8s.io", "schedules by limits of volumes"],
  ["csistoragecapacities.storage.k8s.io", "schedules by capacity of volumes"],
  [
    "customresourcedefinitions.apiextensions.k8s.io",
    "serves the resources that they define: names are accepted, none is Established",
  ],
  ["daemonsets.apps", "makes a Pod on each node"],
  ["deviceclasses.resource.k8s.io", "allocates devices"],
  ["endpoints", "mirrors them to EndpointSlices"],
  ["horizontalpodautoscalers.autoscaling", "scales by metrics"],
  ["ingressclasses.networking.k8s.io", "chooses an ingress controller"],
  ["ingresses.networking.k8s.io", "routes by them (an ingress controller)"],
  ["jobs.batch", "makes Pods that run to completion"],
  ["mutatingadmissionpolicies.admissionregistration.k8s.io", "changes what is admitted"],
  ["mutatingadmissionpolicybindings.admissionregistration.k8s.io", "changes what is admitted"],
  ["mutatingwebhookconfigurations.admissionregistration.k8s.io", "calls the webhooks"],
  ["networkpolicies.networking.k8s.io", "filters traffic on the nodes"],
  ["persistentvolumeclaims", "binds them to volumes, mounts these"],
  ["persistentvolumes", "binds them to claims, reclaims"],
  ["replicationcontrollers", "makes their Pods"],
  ["resourceclaims.resource.k8s.io", "allocates devices"],
  ["resourceclaimtemplates.resource.k8s.io", "makes claims for the Pods that name them"],
  ["resourceslices.resource.k8s.io", "allocates devices"],
  ["runtimeclasses.node.k8s.io", "chooses handlers on the nodes"],
  ["statefulsets.apps", "makes Pods with names and volumes of their own"],
  ["storageclasses.storage.k8s.io", "provisions volumes"],
  ["validatingadmissionpolicies.admissionregistration.k8s.io", "judges what is admitted"],
  ["validatingadmissionpolicybindings.admissionregistration.k8s.io", "judges what is admitted"],
  ["validatingwebhookconfigurations.admissionregistration.k8s.io", "calls the webhooks"],
  ["volumeattachments.storage.k8s.io", "attaches volumes"],
  ["volumeattributesclasses.storage.k8s.io", "changes volumes"],
]);
