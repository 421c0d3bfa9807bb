/** The built-in kinds, one line each. */
import type { KindDefinition } from "../registry/kind.ts";
import { mutatingAdmissionPolicyKind } from "./admissionregistration/mutatingadmissionpolicies/kind.ts";
import { mutatingAdmissionPolicyBindingKind } from "./admissionregistration/mutatingadmissionpolicybindings/kind.ts";
import { mutatingWebhookConfigurationKind } from "./admissionregistration/mutatingwebhookconfigurations/kind.ts";
import { validatingAdmissionPolicyKind } from "./admissionregistration/validatingadmissionpolicies/kind.ts";
import { validatingAdmissionPolicyBindingKind } from "./admissionregistration/validatingadmissionpolicybindings/kind.ts";
import { validatingWebhookConfigurationKind } from "./admissionregistration/validatingwebhookconfigurations/kind.ts";
import { customResourceDefinitionKind } from "./apiextensions/customresourcedefinitions/kind.ts";
import { apiServiceKind } from "./apiregistration/apiservices/kind.ts";
import { controllerRevisionKind } from "./apps/controllerrevisions/kind.ts";
import { daemonSetKind } from "./apps/daemonsets/kind.ts";
import { deploymentKind } from "./apps/deployments/kind.ts";
import { replicaSetKind } from "./apps/replicasets/kind.ts";
import { statefulSetKind } from "./apps/statefulsets/kind.ts";
import {
  horizontalPodAutoscalerKind,
  horizontalPodAutoscalerKindV1,
} from "./autoscaling/horizontalpodautoscalers/kind.ts";
import { cronJobKind } from "./batch/cronjobs/kind.ts";
import { jobKind } from "./batch/jobs/kind.ts";
import { certificateSigningRequestKind } from "./certificates/certificatesigningrequests/kind.ts";
import { leaseKind } from "./coordination/leases/kind.ts";
import { bindingKind } from "./core/bindings/kind.ts";
import { componentStatusKind } from "./core/componentstatuses/kind.ts";
import { configMapKind } from "./core/configmaps/kind.ts";
import { endpointsKind } from "./core/endpoints/kind.ts";
import { eventKind } from "./core/events/kind.ts";
import { limitRangeKind } from "./core/limitranges/kind.ts";
import { namespaceKind } from "./core/namespaces/kind.ts";
import { nodeKind } from "./core/nodes/kind.ts";
import { persistentVolumeClaimKind } from "./core/persistentvolumeclaims/kind.ts";
import { persistentVolumeKind } from "./core/persistentvolumes/kind.ts";
import { podKind } from "./core/pods/kind.ts";
import { podTemplateKind } from "./core/podtemplates/kind.ts";
import { replicationControllerKind } from "./core/replicationcontrollers/kind.ts";
import { resourceQuotaKind } from "./core/resourcequotas/kind.ts";
import { secretKind } from "./core/secrets/kind.ts";
import { serviceAccountKind } from "./core/serviceaccounts/kind.ts";
import { serviceKind } from "./core/services/kind.ts";
import { endpointSliceKind } from "./discovery/endpointslices/kind.ts";
import { eventsEventKind } from "./events/events/kind.ts";
import { flowSchemaKind } from "./flowcontrol/flowschemas/kind.ts";
import { priorityLevelConfigurationKind } from "./flowcontrol/prioritylevelconfigurations/kind.ts";
import { ingressClassKind } from "./networking/ingressclasses/kind.ts";
import { ingressKind } from "./networking/ingresses/kind.ts";
import { ipAddressKind } from "./networking/ipaddresses/kind.ts";
import { networkPolicyKind } from "./networking/networkpolicies/kind.ts";
import { serviceCidrKind } from "./networking/servicecidrs/kind.ts";
import { runtimeClassKind } from "./node/runtimeclasses/kind.ts";
import { podDisruptionBudgetKind } from "./policy/poddisruptionbudgets/kind.ts";
import { clusterRoleBindingKind } from "./rbac/clusterrolebindings/kind.ts";
import { clusterRoleKind } from "./rbac/clusterroles/kind.ts";
import { roleBindingKind } from "./rbac/rolebindings/kind.ts";
import { roleKind } from "./rbac/roles/kind.ts";
import { deviceClassKind } from "./resource/deviceclasses/kind.ts";
import { resourceClaimKind } from "./resource/resourceclaims/kind.ts";
import { resourceClaimTemplateKind } from "./resource/resourceclaimtemplates/kind.ts";
import { resourceSliceKind } from "./resource/resourceslices/kind.ts";
import { priorityClassKind } from "./scheduling/priorityclasses/kind.ts";
import { csiDriverKind } from "./storage/csidrivers/kind.ts";
import { csiNodeKind } from "./storage/csinodes/kind.ts";
import { csiStorageCapacityKind } from "./storage/csistoragecapacities/kind.ts";
import { storageClassKind } from "./storage/storageclasses/kind.ts";
import { volumeAttachmentKind } from "./storage/volumeattachments/kind.ts";
import { volumeAttributesClassKind } from "./storage/volumeattributesclasses/kind.ts";

export const kinds: readonly KindDefinition[] = [
  bindingKind,
  componentStatusKind,
  configMapKind,
  endpointsKind,
  eventKind,
  limitRangeKind,
  namespaceKind,
  nodeKind,
  persistentVolumeClaimKind,
  persistentVolumeKind,
  podKind,
  podTemplateKind,
  replicationControllerKind,
  resourceQuotaKind,
  secretKind,
  serviceAccountKind,
  serviceKind,
  controllerRevisionKind,
  daemonSetKind,
  deploymentKind,
  replicaSetKind,
  statefulSetKind,
  cronJobKind,
  jobKind,
  horizontalPodAutoscalerKind,
  horizontalPodAutoscalerKindV1,
  eventsEventKind,
  ingressClassKind,
  ingressKind,
  ipAddressKind,
  networkPolicyKind,
  serviceCidrKind,
  podDisruptionBudgetKind,
  clusterRoleBindingKind,
  clusterRoleKind,
  roleBindingKind,
  roleKind,
  csiDriverKind,
  csiNodeKind,
  csiStorageCapacityKind,
  storageClassKind,
  volumeAttachmentKind,
  volumeAttributesClassKind,
  mutatingAdmissionPolicyKind,
  mutatingAdmissionPolicyBindingKind,
  mutatingWebhookConfigurationKind,
  validatingAdmissionPolicyKind,
  validatingAdmissionPolicyBindingKind,
  validatingWebhookConfigurationKind,
  customResourceDefinitionKind,
  apiServiceKind,
  certificateSigningRequestKind,
  leaseKind,
  endpointSliceKind,
  flowSchemaKind,
  priorityLevelConfigurationKind,
  runtimeClassKind,
  deviceClassKind,
  resourceClaimKind,
  resourceClaimTemplateKind,
  resourceSliceKind,
  priorityClassKind,
];
