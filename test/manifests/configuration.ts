/** ConfigMaps, Secrets of every type, quotas, limits, Leases and Events. */
export const configuration = `
apiVersion: v1
kind: ConfigMap
metadata:
  name: game-demo
data:
  player_initial_lives: "3"
  ui_properties_file_name: user-interface.properties
  game.properties: |
    enemy.types=aliens,monsters
    player.maximum-lives=5
  user-interface.properties: |
    color.good=purple
    allow.textmode=true
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: binary
immutable: true
data: {utf8: "Grüße, 世界 🚀", empty: ""}
binaryData: {logo.png: iVBORw0KGgo=}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: empty
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: grafana-dashboards
  labels: {grafana_dashboard: "1"}
data:
  dashboard.json: |
    {"title": "Nodes", "panels": [{"type": "graph", "targets": [{"expr": "sum(rate(node_cpu_seconds_total[5m])) by (mode)"}]}], "refresh": ""}
---
apiVersion: v1
kind: Secret
metadata:
  name: opaque
type: Opaque
data: {username: YWRtaW4=, password: UyFCXCpkJHpEc2I9}
---
apiVersion: v1
kind: Secret
metadata:
  name: from-strings
stringData: {config.yaml: "apiUrl: https://my.api.example.com/api/v1"}
---
apiVersion: v1
kind: Secret
metadata:
  name: basic-auth
type: kubernetes.io/basic-auth
data: {username: YWRtaW4=, password: dDBwLVNlY3JldA==}
---
apiVersion: v1
kind: Secret
metadata:
  name: ssh-auth
type: kubernetes.io/ssh-auth
data: {ssh-privatekey: TUlJRXBRSUJBQUtDQVFFQXVsOEdhbjFlMg==}
---
apiVersion: v1
kind: Secret
metadata:
  name: tls
type: kubernetes.io/tls
data: {tls.crt: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t, tls.key: RXhhbXBsZSBkYXRhIGZvciB0aGU=}
---
apiVersion: v1
kind: Secret
metadata:
  name: registry
type: kubernetes.io/dockerconfigjson
data: {.dockerconfigjson: eyJhdXRocyI6eyJodHRwczovL2V4YW1wbGUvdjEvIjp7ImF1dGgiOiJvcGVuc2VzYW1lIn19fQ==}
---
apiVersion: v1
kind: Secret
metadata:
  name: old-registry
type: kubernetes.io/dockercfg
data: {.dockercfg: eyJodHRwczovL2V4YW1wbGUvdjEvIjp7ImF1dGgiOiJvcGVuc2VzYW1lIn19}
---
apiVersion: v1
kind: Secret
metadata:
  name: bootstrap-token-5emitj
  namespace: kube-system
type: bootstrap.kubernetes.io/token
data:
  auth-extra-groups: c3lzdGVtOmJvb3RzdHJhcHBlcnM6a3ViZWFkbTpkZWZhdWx0LW5vZGUtdG9rZW4=
  expiration: MjAyMC0wOS0xM1QwNDozOToxMFo=
  token-id: NWVtaXRq
  token-secret: a3E0Z2lodnN6emduMXAwcg==
  usage-bootstrap-authentication: dHJ1ZQ==
---
apiVersion: v1
kind: Secret
metadata:
  name: service-account-token
  annotations: {kubernetes.io/service-account.name: default}
type: kubernetes.io/service-account-token
data: {extra: YmFyCg==}
---
apiVersion: v1
kind: Secret
metadata:
  name: sh.helm.release.v1.shop.v1
  labels: {owner: helm, name: shop, status: deployed, version: "1"}
type: helm.sh/release.v1
data: {release: SDRzSUFBQUFBQUFDLzYxWA==}
---
apiVersion: v1
kind: Secret
metadata:
  name: sealed
immutable: true
data: {key: AAAA}
---
apiVersion: v1
kind: ResourceQuota
metadata:
  name: compute-resources
spec:
  hard:
    requests.cpu: "1"
    requests.memory: 1Gi
    limits.cpu: "2"
    limits.memory: 2Gi
    requests.nvidia.com/gpu: "4"
    pods: "10"
    count/deployments.apps: "5"
    services.loadbalancers: "2"
    gold.storageclass.storage.k8s.io/requests.storage: 100Gi
---
apiVersion: v1
kind: ResourceQuota
metadata:
  name: pods-high
spec:
  hard: {cpu: 1k, memory: 200Gi, pods: "10"}
  scopeSelector:
    matchExpressions: [{operator: In, scopeName: PriorityClass, values: [high]}]
---
apiVersion: v1
kind: ResourceQuota
metadata:
  name: best-effort
spec:
  hard: {pods: "5"}
  scopes: [BestEffort]
---
apiVersion: v1
kind: LimitRange
metadata:
  name: cpu-resource-constraint
spec:
  limits:
    - default: {cpu: 500m}
      defaultRequest: {cpu: 500m}
      max: {cpu: "1"}
      min: {cpu: 100m}
      type: Container
---
apiVersion: v1
kind: LimitRange
metadata:
  name: storage-and-pods
spec:
  limits:
    - {type: PersistentVolumeClaim, max: {storage: 2Gi}, min: {storage: 1Gi}}
    - {type: Pod, max: {cpu: "2", memory: 1Gi}, maxLimitRequestRatio: {memory: "2"}}
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata:
  name: my-operator-lock
spec:
  acquireTime: "2026-01-01T10:00:00.000000Z"
  holderIdentity: my-operator-7d4b9c_0c8d6e1a
  leaseDurationSeconds: 15
  leaseTransitions: 2
  renewTime: "2026-01-01T10:05:00.123456Z"
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata:
  name: unheld
---
apiVersion: v1
kind: Event
metadata:
  name: web-0.17f2c3e4a5b6c7d8
involvedObject: {apiVersion: v1, kind: Pod, name: web-0, namespace: default, uid: 6c9a4c0e-2cc6-4ee4-9f4b-7d5f5d4b1c11, fieldPath: "spec.containers{nginx}"}
reason: Pulled
message: Container image "nginx" already present on machine
source: {component: kubelet, host: node-1}
firstTimestamp: "2026-01-01T10:00:00Z"
lastTimestamp: "2026-01-01T10:01:00Z"
count: 3
type: Normal
---
apiVersion: v1
kind: Event
metadata:
  name: node-event
involvedObject: {kind: Node, name: node-1}
reason: NodeNotReady
type: Warning
---
apiVersion: events.k8s.io/v1
kind: Event
metadata:
  name: web-1.17f2c3e4a5b6c7d9
eventTime: "2026-01-01T10:00:00.500000Z"
action: Binding
reason: Scheduled
note: Successfully assigned default/web-1 to node-1
regarding: {apiVersion: v1, kind: Pod, name: web-1, namespace: default}
related: {kind: Node, name: node-1}
reportingController: default-scheduler
reportingInstance: default-scheduler-node-0
series: {count: 2, lastObservedTime: "2026-01-01T10:01:00.000000Z"}
type: Normal
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: myclaim
spec:
  accessModes: [ReadWriteOnce]
  volumeMode: Filesystem
  resources: {requests: {storage: 8Gi}}
  storageClassName: slow
  selector:
    matchLabels: {release: stable}
    matchExpressions: [{key: environment, operator: In, values: [dev]}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: restored
spec:
  accessModes: [ReadWriteOnce, ReadOnlyMany]
  storageClassName: csi-hostpath-sc
  dataSource: {name: new-snapshot-test, kind: VolumeSnapshot, apiGroup: snapshot.storage.k8s.io}
  resources: {requests: {storage: 10Gi}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: raw-block
spec:
  accessModes: [ReadWriteMany]
  storageClassName: ""
  volumeMode: Block
  volumeName: pv-block
  volumeAttributesClassName: gold
  resources: {requests: {storage: 10Gi}, limits: {storage: 20Gi}}
---
apiVersion: v1
kind: PersistentVolume
metadata:
  name: pv0003
spec:
  capacity: {storage: 5Gi}
  volumeMode: Filesystem
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Recycle
  storageClassName: slow
  mountOptions: [hard, nfsvers=4.1]
  nfs: {path: /tmp, server: 172.17.0.2}
---
apiVersion: v1
kind: PersistentVolume
metadata:
  name: local-pv
spec:
  capacity: {storage: 100Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Delete
  storageClassName: local-storage
  local: {path: /mnt/disks/ssd1}
  nodeAffinity:
    required:
      nodeSelectorTerms:
        - matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [example-node]}]
---
apiVersion: v1
kind: PersistentVolume
metadata:
  name: pvc-0b1a4d1e
  annotations: {pv.kubernetes.io/provisioned-by: ebs.csi.aws.com}
  finalizers: [external-provisioner.volume.kubernetes.io/finalizer]
spec:
  accessModes: [ReadWriteOnce]
  capacity: {storage: 8Gi}
  claimRef: {apiVersion: v1, kind: PersistentVolumeClaim, name: data-0, namespace: default, uid: 6c9a4c0e-2cc6-4ee4-9f4b-7d5f5d4b1c11}
  csi:
    driver: ebs.csi.aws.com
    fsType: ext4
    volumeHandle: vol-0123456789
    volumeAttributes: {storage.kubernetes.io/csiProvisionerIdentity: 1234-ebs.csi.aws.com}
    nodeStageSecretRef: {name: stage, namespace: kube-system}
  storageClassName: gp3
---
apiVersion: v1
kind: PersistentVolume
metadata:
  name: task-pv
spec:
  capacity: {storage: 10Gi}
  accessModes: [ReadWriteOnce]
  hostPath: {path: /mnt/data}
`;
