/** StatefulSets, DaemonSets and ControllerRevisions as charts of databases and node agents have them. */
export const stateful = `
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: web
spec:
  selector: {matchLabels: {app: nginx}}
  serviceName: nginx
  replicas: 3
  minReadySeconds: 10
  template:
    metadata:
      labels: {app: nginx}
    spec:
      terminationGracePeriodSeconds: 10
      containers:
        - name: nginx
          image: registry.example.com/nginx-slim:0.24
          ports: [{containerPort: 80, name: web}]
          volumeMounts: [{name: www, mountPath: /usr/share/nginx/html}]
  volumeClaimTemplates:
    - metadata: {name: www}
      spec:
        accessModes: [ReadWriteOnce]
        storageClassName: my-storage-class
        resources: {requests: {storage: 1Gi}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: postgresql
  labels: {app.kubernetes.io/name: postgresql, app.kubernetes.io/component: primary}
spec:
  replicas: 1
  serviceName: postgresql-hl
  updateStrategy: {type: RollingUpdate}
  selector:
    matchLabels: {app.kubernetes.io/name: postgresql, app.kubernetes.io/component: primary}
  template:
    metadata:
      labels: {app.kubernetes.io/name: postgresql, app.kubernetes.io/component: primary}
    spec:
      serviceAccountName: postgresql
      automountServiceAccountToken: false
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - podAffinityTerm:
                labelSelector: {matchLabels: {app.kubernetes.io/name: postgresql}}
                topologyKey: kubernetes.io/hostname
              weight: 1
      securityContext: {fsGroup: 1001, fsGroupChangePolicy: Always}
      containers:
        - name: postgresql
          image: docker.example.com/bitnami/postgresql:17.2.0
          imagePullPolicy: IfNotPresent
          securityContext:
            runAsUser: 1001
            seLinuxOptions: {}
            capabilities: {drop: [ALL]}
          env:
            - {name: POSTGRESQL_PORT_NUMBER, value: "5432"}
            - {name: POSTGRES_PASSWORD_FILE, value: /opt/secrets/postgres-password}
          ports: [{name: tcp-postgresql, containerPort: 5432}]
          livenessProbe:
            failureThreshold: 6
            initialDelaySeconds: 30
            periodSeconds: 10
            successThreshold: 1
            timeoutSeconds: 5
            exec:
              command:
                - /bin/sh
                - -c
                - exec pg_isready -U "postgres" -h 127.0.0.1 -p 5432
          readinessProbe:
            exec:
              command: ["/bin/sh", "-c", "-e", "exec pg_isready -U postgres"]
          resources:
            limits: {ephemeral-storage: 2Gi, memory: 192Mi}
            requests: {cpu: 100m, ephemeral-storage: 50Mi, memory: 128Mi}
          volumeMounts:
            - {name: dshm, mountPath: /dev/shm}
            - {name: data, mountPath: /bitnami/postgresql}
            - {name: password, mountPath: /opt/secrets/}
      volumes:
        - {name: dshm, emptyDir: {medium: Memory}}
        - {name: password, secret: {secretName: postgresql, defaultMode: 256}}
  volumeClaimTemplates:
    - apiVersion: v1
      kind: PersistentVolumeClaim
      metadata: {name: data}
      spec:
        accessModes: [ReadWriteOnce]
        resources: {requests: {storage: 8Gi}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: redis-cluster
spec:
  replicas: 6
  podManagementPolicy: Parallel
  revisionHistoryLimit: 5
  serviceName: redis-cluster
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}
  ordinals: {start: 1}
  updateStrategy:
    type: RollingUpdate
    rollingUpdate: {partition: 3, maxUnavailable: 1}
  selector: {matchLabels: {app: redis}}
  template:
    metadata: {labels: {app: redis}}
    spec:
      containers:
        - name: redis
          image: redis:7.4
          command: [redis-server, /conf/redis.conf]
          ports: [{containerPort: 6379, name: client}, {containerPort: 16379, name: gossip}]
          volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
    - metadata: {name: data, labels: {app: redis}, annotations: {a: b}}
      spec:
        accessModes: [ReadWriteOncePod]
        volumeMode: Filesystem
        resources: {requests: {storage: 5Gi}, limits: {storage: 10Gi}}
    - metadata: {name: logs}
      spec:
        accessModes: [ReadWriteMany]
        storageClassName: ""
        selector: {matchLabels: {kind: logs}}
        resources: {requests: {storage: 500M}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: prometheus-k8s
  labels: {app.kubernetes.io/name: prometheus}
spec:
  replicas: 2
  serviceName: prometheus-operated
  podManagementPolicy: OrderedReady
  updateStrategy: {type: OnDelete}
  selector: {matchLabels: {app.kubernetes.io/name: prometheus}}
  template:
    metadata: {labels: {app.kubernetes.io/name: prometheus}}
    spec:
      terminationGracePeriodSeconds: 600
      initContainers:
        - {name: init-config-reloader, image: "quay.example.com/prometheus-config-reloader:v0.78.2", command: [/bin/prometheus-config-reloader], args: ["--watch-interval=0"]}
      containers:
        - name: prometheus
          image: quay.example.com/prometheus:v3.0.1
          args: ["--web.console.templates=/etc/prometheus/consoles", "--storage.tsdb.retention.time=10d"]
          startupProbe: {httpGet: {path: /-/ready, port: web, scheme: HTTPS}, failureThreshold: 60, periodSeconds: 15}
          ports: [{containerPort: 9090, name: web}]
      volumes:
        - {name: config-out, emptyDir: {medium: Memory}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: minimal
spec:
  selector: {matchLabels: {app: minimal}}
  template:
    metadata: {labels: {app: minimal}}
    spec:
      containers: [{name: c, image: "minimal:1"}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: fluentd-elasticsearch
  labels: {k8s-app: fluentd-logging}
spec:
  selector: {matchLabels: {name: fluentd-elasticsearch}}
  template:
    metadata: {labels: {name: fluentd-elasticsearch}}
    spec:
      tolerations:
        - {key: node-role.kubernetes.io/control-plane, operator: Exists, effect: NoSchedule}
        - {key: node-role.kubernetes.io/master, operator: Exists, effect: NoSchedule}
      containers:
        - name: fluentd-elasticsearch
          image: quay.example.com/fluentd_elasticsearch/fluentd:v5.0.1
          resources: {limits: {memory: 200Mi}, requests: {cpu: 100m, memory: 200Mi}}
          volumeMounts: [{name: varlog, mountPath: /var/log}]
      terminationGracePeriodSeconds: 30
      volumes:
        - {name: varlog, hostPath: {path: /var/log}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: node-exporter
spec:
  minReadySeconds: 3
  revisionHistoryLimit: 2
  updateStrategy:
    type: RollingUpdate
    rollingUpdate: {maxUnavailable: 10%}
  selector: {matchLabels: {app.kubernetes.io/name: node-exporter}}
  template:
    metadata:
      labels: {app.kubernetes.io/name: node-exporter}
      annotations: {cluster-autoscaler.kubernetes.io/safe-to-evict: "true"}
    spec:
      automountServiceAccountToken: true
      hostNetwork: true
      hostPID: true
      priorityClassName: system-cluster-critical
      nodeSelector: {kubernetes.io/os: linux}
      containers:
        - name: node-exporter
          image: quay.example.com/prometheus/node-exporter:v1.8.2
          args: ["--path.procfs=/host/proc", "--web.listen-address=127.0.0.1:9100"]
          ports: [{containerPort: 9100, hostPort: 9100, name: https}]
          securityContext:
            readOnlyRootFilesystem: true
            capabilities: {add: [SYS_TIME], drop: [ALL]}
          volumeMounts:
            - {mountPath: /host/sys, mountPropagation: HostToContainer, name: sys, readOnly: true}
      securityContext: {runAsNonRoot: true, runAsUser: 65534}
      tolerations: [{operator: Exists}]
      volumes: [{hostPath: {path: /sys}, name: sys}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: calico-node
spec:
  updateStrategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
  selector: {matchLabels: {k8s-app: calico-node}}
  template:
    metadata: {labels: {k8s-app: calico-node}}
    spec:
      tolerations:
        - {effect: NoSchedule, operator: Exists}
        - {key: CriticalAddonsOnly, operator: Exists}
        - {effect: NoExecute, operator: Exists}
      terminationGracePeriodSeconds: 0
      initContainers:
        - name: install-cni
          image: docker.example.com/calico/cni:v3.29.1
          command: [/opt/cni/bin/install]
          envFrom: [{configMapRef: {name: kubernetes-services-endpoint, optional: true}}]
          securityContext: {privileged: true}
          volumeMounts: [{mountPath: /host/opt/cni/bin, name: cni-bin-dir}]
      containers:
        - name: calico-node
          image: docker.example.com/calico/node:v3.29.1
          securityContext: {privileged: true}
          lifecycle: {preStop: {exec: {command: [/bin/calico-node, -shutdown]}}}
          livenessProbe: {exec: {command: [/bin/calico-node, -felix-live]}, periodSeconds: 10, initialDelaySeconds: 10, failureThreshold: 6, timeoutSeconds: 10}
      volumes:
        - {name: cni-bin-dir, hostPath: {path: /opt/cni/bin, type: DirectoryOrCreate}}
        - {name: xtables-lock, hostPath: {path: /run/xtables.lock, type: FileOrCreate}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: on-delete
spec:
  updateStrategy: {type: OnDelete}
  selector: {matchLabels: {app: d}}
  template:
    metadata: {labels: {app: d}}
    spec:
      containers: [{name: d, image: "d:1"}]
---
apiVersion: apps/v1
kind: ControllerRevision
metadata:
  name: web-6c7f8d6b5
  labels: {app: nginx, controller.kubernetes.io/hash: 6c7f8d6b5}
revision: 3
data:
  spec:
    template:
      $patch: replace
      metadata: {labels: {app: nginx}}
      spec:
        containers: [{name: nginx, image: "nginx:1", empty: ""}]
---
apiVersion: batch/v1
kind: Job
metadata:
  name: pi
spec:
  template:
    spec:
      containers:
        - {name: pi, image: "perl:5.34.0", command: ["perl", "-Mbignum=bpi", "-wle", "print bpi(2000)"]}
      restartPolicy: Never
  backoffLimit: 4
---
apiVersion: batch/v1
kind: Job
metadata:
  name: indexed
spec:
  completions: 5
  parallelism: 3
  completionMode: Indexed
  backoffLimitPerIndex: 1
  maxFailedIndexes: 2
  activeDeadlineSeconds: 3600
  ttlSecondsAfterFinished: 100
  podReplacementPolicy: Failed
  podFailurePolicy:
    rules:
      - action: FailJob
        onExitCodes: {containerName: main, operator: In, values: [42]}
      - action: Ignore
        onPodConditions: [{type: DisruptionTarget}]
      - action: FailIndex
        onExitCodes: {operator: NotIn, values: [1, 2]}
  successPolicy:
    rules: [{succeededIndexes: 0-2, succeededCount: 2}]
  template:
    metadata: {labels: {job: indexed}}
    spec:
      restartPolicy: Never
      containers:
        - {name: main, image: "docker.example.com/library/bash:5", command: [bash, -c, "echo $JOB_COMPLETION_INDEX; exit 0"]}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: pre-install-hook
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-weight: "-5"
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  backoffLimit: 0
  suspend: true
  template:
    metadata: {name: pre-install-hook}
    spec:
      restartPolicy: OnFailure
      serviceAccountName: hooks
      containers: [{name: create, image: "registry.example.com/kube-webhook-certgen:v1.5.0", args: [create, "--host=ingress-nginx-controller-admission"]}]
---
apiVersion: batch/v1
kind: Job
metadata:
  name: managed-elsewhere
spec:
  managedBy: kueue.x-k8s.io/multikueue
  parallelism: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: c, image: c}]
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: hello
spec:
  schedule: "* * * * *"
  jobTemplate:
    spec:
      template:
        spec:
          containers:
            - {name: hello, image: "busybox:1.28", imagePullPolicy: IfNotPresent, command: [/bin/sh, -c, "date; echo Hello from the Kubernetes cluster"]}
          restartPolicy: OnFailure
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: nightly-backup
  labels: {app: backup}
spec:
  schedule: 30 2 * * 1-5
  timeZone: Europe/Berlin
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 200
  successfulJobsHistoryLimit: 1
  failedJobsHistoryLimit: 0
  suspend: true
  jobTemplate:
    metadata: {labels: {app: backup}, annotations: {note: nightly}}
    spec:
      backoffLimit: 2
      ttlSecondsAfterFinished: 0
      template:
        metadata: {labels: {app: backup}}
        spec:
          restartPolicy: Never
          volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
          containers:
            - name: backup
              image: restic/restic:0.17
              envFrom: [{secretRef: {name: restic}}]
              volumeMounts: [{name: data, mountPath: /data, readOnly: true}]
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: hourly
spec:
  schedule: "@hourly"
  concurrencyPolicy: Replace
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: c, image: c}]
`;
