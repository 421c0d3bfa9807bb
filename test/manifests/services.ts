/** Services and what stands behind them. */
export const services = `
apiVersion: v1
kind: Service
metadata:
  name: my-service
spec:
  selector: {app.kubernetes.io/name: MyApp}
  ports:
    - {protocol: TCP, port: 80, targetPort: 9376}
---
apiVersion: v1
kind: Service
metadata:
  name: nginx-headless
  labels: {app: nginx}
spec:
  ports: [{port: 80, name: web}]
  clusterIP: None
  publishNotReadyAddresses: true
  selector: {app: nginx}
---
apiVersion: v1
kind: Service
metadata:
  name: node-port
spec:
  type: NodePort
  externalTrafficPolicy: Local
  selector: {app: web}
  ports:
    - {name: http, port: 80, targetPort: http, nodePort: 30080}
    - {name: https, port: 443, targetPort: https}
---
apiVersion: v1
kind: Service
metadata:
  name: ingress-nginx-controller
  annotations:
    service.beta.kubernetes.io/aws-load-balancer-type: nlb
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  loadBalancerSourceRanges: [10.0.0.0/8, 192.168.1.0/24]
  ipFamilyPolicy: SingleStack
  ipFamilies: [IPv4]
  ports:
    - {name: http, port: 80, protocol: TCP, targetPort: http, appProtocol: http}
    - {name: https, port: 443, protocol: TCP, targetPort: https, appProtocol: https}
  selector: {app.kubernetes.io/component: controller}
---
apiVersion: v1
kind: Service
metadata:
  name: lb-without-node-ports
spec:
  type: LoadBalancer
  allocateLoadBalancerNodePorts: false
  loadBalancerClass: example.com/internal
  loadBalancerIP: 192.0.2.9
  selector: {app: game}
  ports:
    - {name: udp, port: 7777, protocol: UDP}
    - {name: tcp, port: 7777, protocol: TCP}
---
apiVersion: v1
kind: Service
metadata:
  name: external-db
spec:
  type: ExternalName
  externalName: my.database.example.com
---
apiVersion: v1
kind: Service
metadata:
  name: without-selector
spec:
  externalIPs: [198.51.100.32]
  ports: [{name: http, port: 80, targetPort: 49152}]
---
apiVersion: v1
kind: Service
metadata:
  name: sticky
spec:
  selector: {app: sticky}
  sessionAffinity: ClientIP
  sessionAffinityConfig: {clientIP: {timeoutSeconds: 600}}
  internalTrafficPolicy: Local
  trafficDistribution: PreferClose
  ports: [{port: 8080}]
---
apiVersion: v1
kind: Service
metadata:
  name: prefers-two-families
spec:
  ipFamilyPolicy: PreferDualStack
  selector: {app: dual}
  ports: [{port: 53, protocol: UDP, name: dns}, {port: 53, protocol: TCP, name: dns-tcp}]
---
apiVersion: v1
kind: Service
metadata:
  name: chosen-address
spec:
  clusterIP: 10.96.200.10
  selector: {app: chosen}
  ports: [{port: 443, targetPort: 8443, name: https}]
---
apiVersion: v1
kind: Endpoints
metadata:
  name: without-selector
subsets:
  - addresses: [{ip: 192.0.2.42, hostname: db}, {ip: 192.0.2.43}]
    notReadyAddresses: [{ip: 192.0.2.44}]
    ports: [{name: http, port: 9376, protocol: TCP}]
---
apiVersion: v1
kind: Endpoints
metadata:
  name: external-prometheus
subsets:
  - addresses: [{ip: 10.1.0.7, nodeName: node-7, targetRef: {kind: Pod, name: p, namespace: default}}]
    ports: [{port: 9090}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: example-abc
  labels: {kubernetes.io/service-name: example}
addressType: IPv4
ports: [{name: http, protocol: TCP, port: 80, appProtocol: http}]
endpoints:
  - addresses: [10.1.2.3]
    conditions: {ready: true, serving: true, terminating: false}
    hostname: pod-1
    nodeName: node-1
    zone: us-west2-a
    hints: {forZones: [{name: us-west2-a}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: v6-abc
  labels: {kubernetes.io/service-name: v6, endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io}
addressType: IPv6
ports: [{name: "", port: 8080}]
endpoints:
  - addresses: ["2001:db8::1"]
    targetRef: {kind: Pod, name: a, namespace: default, uid: 6c9a4c0e-2cc6-4ee4-9f4b-7d5f5d4b1c11}
  - addresses: ["2001:db8::2"]
    conditions: {ready: false}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: fqdn-abc
addressType: FQDN
ports: []
endpoints: [{addresses: [db.example.com]}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: minimal-ingress
  annotations: {nginx.ingress.kubernetes.io/rewrite-target: /}
spec:
  ingressClassName: nginx-example
  rules:
    - http:
        paths:
          - path: /testpath
            pathType: Prefix
            backend: {service: {name: test, port: {number: 80}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: tls-ingress
  annotations: {cert-manager.io/cluster-issuer: letsencrypt}
spec:
  ingressClassName: nginx
  tls: [{hosts: [shop.example.com, "*.shop.example.com"], secretName: shop-tls}]
  rules:
    - host: shop.example.com
      http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}
          - {path: /api, pathType: Exact, backend: {service: {name: api, port: {number: 8080}}}}
    - host: "*.shop.example.com"
      http:
        paths: [{pathType: ImplementationSpecific, backend: {service: {name: web, port: {number: 80}}}}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: default-backend
spec:
  defaultBackend: {resource: {apiGroup: k8s.example.com, kind: StorageBucket, name: static-assets}}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: nginx
  annotations: {ingressclass.kubernetes.io/is-default-class: "true"}
spec:
  controller: k8s.io/ingress-nginx
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: external-lb
spec:
  controller: example.com/ingress-controller
  parameters: {apiGroup: k8s.example.com, kind: IngressParameters, name: external-lb, namespace: default, scope: Namespace}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: default-deny-all
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: db-policy
spec:
  podSelector: {matchLabels: {role: db}}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - ipBlock: {cidr: 172.17.0.0/16, except: [172.17.1.0/24]}
        - namespaceSelector: {matchLabels: {project: myproject}}
        - podSelector: {matchLabels: {role: frontend}}
      ports: [{protocol: TCP, port: 6379}]
  egress:
    - to: [{ipBlock: {cidr: 10.0.0.0/24}}]
      ports: [{protocol: TCP, port: 32000, endPort: 32768}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: allow-dns
spec:
  podSelector: {}
  egress:
    - to:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
          podSelector: {matchLabels: {k8s-app: kube-dns}}
      ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: dns-tcp}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: allow-all-ingress
spec:
  podSelector: {}
  ingress: [{}]
---
apiVersion: networking.k8s.io/v1
kind: ServiceCIDR
metadata:
  name: more-addresses
spec:
  cidrs: [10.97.0.0/24]
---
apiVersion: networking.k8s.io/v1
kind: IPAddress
metadata:
  name: 10.96.9.9
  labels: {ipaddress.kubernetes.io/managed-by: example.com}
spec:
  parentRef: {resource: services, namespace: default, name: my-service}
---
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata:
  name: php-apache
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: php-apache}
  minReplicas: 1
  maxReplicas: 10
  targetCPUUtilizationPercentage: 50
---
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata:
  name: upper-bound-only
spec:
  scaleTargetRef: {kind: ReplicationController, name: rc}
  maxReplicas: 3
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: every-metric
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 20
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}
    - type: Resource
      resource: {name: memory, target: {type: AverageValue, averageValue: 500Mi}}
    - type: ContainerResource
      containerResource: {name: cpu, container: app, target: {type: Utilization, averageUtilization: 60}}
    - type: Pods
      pods: {metric: {name: packets-per-second}, target: {type: AverageValue, averageValue: 1k}}
    - type: Object
      object:
        metric: {name: requests-per-second}
        describedObject: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: main-route}
        target: {type: Value, value: 2k}
    - type: External
      external:
        metric: {name: queue_messages_ready, selector: {matchLabels: {queue: worker_tasks}}}
        target: {type: AverageValue, averageValue: "30"}
  behavior:
    scaleDown:
      stabilizationWindowSeconds: 300
      policies: [{type: Percent, value: 10, periodSeconds: 60}, {type: Pods, value: 5, periodSeconds: 60}]
      selectPolicy: Min
    scaleUp: {stabilizationWindowSeconds: 0, selectPolicy: Disabled}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: defaults-only
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: db}
  maxReplicas: 4
`;
