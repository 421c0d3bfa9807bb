/**
 * Which plugins take part: the names that `--enable-admission-plugins` and `--disable-admission-plugins` of kube-apiserver know, so far
 * as Gantry has them. What a kube-apiserver checks elsewhere
 * (RoleEscalation, DeviceAdminAccess) cannot be switched off.
 */

/** In neither list: as by default. */
export interface PluginChoice {
  enable: readonly string[];
  disable: readonly string[];
}

/** Whether each is on where nobody says otherwise: as in kube-apiserver, but for DenyServiceExternalIPs. */
const PLUGINS: Readonly<Record<string, "on" | "off">> = {
  NamespaceLifecycle: "on",
  LimitPodHardAntiAffinityTopology: "off",
  LimitRanger: "on",
  ServiceAccount: "on",
  NodeRestriction: "on",
  TaintNodesByCondition: "on",
  AlwaysPullImages: "off",
  PodSecurity: "on",
  PodNodeSelector: "off",
  Priority: "on",
  DefaultTolerationSeconds: "on",
  PodTolerationRestriction: "off",
  ExtendedResourceToleration: "off",
  DefaultStorageClass: "on",
  StorageObjectInUseProtection: "on",
  OwnerReferencesPermissionEnforcement: "off",
  PersistentVolumeClaimResize: "on",
  RuntimeClass: "on",
  CertificateApproval: "on",
  CertificateSigning: "on",
  CertificateSubjectRestriction: "on",
  DefaultIngressClass: "on",
  DenyServiceExternalIPs: "on",
  PodTopologyLabels: "on",
  PodResizeValidator: "on",
  ResourceQuota: "on",
};

/** What is wrong with a choice, in one line; undefined where nothing is. */
export function pluginChoiceFault({ enable, disable }: PluginChoice): string | undefined {
  for (const [option, names] of Object.entries({ enable, disable })) {
    const unknown = names.find((name) => !Object.hasOwn(PLUGINS, name));
    if (unknown === undefined) continue;
    const known = Object.keys(PLUGINS).toSorted().join(", ");
    return `${option}-admission-plugins plugin ${JSON.stringify(unknown)} is unknown; those that there are: ${known}`;
  }
  const both = enable.filter((name) => disable.includes(name));
  if (both.length === 0) return undefined;
  return `${both.join(", ")} in enable-admission-plugins and disable-admission-plugins overlapped`;
}

/** Names that no option knows are always on. */
export function isPluginOn(name: string, { enable, disable }: PluginChoice): boolean {
  if (!Object.hasOwn(PLUGINS, name)) return true;
  return PLUGINS[name] === "on" ? !disable.includes(name) : enable.includes(name);
}

/** "A, B" of an option or a variable. @throws TypeError with the fault */
export function parsePluginChoice(options: { enable: string | undefined; disable: string | undefined }): PluginChoice {
  const choice = { enable: namesOf(options.enable), disable: namesOf(options.disable) };
  const fault = pluginChoiceFault(choice);
  if (fault !== undefined) throw new TypeError(fault);
  return choice;
}

function namesOf(text = ""): string[] {
  return text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
