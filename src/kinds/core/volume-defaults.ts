/** What sources of volumes get where nothing is said, in pods and in PersistentVolumes alike: pkg/apis/core/v1/defaults.go. */

const DEFAULTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  hostPath: { type: "" },
  iscsi: { iscsiInterface: "default" },
  rbd: { pool: "rbd", user: "admin", keyring: "/etc/ceph/keyring" },
  azureDisk: { cachingMode: "ReadWrite", kind: "Shared", fsType: "ext4", readOnly: false },
  scaleIO: { storageMode: "ThinProvisioned", fsType: "xfs" },
};

/** `of` holds sources by their names. Changes them. */
export function defaultVolumeSources(of: Record<string, unknown>): void {
  for (const name in DEFAULTS) {
    const source = of[name] as Record<string, unknown> | undefined;
    if (source) of[name] = { ...DEFAULTS[name], ...withoutEmpty(source, name) };
  }
}

/** An empty text is as good as none, but for the type of a path, where it means something. */
function withoutEmpty(source: Record<string, unknown>, name: string): Record<string, unknown> {
  if (name === "hostPath") return source;
  return Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ""));
}
