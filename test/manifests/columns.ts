/**
 * What kubectl shows of the first example of each kind, under the status that statuses.ts gives it, 26 hours after it was made: header and
 * row, with two spaces between cells. Columns and cells: kubernetes/pkg/printers/internalversion/printers.go (print… of each kind),
 * k8s.io/kube-aggregator/pkg/registry/apiservice/storage for APIServices, the default table of k8s.io/apiserver/pkg/registry/rest for
 * definitions. `wide` is absent where -o wide adds nothing.
 */
export const columns: Readonly<Record<string, { get: readonly string[]; wide?: readonly string[] }>> = {
  "/v1/configmaps": { get: ["NAME  DATA  AGE", "game-demo  4  26h"] },
  "/v1/endpoints": { get: ["NAME  ENDPOINTS  AGE", "without-selector  192.0.2.42:9376,192.0.2.43:9376  26h"] },
  "/v1/events": {
    get: [
      "LAST SEEN  TYPE  REASON  OBJECT  MESSAGE",
      '182d  Normal  Pulled  pod/web-0  Container image "nginx" already present on machine',
    ],
    wide: [
      "LAST SEEN  TYPE  REASON  OBJECT  SUBOBJECT  SOURCE  MESSAGE  FIRST SEEN  COUNT  NAME",
      '182d  Normal  Pulled  pod/web-0  spec.containers{nginx}  kubelet, node-1  Container image "nginx" already present on machine  182d  3  web-0.17f2c3e4a5b6c7d8',
    ],
  },
  "/v1/limitranges": { get: ["NAME  CREATED AT", "cpu-resource-constraint  2026-07-01T12:00:00Z"] },
  "/v1/namespaces": { get: ["NAME  STATUS  AGE", "team-a  Active  26h"] },
  "/v1/nodes": {
    get: ["NAME  STATUS  ROLES  AGE  VERSION", "node-7  Ready  worker  26h  "],
    wide: [
      "NAME  STATUS  ROLES  AGE  VERSION  INTERNAL-IP  EXTERNAL-IP  OS-IMAGE  KERNEL-VERSION  CONTAINER-RUNTIME",
      "node-7  Ready  worker  26h    <none>  <none>  <unknown>  <unknown>  <unknown>",
    ],
  },
  "/v1/persistentvolumeclaims": {
    get: [
      "NAME  STATUS  VOLUME  CAPACITY  ACCESS MODES  STORAGECLASS  VOLUMEATTRIBUTESCLASS  AGE",
      "myclaim  Bound        slow  <unset>  26h",
    ],
    wide: [
      "NAME  STATUS  VOLUME  CAPACITY  ACCESS MODES  STORAGECLASS  VOLUMEATTRIBUTESCLASS  AGE  VOLUMEMODE",
      "myclaim  Bound        slow  <unset>  26h  Filesystem",
    ],
  },
  "/v1/persistentvolumes": {
    get: [
      "NAME  CAPACITY  ACCESS MODES  RECLAIM POLICY  STATUS  CLAIM  STORAGECLASS  VOLUMEATTRIBUTESCLASS  REASON  AGE",
      "pv0003  5Gi  RWO  Recycle  Released    slow  <unset>  Tried  26h",
    ],
    wide: [
      "NAME  CAPACITY  ACCESS MODES  RECLAIM POLICY  STATUS  CLAIM  STORAGECLASS  VOLUMEATTRIBUTESCLASS  REASON  AGE  VOLUMEMODE",
      "pv0003  5Gi  RWO  Recycle  Released    slow  <unset>  Tried  26h  Filesystem",
    ],
  },
  "/v1/pods": {
    get: ["NAME  READY  STATUS  RESTARTS  AGE", "busybox-sleep  0/1  Running  0  26h"],
    wide: [
      "NAME  READY  STATUS  RESTARTS  AGE  IP  NODE  NOMINATED NODE  READINESS GATES",
      "busybox-sleep  0/1  Running  0  26h  10.1.2.3  <none>  <none>  <none>",
    ],
  },
  "/v1/podtemplates": {
    get: ["NAME  CONTAINERS  IMAGES  POD LABELS", "worker-template  worker  worker:1  app=worker"],
  },
  "/v1/replicationcontrollers": {
    get: ["NAME  DESIRED  CURRENT  READY  AGE", "nginx  3  1  1  26h"],
    wide: [
      "NAME  DESIRED  CURRENT  READY  AGE  CONTAINERS  IMAGES  SELECTOR",
      "nginx  3  1  1  26h  nginx  nginx  app=nginx",
    ],
  },
  "/v1/resourcequotas": { get: ["NAME  REQUEST  LIMIT  AGE", "compute-resources  pods: 1/4    26h"] },
  "/v1/secrets": { get: ["NAME  TYPE  DATA  AGE", "opaque  Opaque  2  26h"] },
  "/v1/serviceaccounts": { get: ["NAME  AGE", "build-robot  26h"] },
  "/v1/services": {
    get: [
      "NAME  TYPE  CLUSTER-IP  EXTERNAL-IP  PORT(S)  AGE",
      "my-service  ClusterIP  CLUSTER-IP  <none>  80/TCP  26h",
    ],
    wide: [
      "NAME  TYPE  CLUSTER-IP  EXTERNAL-IP  PORT(S)  AGE  SELECTOR",
      "my-service  ClusterIP  CLUSTER-IP  <none>  80/TCP  26h  app.kubernetes.io/name=MyApp",
    ],
  },
  "apps/v1/controllerrevisions": { get: ["NAME  CONTROLLER  REVISION  AGE", "web-6c7f8d6b5  <none>  3  26h"] },
  "apps/v1/daemonsets": {
    get: [
      "NAME  DESIRED  CURRENT  READY  UP-TO-DATE  AVAILABLE  NODE SELECTOR  AGE",
      "fluentd-elasticsearch  1  1  1  0  0  <none>  26h",
    ],
    wide: [
      "NAME  DESIRED  CURRENT  READY  UP-TO-DATE  AVAILABLE  NODE SELECTOR  AGE  CONTAINERS  IMAGES  SELECTOR",
      "fluentd-elasticsearch  1  1  1  0  0  <none>  26h  fluentd-elasticsearch  quay.example.com/fluentd_elasticsearch/fluentd:v5.0.1  name=fluentd-elasticsearch",
    ],
  },
  "apps/v1/deployments": {
    get: ["NAME  READY  UP-TO-DATE  AVAILABLE  AGE", "nginx-deployment  0/3  1  0  26h"],
    wide: [
      "NAME  READY  UP-TO-DATE  AVAILABLE  AGE  CONTAINERS  IMAGES  SELECTOR",
      "nginx-deployment  0/3  1  0  26h  nginx  nginx:1.27.3  app=nginx",
    ],
  },
  "apps/v1/replicasets": {
    get: ["NAME  DESIRED  CURRENT  READY  AGE", "frontend  3  1  1  26h"],
    wide: [
      "NAME  DESIRED  CURRENT  READY  AGE  CONTAINERS  IMAGES  SELECTOR",
      "frontend  3  1  1  26h  php-redis  us-docker.example.com/google-samples/gb-frontend:v5  tier=frontend",
    ],
  },
  "apps/v1/statefulsets": {
    get: ["NAME  READY  AGE", "web  0/3  26h"],
    wide: ["NAME  READY  AGE  CONTAINERS  IMAGES", "web  0/3  26h  nginx  registry.example.com/nginx-slim:0.24"],
  },
  "batch/v1/cronjobs": {
    get: [
      "NAME  SCHEDULE  TIMEZONE  SUSPEND  ACTIVE  LAST SCHEDULE  AGE",
      "hello  * * * * *  <none>  False  1  182d  26h",
    ],
    wide: [
      "NAME  SCHEDULE  TIMEZONE  SUSPEND  ACTIVE  LAST SCHEDULE  AGE  CONTAINERS  IMAGES  SELECTOR",
      "hello  * * * * *  <none>  False  1  182d  26h  hello  busybox:1.28  <none>",
    ],
  },
  "batch/v1/jobs": {
    get: ["NAME  STATUS  COMPLETIONS  DURATION  AGE", "pi  Running  0/1  182d  26h"],
    wide: [
      "NAME  STATUS  COMPLETIONS  DURATION  AGE  CONTAINERS  IMAGES  SELECTOR",
      "pi  Running  0/1  182d  26h  pi  perl:5.34.0  batch.kubernetes.io/controller-uid=UID",
    ],
  },
  "autoscaling/v2/horizontalpodautoscalers": {
    get: [
      "NAME  REFERENCE  TARGETS  MINPODS  MAXPODS  REPLICAS  AGE",
      "every-metric  Deployment/web  cpu: <unknown>/60%, memory: <unknown>/500Mi + 4 more...  2  20  1  26h",
    ],
  },
  "autoscaling/v1/horizontalpodautoscalers": {
    get: [
      "NAME  REFERENCE  TARGETS  MINPODS  MAXPODS  REPLICAS  AGE",
      "php-apache  Deployment/php-apache  cpu: <unknown>/50%  1  10  1  26h",
    ],
  },
  "events.k8s.io/v1/events": {
    get: [
      "LAST SEEN  TYPE  REASON  OBJECT  MESSAGE",
      "182d  Normal  Scheduled  pod/web-1  Successfully assigned default/web-1 to node-1",
    ],
    wide: [
      "LAST SEEN  TYPE  REASON  OBJECT  SUBOBJECT  SOURCE  MESSAGE  FIRST SEEN  COUNT  NAME",
      "182d  Normal  Scheduled  pod/web-1    default-scheduler, default-scheduler-node-0  Successfully assigned default/web-1 to node-1  182d  2  web-1.17f2c3e4a5b6c7d9",
    ],
  },
  "networking.k8s.io/v1/ingressclasses": {
    get: ["NAME  CONTROLLER  PARAMETERS  AGE", "nginx  k8s.io/ingress-nginx  <none>  26h"],
  },
  "networking.k8s.io/v1/ingresses": {
    get: ["NAME  CLASS  HOSTS  ADDRESS  PORTS  AGE", "minimal-ingress  nginx-example  *  lb.example.org  80  26h"],
  },
  "networking.k8s.io/v1/ipaddresses": { get: ["NAME  PARENTREF", "10.96.9.9  services/default/my-service"] },
  "networking.k8s.io/v1/networkpolicies": { get: ["NAME  POD-SELECTOR  AGE", "default-deny-all  <none>  26h"] },
  "networking.k8s.io/v1/servicecidrs": { get: ["NAME  CIDRS  AGE", "more-addresses  10.97.0.0/24  26h"] },
  "policy/v1/poddisruptionbudgets": {
    get: ["NAME  MIN AVAILABLE  MAX UNAVAILABLE  ALLOWED DISRUPTIONS  AGE", "zk-pdb  2  N/A  1  26h"],
  },
  "rbac.authorization.k8s.io/v1/clusterrolebindings": {
    get: ["NAME  ROLE  AGE", "cert-manager-controller  ClusterRole/secret-reader  26h"],
    wide: [
      "NAME  ROLE  AGE  USERS  GROUPS  SERVICEACCOUNTS",
      "cert-manager-controller  ClusterRole/secret-reader  26h      cert-manager/cert-manager",
    ],
  },
  "rbac.authorization.k8s.io/v1/clusterroles": { get: ["NAME  CREATED AT", "secret-reader  2026-07-01T12:00:00Z"] },
  "rbac.authorization.k8s.io/v1/rolebindings": {
    get: ["NAME  ROLE  AGE", "read-pods  Role/pod-reader  26h"],
    wide: [
      "NAME  ROLE  AGE  USERS  GROUPS  SERVICEACCOUNTS",
      "read-pods  Role/pod-reader  26h  jane  system:serviceaccounts:dev  kube-system/default",
    ],
  },
  "rbac.authorization.k8s.io/v1/roles": { get: ["NAME  CREATED AT", "pod-reader  2026-07-01T12:00:00Z"] },
  "storage.k8s.io/v1/csidrivers": {
    get: [
      "NAME  ATTACHREQUIRED  PODINFOONMOUNT  STORAGECAPACITY  TOKENREQUESTS  REQUIRESREPUBLISH  MODES  AGE",
      "ebs.csi.aws.com  true  false  false  <unset>  false  Persistent  26h",
    ],
  },
  "storage.k8s.io/v1/csinodes": { get: ["NAME  DRIVERS  AGE", "node-1  1  26h"] },
  "storage.k8s.io/v1/csistoragecapacities": {
    get: ["NAME  STORAGECLASSNAME  CAPACITY", "csisc-ab96d356  topolvm-provisioner  100Gi"],
  },
  "storage.k8s.io/v1/storageclasses": {
    get: [
      "NAME  PROVISIONER  RECLAIMPOLICY  VOLUMEBINDINGMODE  ALLOWVOLUMEEXPANSION  AGE",
      "gp3  ebs.csi.aws.com  Delete  WaitForFirstConsumer  true  26h",
    ],
  },
  "storage.k8s.io/v1/volumeattachments": {
    get: ["NAME  ATTACHER  PV  NODE  ATTACHED  AGE", "csi-1a2b3c  ebs.csi.aws.com  pvc-0b1a4d1e  node-1  true  26h"],
  },
  "storage.k8s.io/v1/volumeattributesclasses": { get: ["NAME  DRIVERNAME  AGE", "silver  pd.csi.storage.gke.io  26h"] },
  "admissionregistration.k8s.io/v1/mutatingadmissionpolicies": {
    get: ["NAME  MUTATIONS  PARAMKIND  AGE", "sidecar-policy.example.com  1  <unset>  26h"],
  },
  "admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings": {
    get: ["NAME  POLICYNAME  PARAMREF  AGE", "sidecar-binding.example.com  sidecar-policy.example.com  <unset>  26h"],
  },
  "admissionregistration.k8s.io/v1/mutatingwebhookconfigurations": {
    get: ["NAME  WEBHOOKS  AGE", "istio-sidecar-injector  1  26h"],
  },
  "admissionregistration.k8s.io/v1/validatingadmissionpolicies": {
    get: ["NAME  VALIDATIONS  PARAMKIND  AGE", "demo-policy.example.com  1  <unset>  26h"],
  },
  "admissionregistration.k8s.io/v1/validatingadmissionpolicybindings": {
    get: ["NAME  POLICYNAME  PARAMREF  AGE", "demo-binding-test.example.com  demo-policy.example.com  <unset>  26h"],
  },
  "admissionregistration.k8s.io/v1/validatingwebhookconfigurations": {
    get: ["NAME  WEBHOOKS  AGE", "pod-policy.example.com  1  26h"],
  },
  "apiextensions.k8s.io/v1/customresourcedefinitions": {
    get: ["NAME  CREATED AT", "crontabs.stable.example.com  2026-07-01T12:00:00Z"],
  },
  "apiregistration.k8s.io/v1/apiservices": {
    get: ["NAME  SERVICE  AVAILABLE  AGE", "v1beta1.metrics.k8s.io  kube-system/metrics-server  False (Tried)  26h"],
  },
  "certificates.k8s.io/v1/certificatesigningrequests": {
    get: [
      "NAME  AGE  SIGNERNAME  REQUESTOR  REQUESTEDDURATION  CONDITION",
      "myuser  26h  kubernetes.io/kube-apiserver-client  admin  24h  Pending,Failed",
    ],
  },
  "coordination.k8s.io/v1/leases": { get: ["NAME  HOLDER  AGE", "my-operator-lock  my-operator-7d4b9c_0c8d6e1a  26h"] },
  "discovery.k8s.io/v1/endpointslices": {
    get: ["NAME  ADDRESSTYPE  PORTS  ENDPOINTS  AGE", "example-abc  IPv4  80  10.1.2.3  26h"],
  },
  "flowcontrol.apiserver.k8s.io/v1/flowschemas": {
    get: [
      "NAME  PRIORITYLEVEL  MATCHINGPRECEDENCE  DISTINGUISHERMETHOD  AGE  MISSINGPL",
      "health-for-strangers  exempt  1000  <none>  26h  False",
    ],
  },
  "flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations": {
    get: [
      "NAME  TYPE  NOMINALCONCURRENCYSHARES  QUEUES  HANDSIZE  QUEUELENGTHLIMIT  AGE",
      "queued  Limited  20  64  6  50  26h",
    ],
  },
  "node.k8s.io/v1/runtimeclasses": { get: ["NAME  HANDLER  AGE", "gvisor  runsc  26h"] },
  "resource.k8s.io/v1/deviceclasses": { get: ["NAME  AGE", "gpu.example.com  26h"] },
  "resource.k8s.io/v1/resourceclaims": { get: ["NAME  STATE  AGE", "shared-gpu  allocated,reserved  26h"] },
  "resource.k8s.io/v1/resourceclaimtemplates": { get: ["NAME  AGE", "single-gpu  26h"] },
  "resource.k8s.io/v1/resourceslices": {
    get: ["NAME  NODE  DRIVER  POOL  AGE", "node-1-gpu.example.com-abc  node-1  gpu.example.com  node-1  26h"],
  },
  "scheduling.k8s.io/v1/priorityclasses": {
    get: [
      "NAME  VALUE  GLOBAL-DEFAULT  AGE  PREEMPTIONPOLICY",
      "high-priority  1000000  false  26h  PreemptLowerPriority",
    ],
  },
};
