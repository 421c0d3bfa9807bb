/** Conformance tests that cannot pass without what is not there, and what that is. What a pattern no longer needs is taken out. */
export const NOT_RUN: readonly { tests: RegExp; needs: string }[] = [
  {
    needs: "containers that run",
    tests:
      /sig-storage\] (ConfigMap|Secrets) (?!should be immutable)|sig-storage\] (Downward|EmptyDir|Projected|Subpath)|sig-network\] (DNS|HostPort|Networking|Proxy)|sig-network\] EndpointSlice should support a Service|sig-node\] (Container|Downward|ImageVolume|Init|Kubelet|PreStop|Probing|Security|Sysctls|Variable)|sig-node\] Ephemeral|InPlace|consumable|websockets|environment variables for services|activeDeadlineSeconds|issue 500|ServiceAccounts.* mount|automount|IssuerDiscovery|ReplicaSet should serve|(affinity|functioning|serve .*endpoint|same port)|Guestbook|kubectl logs|Kubectl logs|Service endpoints latency/,
  },
  {
    needs: "controllers of other workloads",
    tests:
      /sig-apps\] (ControllerRevision|CronJob (?!should support)|Daemon set|Job|StatefulSet|ReplicationController)|Garbage collector .*(\brc\b|valid owner)|change the type|Update Demo|Kubectl (describe|expose|patch)/,
  },
  { needs: "controllers of Endpoints", tests: /EndpointsController|EndpointSliceMirroring/ },
  {
    needs: "custom resources that are served",
    tests: /CustomResource(?!Definition resources .*should include)|FieldValidation .*CR\b|for CRDs/,
  },
  {
    needs: "webhooks and policies that are asked",
    tests:
      /AdmissionWebhook .*(deny|honor|mutate|unconditionally|listing|patching|should not)|AdmissionPolicy .*should (mutate|validate|allow)/,
  },
  { needs: "aggregated API servers", tests: /Aggregator/ },
  { needs: "waiting for half an hour", tests: /\[Slow\]/ },
];
