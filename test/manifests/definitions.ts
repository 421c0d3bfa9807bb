/** What extends the API or tells it how to behave: webhooks, policies, definitions, certificates, flow control, devices. */
export const definitions = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: pod-policy.example.com
webhooks:
  - name: pod-policy.example.com
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods], scope: Namespaced}]
    clientConfig:
      service: {namespace: example-namespace, name: example-service}
      caBundle: Q2k0dExTMHRMUzFDUlVkSlRpQkRSVkpVU1VaSlEwRlVSUzB0TFMwdENn
    admissionReviewVersions: [v1]
    sideEffects: None
    timeoutSeconds: 5
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: ingress-nginx-admission
webhooks:
  - name: validate.nginx.ingress.kubernetes.io
    matchPolicy: Equivalent
    rules: [{apiGroups: [networking.k8s.io], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [ingresses]}]
    failurePolicy: Fail
    sideEffects: None
    admissionReviewVersions: [v1]
    clientConfig: {service: {name: ingress-nginx-controller-admission, namespace: ingress-nginx, port: 443, path: /networking/v1/ingresses}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata:
  name: istio-sidecar-injector
webhooks:
  - name: namespace.sidecar-injector.istio.io
    clientConfig: {service: {name: istiod, namespace: istio-system, path: /inject, port: 443}}
    sideEffects: None
    rules: [{operations: [CREATE], apiGroups: [""], apiVersions: [v1], resources: [pods]}]
    failurePolicy: Ignore
    reinvocationPolicy: IfNeeded
    admissionReviewVersions: [v1beta1, v1]
    namespaceSelector:
      matchExpressions: [{key: istio-injection, operator: In, values: [enabled]}]
    objectSelector:
      matchExpressions: [{key: sidecar.istio.io/inject, operator: NotIn, values: ["false"]}]
    matchConditions: [{name: exclude-leases, expression: '!(request.resource.group == "coordination.k8s.io")'}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata:
  name: by-url
webhooks:
  - name: hook.example.com
    clientConfig: {url: "https://hooks.example.com/mutate"}
    sideEffects: NoneOnDryRun
    admissionReviewVersions: [v1]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: demo-policy.example.com
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}]
  validations:
    - {expression: object.spec.replicas <= 5, message: at most five, reason: Invalid}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: with-parameters.example.com
spec:
  paramKind: {apiVersion: rules.example.com/v1, kind: ReplicaLimit}
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]
  matchConditions: [{name: exclude-kubelet, expression: '!("system:nodes" in request.userInfo.groups)'}]
  variables: [{name: replicas, expression: object.spec.replicas}]
  auditAnnotations: [{key: high-replica-count, valueExpression: "'Deployment spec.replicas set to ' + string(object.spec.replicas)"}]
  validations: [{expression: variables.replicas <= params.maxReplicas, messageExpression: "'too many'"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: demo-binding-test.example.com
spec:
  policyName: demo-policy.example.com
  validationActions: [Deny]
  matchResources: {namespaceSelector: {matchLabels: {environment: test}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: with-parameters
spec:
  policyName: with-parameters.example.com
  validationActions: [Warn, Audit]
  paramRef: {name: replica-limit-test.example.com, namespace: default, parameterNotFoundAction: Deny}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata:
  name: sidecar-policy.example.com
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  failurePolicy: Fail
  reinvocationPolicy: IfNeeded
  mutations:
    - patchType: ApplyConfiguration
      applyConfiguration:
        expression: 'Object{metadata: Object.metadata{labels: {"a": "b"}}}'
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata:
  name: sidecar-binding.example.com
spec:
  policyName: sidecar-policy.example.com
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: crontabs.stable.example.com
spec:
  group: stable.example.com
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [cronSpec]
              properties:
                cronSpec: {type: string, pattern: '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$'}
                image: {type: string, default: busybox}
                replicas: {type: integer, minimum: 1, maximum: 10}
              x-kubernetes-validations: [{rule: self.replicas <= 10, message: too many}]
            status:
              type: object
              x-kubernetes-preserve-unknown-fields: true
      subresources:
        status: {}
        scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.labelSelector}
      additionalPrinterColumns:
        - {name: Spec, type: string, description: The cron spec, jsonPath: .spec.cronSpec}
        - {name: Age, type: date, jsonPath: .metadata.creationTimestamp, priority: 1}
      selectableFields: [{jsonPath: .spec.cronSpec}]
  scope: Namespaced
  names: {plural: crontabs, singular: crontab, kind: CronTab, shortNames: [ct], categories: [all], listKind: CronTabList}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: clusterissuers.cert-manager.io
  annotations: {api-approved.kubernetes.io: unapproved}
spec:
  group: cert-manager.io
  scope: Cluster
  names: {kind: ClusterIssuer, plural: clusterissuers}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
    - name: v1alpha2
      served: false
      storage: false
      deprecated: true
      schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, additionalProperties: {type: string}}}}}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata:
  name: v1beta1.metrics.k8s.io
  labels: {k8s-app: metrics-server}
spec:
  service: {name: metrics-server, namespace: kube-system}
  group: metrics.k8s.io
  version: v1beta1
  insecureSkipTLSVerify: true
  groupPriorityMinimum: 100
  versionPriority: 100
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata:
  name: v1.stable.example.com
spec: {group: stable.example.com, version: v1, groupPriorityMinimum: 1000, versionPriority: 15}
---
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata:
  name: myuser
spec:
  request: >-
    LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIS01IRUNBUUF3RHpFTk1Bc0dBMVVFQXd3RWFtRnVaVEJaTUJNR0J5cUdTTTQ5QWdFR0NDcUdTTTQ5QXdFSApBMElBQktYemF5MHRsbTB1eDcwR2EybUdXVThYaEpQOEY3THBoVFRyNmxJOGNPSUNCaTlWWTMwd1lUcGRDQlV6CnFCVWpEU3VYUlNmcG5ncVdLeFMrV3NheTJUZWdBREFLQmdncWhrak9QUVFEQWdOSkFEQkdBaUVBcnl5Z1Q2MWwKT1FBVEZLVUxqMUd3ZllpaHJ0eVlOeDh6elJCYU1lSzllU29DSVFDTFlPckdEWGZVcTZTYnF5OGtVL1g2MFhqQQpOR0NEQmduRUNqU293bis5c2c9PQotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K
  signerName: kubernetes.io/kube-apiserver-client
  expirationSeconds: 86400
  usages: [client auth]
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata:
  name: health-for-strangers
spec:
  matchingPrecedence: 1000
  priorityLevelConfiguration: {name: exempt}
  rules:
    - nonResourceRules: [{nonResourceURLs: [/healthz, /livez, /readyz], verbs: ["*"]}]
      subjects: [{kind: Group, group: {name: "system:unauthenticated"}}]
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata:
  name: list-events-default-service-account
spec:
  distinguisherMethod: {type: ByUser}
  matchingPrecedence: 8000
  priorityLevelConfiguration: {name: catch-all}
  rules:
    - resourceRules: [{apiGroups: ["*"], namespaces: [default], resources: [events], verbs: [list]}]
      subjects: [{kind: ServiceAccount, serviceAccount: {name: default, namespace: default}}, {kind: User, user: {name: alice}}]
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata:
  name: queued
spec:
  type: Limited
  limited:
    nominalConcurrencyShares: 20
    lendablePercent: 50
    borrowingLimitPercent: 100
    limitResponse: {type: Queue, queuing: {queues: 64, handSize: 6, queueLengthLimit: 50}}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata:
  name: rejecting
spec:
  type: Limited
  limited: {limitResponse: {type: Reject}}
---
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata:
  name: gpu.example.com
spec:
  selectors: [{cel: {expression: device.driver == "gpu.example.com"}}]
  config: [{opaque: {driver: gpu.example.com, parameters: {apiVersion: gpu.example.com/v1, kind: GpuConfig, sharing: {strategy: TimeSlicing}}}}]
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata:
  name: shared-gpu
spec:
  devices:
    requests:
      - name: gpu
        exactly: {deviceClassName: gpu.example.com, allocationMode: ExactCount, count: 2, selectors: [{cel: {expression: 'device.capacity["gpu.example.com"].memory.isGreaterThan(quantity("10Gi"))'}}]}
    constraints: [{requests: [gpu], matchAttribute: gpu.example.com/numa}]
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata:
  name: first-available
spec:
  devices:
    requests:
      - name: any
        firstAvailable: [{name: large, deviceClassName: large.example.com}, {name: small, deviceClassName: small.example.com, count: 2}]
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata:
  name: single-gpu
spec:
  metadata: {labels: {app: train}}
  spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: gpu.example.com}}]}}
---
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata:
  name: node-1-gpu.example.com-abc
spec:
  driver: gpu.example.com
  nodeName: node-1
  pool: {name: node-1, generation: 1, resourceSliceCount: 1}
  devices:
    - name: gpu-0
      attributes: {model: {string: A100}, index: {int: 0}, healthy: {bool: true}, driverVersion: {version: 1.2.3}}
      capacity: {memory: {value: 40Gi}}
`;
