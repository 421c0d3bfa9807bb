/** /etc/hosts of a pod, in kubelet's layout. */
import { podFqdn, podHostname } from "../pods/container-config.ts";
import type { Pod } from "../pods/pod.ts";

const LOCAL_NAMES = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::0\tip6-localnet",
  "fe00::0\tip6-mcastprefix",
  "fe00::1\tip6-allnodes",
  "fe00::2\tip6-allrouters",
];

export function hostsFile(pod: Pod, at: { podIps: readonly string[]; hostFile: string; dnsDomain: string }): string {
  const aliases = (pod.spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => [ip, ...hostnames].join("\t"));
  const tail = aliases.length === 0 ? "" : `\n# Entries added by HostAliases.\n${aliases.join("\n")}\n`;
  if (pod.spec.hostNetwork === true) return `# Kubernetes-managed hosts file (host network).\n${at.hostFile}${tail}`;
  const fqdn = podFqdn(pod, at.dnsDomain);
  const names = fqdn === undefined ? podHostname(pod) : `${fqdn}\t${podHostname(pod)}`;
  const own = at.podIps.map((ip) => `${ip}\t${names}`);
  return `# Kubernetes-managed hosts file.\n${[...LOCAL_NAMES, ...own].join("\n")}\n${tail}`;
}
