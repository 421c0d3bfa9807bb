/** Deployments, ReplicaSets and ReplicationControllers as charts of web applications and operators have them. */
export const deployments = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx-deployment
  labels:
    app: nginx
spec:
  replicas: 3
  selector:
    matchLabels:
      app: nginx
  template:
    metadata:
      labels:
        app: nginx
    spec:
      containers:
        - name: nginx
          image: nginx:1.27.3
          ports:
            - containerPort: 80
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop-web
  labels:
    app.kubernetes.io/name: web
    app.kubernetes.io/instance: shop
    app.kubernetes.io/version: "2.4.1"
    app.kubernetes.io/managed-by: Helm
    helm.sh/chart: web-0.9.2
  annotations:
    meta.helm.sh/release-name: shop
    meta.helm.sh/release-namespace: default
spec:
  revisionHistoryLimit: 3
  progressDeadlineSeconds: 300
  minReadySeconds: 5
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  selector:
    matchLabels:
      app.kubernetes.io/name: web
      app.kubernetes.io/instance: shop
  template:
    metadata:
      annotations:
        checksum/config: 5d41402abc4b2a76b9719d911017c592
        prometheus.io/scrape: "true"
        prometheus.io/port: "9113"
      labels:
        app.kubernetes.io/name: web
        app.kubernetes.io/instance: shop
    spec:
      serviceAccountName: shop-web
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        runAsGroup: 10001
        fsGroup: 10001
        fsGroupChangePolicy: OnRootMismatch
        seccompProfile:
          type: RuntimeDefault
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: topology.kubernetes.io/zone
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              app.kubernetes.io/name: web
          matchLabelKeys:
            - pod-template-hash
      initContainers:
        - name: migrate
          image: registry.example.com/shop/web:2.4.1
          command: ["bin/rails", "db:migrate"]
          envFrom:
            - configMapRef:
                name: shop-web
            - secretRef:
                name: shop-web
                optional: true
          resources:
            requests:
              cpu: 50m
              memory: 128Mi
      containers:
        - name: web
          image: registry.example.com/shop/web:2.4.1
          imagePullPolicy: Always
          args: ["--listen", ":8080", "--log-format=json"]
          ports:
            - name: http
              containerPort: 8080
              protocol: TCP
            - name: metrics
              containerPort: 9113
          env:
            - name: POD_NAME
              valueFrom:
                fieldRef:
                  fieldPath: metadata.name
            - name: POD_IP
              valueFrom:
                fieldRef:
                  apiVersion: v1
                  fieldPath: status.podIP
            - name: GOMAXPROCS
              valueFrom:
                resourceFieldRef:
                  resource: limits.cpu
            - name: DATABASE_URL
              valueFrom:
                secretKeyRef:
                  name: shop-db
                  key: url
            - name: HOSTS
              value: $(POD_IP),localhost
          envFrom:
            - prefix: SHOP_
              configMapRef:
                name: shop-web
          resources:
            requests:
              cpu: 250m
              memory: 256Mi
              ephemeral-storage: 1Gi
            limits:
              cpu: "1"
              memory: 512Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            privileged: false
            capabilities:
              drop: ["ALL"]
              add: ["NET_BIND_SERVICE"]
          startupProbe:
            httpGet:
              path: /healthz
              port: http
            failureThreshold: 30
            periodSeconds: 2
          livenessProbe:
            httpGet:
              path: /healthz
              port: http
              scheme: HTTP
              httpHeaders:
                - name: X-Probe
                  value: liveness
            initialDelaySeconds: 10
            timeoutSeconds: 3
          readinessProbe:
            httpGet:
              path: /ready
              port: 8080
            successThreshold: 1
          lifecycle:
            preStop:
              exec:
                command: ["/bin/sh", "-c", "sleep 5"]
          volumeMounts:
            - name: config
              mountPath: /etc/web
              readOnly: true
            - name: tmp
              mountPath: /tmp
            - name: config
              mountPath: /etc/nginx/nginx.conf
              subPath: nginx.conf
        - name: exporter
          image: nginx/nginx-prometheus-exporter:1.4
          args:
            - --nginx.scrape-uri=http://127.0.0.1:8080/stub_status
      volumes:
        - name: config
          configMap:
            name: shop-web
            defaultMode: 0440
            items:
              - key: nginx.conf
                path: nginx.conf
                mode: 0400
        - name: tmp
          emptyDir:
            medium: Memory
            sizeLimit: 64Mi
      terminationGracePeriodSeconds: 45
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ingress-nginx-controller
  labels:
    app.kubernetes.io/component: controller
spec:
  selector:
    matchLabels:
      app.kubernetes.io/component: controller
  template:
    metadata:
      labels:
        app.kubernetes.io/component: controller
    spec:
      dnsPolicy: ClusterFirst
      nodeSelector:
        kubernetes.io/os: linux
      priorityClassName: system-cluster-critical
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 100
              podAffinityTerm:
                topologyKey: kubernetes.io/hostname
                labelSelector:
                  matchExpressions:
                    - key: app.kubernetes.io/component
                      operator: In
                      values: ["controller"]
      containers:
        - name: controller
          image: registry.example.com/ingress-nginx/controller:v1.12.0@sha256:e6b8de175acda6ca913891f0f727bca4527e797d52688cbe9fec9040d6f6b6fa
          args:
            - /nginx-ingress-controller
            - --publish-service=$(POD_NAMESPACE)/ingress-nginx-controller
          securityContext:
            runAsNonRoot: true
            runAsUser: 101
            capabilities:
              add: ["NET_BIND_SERVICE"]
              drop: ["ALL"]
          env:
            - name: POD_NAMESPACE
              valueFrom:
                fieldRef:
                  fieldPath: metadata.namespace
            - name: LD_PRELOAD
              value: /usr/local/lib/libmimalloc.so
          ports:
            - name: http
              containerPort: 80
              protocol: TCP
            - name: https
              containerPort: 443
              protocol: TCP
            - name: webhook
              containerPort: 8443
              protocol: TCP
          livenessProbe:
            failureThreshold: 5
            httpGet:
              path: /healthz
              port: 10254
              scheme: HTTP
            initialDelaySeconds: 10
            periodSeconds: 10
            successThreshold: 1
            timeoutSeconds: 1
          volumeMounts:
            - name: webhook-cert
              mountPath: /usr/local/certificates/
              readOnly: true
      serviceAccountName: ingress-nginx
      volumes:
        - name: webhook-cert
          secret:
            secretName: ingress-nginx-admission
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: coredns
  labels:
    k8s-app: kube-dns
spec:
  replicas: 2
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 1
  selector:
    matchLabels:
      k8s-app: kube-dns
  template:
    metadata:
      labels:
        k8s-app: kube-dns
    spec:
      priorityClassName: system-cluster-critical
      serviceAccountName: coredns
      tolerations:
        - key: CriticalAddonsOnly
          operator: Exists
        - key: node-role.kubernetes.io/control-plane
          effect: NoSchedule
      containers:
        - name: coredns
          image: registry.example.com/coredns:v1.12.0
          imagePullPolicy: IfNotPresent
          resources:
            limits:
              memory: 170Mi
            requests:
              cpu: 100m
              memory: 70Mi
          args: ["-conf", "/etc/coredns/Corefile"]
          volumeMounts:
            - name: config-volume
              mountPath: /etc/coredns
              readOnly: true
          ports:
            - containerPort: 53
              name: dns
              protocol: UDP
            - containerPort: 53
              name: dns-tcp
              protocol: TCP
            - containerPort: 9153
              name: metrics
              protocol: TCP
          livenessProbe:
            httpGet:
              path: /health
              port: 8080
              scheme: HTTP
            initialDelaySeconds: 60
            timeoutSeconds: 5
            successThreshold: 1
            failureThreshold: 5
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
      dnsPolicy: Default
      volumes:
        - name: config-volume
          configMap:
            name: coredns
            items:
              - key: Corefile
                path: Corefile
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cert-manager
spec:
  replicas: 1
  selector:
    matchLabels: {app: cert-manager}
  template:
    metadata:
      labels: {app: cert-manager}
    spec:
      enableServiceLinks: false
      hostAliases:
        - ip: 10.1.2.3
          hostnames: ["acme.example.com", "acme"]
      dnsConfig:
        nameservers: ["1.1.1.1"]
        searches: ["example.com"]
        options:
          - name: ndots
            value: "2"
          - name: edns0
      imagePullSecrets:
        - name: registry
      containers:
        - name: cert-manager-controller
          image: quay.example.com/jetstack/cert-manager-controller:v1.16.2
          livenessProbe:
            tcpSocket:
              port: 9403
          readinessProbe:
            grpc:
              port: 9404
              service: ready
          resources:
            limits: {cpu: "2", memory: 1Gi}
            requests: {cpu: 500m, memory: 1Gi}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: recreated
spec:
  replicas: 0
  paused: true
  strategy: {type: Recreate}
  selector:
    matchExpressions:
      - {key: tier, operator: In, values: [backend, worker]}
      - {key: canary, operator: DoesNotExist}
  template:
    metadata:
      labels: {tier: backend}
    spec:
      runtimeClassName: gvisor
      schedulerName: other-scheduler
      hostNetwork: true
      shareProcessNamespace: true
      restartPolicy: Always
      containers:
        - name: main
          image: example.com/main@sha256:e6b8de175acda6ca913891f0f727bca4527e797d52688cbe9fec9040d6f6b6fa
          stdin: true
          tty: true
          workingDir: /srv
          terminationMessagePath: /dev/termination-log
          terminationMessagePolicy: FallbackToLogsOnError
          ports:
            - {containerPort: 9000, hostPort: 9000}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: mesh-injected
spec:
  selector:
    matchLabels: {app: reviews, version: v1}
  template:
    metadata:
      labels: {app: reviews, version: v1}
      annotations:
        sidecar.istio.io/inject: "true"
    spec:
      initContainers:
        - name: istio-proxy
          image: example.com/proxyv2:1.24
          restartPolicy: Always
          ports:
            - {containerPort: 15090, protocol: TCP, name: http-envoy-prom}
          startupProbe:
            httpGet: {path: /healthz/ready, port: 15021}
            periodSeconds: 1
            failureThreshold: 600
      containers:
        - name: reviews
          image: example.com/reviews-v1:1.20
          volumeMounts:
            - {name: tokens, mountPath: /var/run/secrets/tokens}
            - {name: labels, mountPath: /etc/podinfo}
      volumes:
        - name: tokens
          projected:
            sources:
              - serviceAccountToken: {audience: istio-ca, expirationSeconds: 43200, path: istio-token}
              - configMap:
                  name: istio-ca-root-cert
                  items: [{key: root-cert.pem, path: root-cert.pem}]
              - secret:
                  name: extra
                  optional: true
        - name: labels
          downwardAPI:
            items:
              - path: labels
                fieldRef: {fieldPath: metadata.labels}
              - path: cpu-limit
                resourceFieldRef: {containerName: reviews, resource: limits.cpu, divisor: 1m}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: written-loosely
spec:
  selector:
    matchLabels: {app: loose}
  template:
    metadata:
      labels: {app: loose}
    spec:
      containers:
        - name: main
          image: busybox
          resources:
            requests: {cpu: 1000m, memory: 1024Mi}
            limits: {cpu: 2.5, memory: 2e9}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: frontend
  labels: {app: guestbook, tier: frontend}
spec:
  replicas: 3
  minReadySeconds: 10
  selector:
    matchLabels: {tier: frontend}
  template:
    metadata:
      labels: {tier: frontend}
    spec:
      containers:
        - name: php-redis
          image: us-docker.example.com/google-samples/gb-frontend:v5
---
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: web-5d59d67564
  labels: {app: web, pod-template-hash: 5d59d67564}
  annotations:
    deployment.kubernetes.io/desired-replicas: "2"
    deployment.kubernetes.io/revision: "4"
spec:
  replicas: 2
  selector:
    matchLabels: {app: web, pod-template-hash: 5d59d67564}
  template:
    metadata:
      labels: {app: web, pod-template-hash: 5d59d67564}
    spec:
      containers:
        - name: web
          image: web:1
          lifecycle:
            postStart:
              httpGet: {path: /warm, port: 80}
            preStop:
              sleep: {seconds: 3}
---
apiVersion: v1
kind: ReplicationController
metadata:
  name: nginx
spec:
  replicas: 3
  selector: {app: nginx}
  template:
    metadata:
      name: nginx
      labels: {app: nginx}
    spec:
      containers:
        - name: nginx
          image: nginx
          ports: [{containerPort: 80}]
---
apiVersion: v1
kind: ReplicationController
metadata:
  name: selector-from-template
  labels: {run: old}
spec:
  template:
    metadata:
      labels: {run: old}
    spec:
      containers:
        - {name: c, image: "busybox:1.36", command: [sleep, "3600"]}
`;
