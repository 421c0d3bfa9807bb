/** Pods, PodTemplates and what pods refer to. */
export const pods = `
apiVersion: v1
kind: Pod
metadata:
  name: busybox-sleep
spec:
  containers:
    - name: busybox
      image: busybox:1.36
      args: ["sleep", "1000000"]
---
apiVersion: v1
kind: Pod
metadata:
  name: dual-container
  labels: {app: two}
spec:
  restartPolicy: Never
  volumes:
    - {name: shared-data, emptyDir: {}}
  containers:
    - name: nginx-container
      image: nginx
      volumeMounts: [{name: shared-data, mountPath: /usr/share/nginx/html}]
    - name: debian-container
      image: debian
      volumeMounts: [{name: shared-data, mountPath: /pod-data, readOnly: true, recursiveReadOnly: Disabled}]
      command: ["/bin/sh"]
      args: ["-c", "echo Hello from the debian container > /pod-data/index.html"]
---
apiVersion: v1
kind: Pod
metadata:
  name: with-affinity
spec:
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
          - matchExpressions:
              - {key: topology.kubernetes.io/zone, operator: In, values: [antarctica-east1, antarctica-west1]}
              - {key: cpus, operator: Gt, values: ["4"]}
          - matchFields:
              - {key: metadata.name, operator: In, values: [node-1]}
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 1
          preference:
            matchExpressions: [{key: another-node-label-key, operator: Exists}]
    podAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        - labelSelector:
            matchExpressions: [{key: security, operator: In, values: [S1]}]
          topologyKey: topology.kubernetes.io/zone
          namespaces: [default, other]
    podAntiAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        - labelSelector: {matchLabels: {app: store}}
          namespaceSelector: {matchLabels: {team: shop}}
          topologyKey: kubernetes.io/hostname
  tolerations:
    - {key: dedicated, operator: Equal, value: gpu, effect: NoSchedule}
    - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 30}
    - {operator: Exists, effect: PreferNoSchedule}
  containers:
    - {name: with-node-affinity, image: "registry.example.com/pause:3.10"}
---
apiVersion: v1
kind: Pod
metadata:
  name: security-context-demo
spec:
  hostUsers: false
  securityContext:
    runAsUser: 1000
    runAsGroup: 3000
    fsGroup: 2000
    supplementalGroups: [4000, 5000]
    supplementalGroupsPolicy: Merge
    seLinuxOptions: {level: "s0:c123,c456"}
    seccompProfile: {type: Localhost, localhostProfile: profiles/audit.json}
    appArmorProfile: {type: RuntimeDefault}
    sysctls: [{name: kernel.shm_rmid_forced, value: "0"}]
  volumes:
    - {name: sec-ctx-vol, emptyDir: {}}
  containers:
    - name: sec-ctx-demo
      image: busybox:1.36
      command: ["sh", "-c", "sleep 1h"]
      volumeMounts: [{name: sec-ctx-vol, mountPath: /data/demo}]
      securityContext:
        allowPrivilegeEscalation: false
        procMount: Default
        capabilities: {add: [NET_ADMIN, SYS_TIME]}
---
apiVersion: v1
kind: Pod
metadata:
  name: every-volume
spec:
  volumes:
    - {name: claim, persistentVolumeClaim: {claimName: data, readOnly: true}}
    - {name: host, hostPath: {path: /var/log, type: DirectoryOrCreate}}
    - {name: nfs, nfs: {server: nfs.example.com, path: /exports}}
    - {name: csi, csi: {driver: secrets-store.csi.k8s.io, readOnly: true, volumeAttributes: {secretProviderClass: vault}}}
    - {name: iscsi, iscsi: {targetPortal: "10.0.2.15:3260", iqn: "iqn.2001-04.com.example:storage.disk", lun: 2, fsType: ext4}}
    - {name: image, image: {reference: "quay.example.com/artifact:v1", pullPolicy: IfNotPresent}}
    - name: scratch
      ephemeral:
        volumeClaimTemplate:
          metadata: {labels: {type: scratch}}
          spec:
            accessModes: [ReadWriteOnce]
            storageClassName: fast
            resources: {requests: {storage: 1Gi}}
  containers:
    - name: c
      image: i
      volumeMounts:
        - {name: claim, mountPath: /claim}
        - {name: host, mountPath: /host, mountPropagation: HostToContainer}
        - {name: nfs, mountPath: /nfs, subPathExpr: $(POD)}
        - {name: csi, mountPath: /csi}
        - {name: scratch, mountPath: /scratch}
      env: [{name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
---
apiVersion: v1
kind: Pod
metadata:
  name: job-like
  generateName: unused-
  finalizers: [example.com/tracked]
  ownerReferences:
    - {apiVersion: batch/v1, kind: Job, name: pi, uid: 6c9a4c0e-2cc6-4ee4-9f4b-7d5f5d4b1c11, controller: true, blockOwnerDeletion: true}
spec:
  activeDeadlineSeconds: 600
  restartPolicy: OnFailure
  hostname: worker-0
  subdomain: workers
  setHostnameAsFQDN: true
  terminationGracePeriodSeconds: 0
  nodeName: node-1
  readinessGates: [{conditionType: example.com/lb-attached}]
  containers:
    - name: perl
      image: perl:5.34.0
      command: ["perl", "-Mbignum=bpi", "-wle", "print bpi(2000)"]
      resizePolicy:
        - {resourceName: cpu, restartPolicy: NotRequired}
        - {resourceName: memory, restartPolicy: RestartContainer}
      resources:
        limits: {cpu: 200m, memory: 64Mi, example.com/foo: "2"}
---
apiVersion: v1
kind: Pod
metadata:
  name: gated
spec:
  schedulingGates: [{name: example.com/quota}]
  os: {name: linux}
  resources:
    requests: {cpu: "1", memory: 1Gi}
    limits: {cpu: "2", memory: 2Gi}
  containers:
    - {name: a, image: a}
    - {name: b, image: b, resources: {requests: {hugepages-2Mi: 64Mi}, limits: {hugepages-2Mi: 64Mi}}}
---
apiVersion: v1
kind: Pod
metadata:
  name: with-claims
spec:
  resourceClaims:
    - {name: gpu, resourceClaimTemplateName: single-gpu}
    - {name: shared, resourceClaimName: shared-gpu}
  containers:
    - name: train
      image: train:1
      resources: {claims: [{name: gpu}, {name: shared, request: one}]}
---
apiVersion: v1
kind: PodTemplate
metadata:
  name: worker-template
template:
  metadata:
    labels: {app: worker}
  spec:
    containers:
      - {name: worker, image: "worker:1", resources: {limits: {cpu: 500m}}}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: build-robot
  annotations:
    eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/build
automountServiceAccountToken: false
imagePullSecrets: [{name: registry}]
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: plain
secrets: [{name: plain-token}]
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata:
  name: gvisor
handler: runsc
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata:
  name: kata-fc
handler: kata
overhead:
  podFixed: {memory: 120Mi, cpu: 250m}
scheduling:
  nodeSelector: {runtime: kata}
  tolerations: [{key: kata, operator: Exists, effect: NoSchedule}]
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata:
  name: high-priority
value: 1000000
description: This priority class should be used for service pods only.
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata:
  name: batch-low
value: -10
preemptionPolicy: Never
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: zk-pdb
spec:
  minAvailable: 2
  selector: {matchLabels: {app: zookeeper}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: web-pdb
spec:
  maxUnavailable: 25%
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchExpressions: [{key: app, operator: In, values: [web, api]}]
---
apiVersion: v1
kind: Node
metadata:
  name: node-7
  labels: {kubernetes.io/hostname: node-7, node-role.kubernetes.io/worker: ""}
spec:
  podCIDR: 10.244.7.0/24
  podCIDRs: [10.244.7.0/24]
  providerID: aws:///eu-central-1a/i-0123456789abcdef0
  taints: [{key: dedicated, value: gpu, effect: NoSchedule}, {key: node.kubernetes.io/not-ready, effect: NoSchedule}]
---
apiVersion: v1
kind: Node
metadata:
  name: node-8
spec:
  unschedulable: true
---
apiVersion: v1
kind: Namespace
metadata:
  name: team-a
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/enforce-version: latest
---
apiVersion: v1
kind: Namespace
metadata:
  name: monitoring
  annotations: {scheduler.alpha.kubernetes.io/node-selector: pool=infra}
`;
