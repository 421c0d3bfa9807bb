/**
 * Defaults that the authors of the API types wrote down beside a field (`+default=` in k8s.io/api v0.36), by definition and field.
 * The published OpenAPI v2 has none of them; version 3 and server-side apply need them: a protocol is part of a port's key.
 */

const CORE = "io.k8s.api.core.v1";
const RBD = { pool: "rbd", user: "admin", keyring: "/etc/ceph/keyring" };
const SCALE_IO = { storageMode: "ThinProvisioned", fsType: "xfs" };
const ISCSI = { iscsiInterface: "default" };
const TCP = { protocol: "TCP" };
const TOLERATION = { operator: "Equal" };
const POD_CERTIFICATE = { maxExpirationSeconds: 86400 };

export const publishedDefaults: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  [`${CORE}.AzureDiskVolumeSource`]: { cachingMode: "ReadWrite", fsType: "ext4", readOnly: false, kind: "Shared" },
  [`${CORE}.ContainerPort`]: TCP,
  [`${CORE}.FileKeySelector`]: { optional: false },
  [`${CORE}.GRPCAction`]: { service: "" },
  [`${CORE}.ISCSIPersistentVolumeSource`]: ISCSI,
  [`${CORE}.ISCSIVolumeSource`]: ISCSI,
  [`${CORE}.LocalObjectReference`]: { name: "" },
  [`${CORE}.RBDPersistentVolumeSource`]: RBD,
  [`${CORE}.RBDVolumeSource`]: RBD,
  [`${CORE}.ReplicationControllerSpec`]: { replicas: 1, minReadySeconds: 0 },
  [`${CORE}.ScaleIOPersistentVolumeSource`]: SCALE_IO,
  [`${CORE}.ScaleIOVolumeSource`]: SCALE_IO,
  [`${CORE}.ServicePort`]: TCP,
  "io.k8s.api.autoscaling.v1.ScaleSpec": { replicas: 0 },
  "io.k8s.api.certificates.v1beta1.PodCertificateRequestSpec": POD_CERTIFICATE,
  "io.k8s.api.resource.v1.DeviceToleration": TOLERATION,
  "io.k8s.api.resource.v1alpha3.ResourcePoolStatusRequestSpec": { limit: 100 },
  "io.k8s.api.resource.v1beta1.DeviceToleration": TOLERATION,
  "io.k8s.api.resource.v1beta2.DeviceToleration": TOLERATION,
};
