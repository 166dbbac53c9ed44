/**
 * Every value of the chart, but for `config`, whose keys are those of zion.toml. `values.yaml`, `values.schema.json` and
 * the chart's README are made from this list (generated.ts).
 */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export interface Value {
  readonly doc: string;
  readonly preset: Json;
  /** JSON Schema, draft 7. */
  readonly schema: { readonly [key: string]: Json };
}

export interface Group {
  readonly doc: string;
  readonly keys: Readonly<Record<string, Value | Group>>;
}

export function isGroup(entry: Value | Group): entry is Group {
  return "keys" in entry;
}

function text(preset: string, doc: string, more: { readonly [key: string]: Json } = {}): Value {
  return { doc, preset, schema: { type: "string", ...more } };
}

function flag(preset: boolean, doc: string): Value {
  return { doc, preset, schema: { type: "boolean" } };
}

function whole(preset: number, minimum: number, maximum: number, doc: string): Value {
  return { doc, preset, schema: { type: "integer", minimum, maximum } };
}

/** A table that Kubernetes defines. */
function table(preset: { readonly [key: string]: Json }, doc: string): Value {
  return { doc, preset, schema: { type: "object" } };
}

/** A list of tables that Kubernetes defines. */
function tables(doc: string, preset: readonly Json[] = []): Value {
  return { doc, preset, schema: { type: "array", items: { type: "object" } } };
}

/** Names and texts: labels, annotations, selectors. */
function names(doc: string): Value {
  return { doc, preset: {}, schema: { type: "object", additionalProperties: { type: "string" } } };
}

function group(doc: string, keys: Group["keys"]): Group {
  return { doc, keys };
}

/** Of a Secret, as Kubernetes lets it be. */
const secretName = {
  type: "string",
  maxLength: 253,
  pattern: "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$",
} as const;
const required = { ...secretName, minLength: 1 } as const;

export const values: Readonly<Record<string, Value | Group>> = {
  nameOverride: text("", "Instead of the chart's name in names and labels."),
  fullnameOverride: text("", "Instead of release and chart in the names of all objects."),
  commonLabels: names("Labels of every object."),

  image: group("The gateway's image, built from the Dockerfile.", {
    registry: text("", "Host of the registry. Empty = as the nodes are set up."),
    repository: text("zion", "Name of the image."),
    tag: text("", "Tag. Empty = the chart's appVersion."),
    digest: text("", "Digest, which wins over the tag: pin it.", { pattern: "^(sha256:[0-9a-f]{64})?$" }),
    pullPolicy: text("IfNotPresent", "When nodes pull it.", { enum: ["Always", "IfNotPresent", "Never"] }),
  }),
  imagePullSecrets: tables("Secrets for the registry: `- name: …`."),

  replicaCount: whole(2, 0, 1000, "Pods, where there is no autoscaler."),
  autoscaling: group("A HorizontalPodAutoscaler.", {
    enabled: flag(false, "Make one; `replicaCount` does not count then."),
    minReplicas: whole(2, 1, 1000, "Fewest pods."),
    maxReplicas: whole(10, 1, 1000, "Most pods."),
    targetCPUUtilizationPercentage: whole(70, 0, 1000, "CPU of what is requested. 0 = not measured."),
    metrics: tables("Further metrics, as `spec.metrics` has them."),
    behavior: table({}, "`spec.behavior`."),
  }),
  podDisruptionBudget: group("How many pods may be taken away at once. Made where there are at least two.", {
    enabled: flag(true, "Make one."),
    maxUnavailable: whole(1, 1, 1000, "Pods that may be missing."),
  }),
  updateStrategy: table(
    { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    "`strategy` of the Deployment.",
  ),
  minReadySeconds: whole(5, 0, 3600, "A pod counts as available when it was ready for so long."),
  rollOnConfigChange: flag(
    false,
    "Replace the pods when `config` changes. Without it they reload it, and refuse a bad one. What a reload cannot change replaces them in any case.",
  ),

  tls: group("Certificates, from Secrets of type kubernetes.io/tls.", {
    existingSecret: text(
      "",
      "The default one. Sets `tls.cert_path`, `tls.key_path`, and `server.listen_https` to 0.0.0.0:8443, where `config` does not.",
      secretName,
    ),
    sni: {
      doc: "Certificates of further names: `- {serverName: …, existingSecret: …}`. Added to `tls.sni`.",
      preset: [],
      schema: {
        type: "array",
        items: {
          type: "object",
          properties: { serverName: { type: "string", minLength: 1 }, existingSecret: required },
          required: ["serverName", "existingSecret"],
          additionalProperties: false,
        },
      },
    },
  }),
  acme: group("Key of an external account binding.", {
    existingSecret: text("", "Secret with it, base64url. Sets `tls.acme.eab_hmac_file`.", secretName),
    key: text("hmac", "Its key in the Secret."),
  }),
  audit: group("Root key of the audit log.", {
    existingSecret: text(
      "",
      "Secret with at least 32 random bytes. Turns the log on, in /var/lib/zion/audit where `config` says nothing else.",
      secretName,
    ),
    key: text("key", "Its key in the Secret."),
  }),
  secretMounts: {
    doc: "Further Secrets, as files below /etc/zion/secrets/NAME: `- {name: …, secretName: …}`.",
    preset: [],
    schema: {
      type: "array",
      items: {
        type: "object",
        properties: {
          name: { type: "string", pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" },
          secretName: required,
        },
        required: ["name", "secretName"],
        additionalProperties: false,
      },
    },
  },
  configFiles: {
    doc: "Files that `config` names, as /etc/zion/files/NAME: rules, lists, pages. No secrets: they are in a ConfigMap.",
    preset: {},
    schema: {
      type: "object",
      propertyNames: { pattern: "^[-._a-zA-Z0-9]+$" },
      additionalProperties: { type: "string" },
    },
  },
  stateVolume: table(
    { emptyDir: { sizeLimit: "1Gi" } },
    "Volume at /var/lib/zion: state, audit log, ACME. It is one pod's: a claim is refused where there can be several.",
  ),

  service: group("Where clients come in.", {
    type: text("LoadBalancer", "Type of the Service.", { enum: ["ClusterIP", "NodePort", "LoadBalancer"] }),
    externalTrafficPolicy: text("Local", "Local keeps the address of clients.", {
      enum: ["Local", "Cluster"],
    }),
    httpPort: whole(80, 1, 65535, "Port that leads to `server.listen_http`."),
    httpsPort: whole(443, 1, 65535, "Port that leads to `server.listen_https`."),
    annotations: names("Its annotations, for the load balancer."),
    loadBalancerClass: text("", "Which load balancer."),
    loadBalancerSourceRanges: {
      doc: "Who may come.",
      preset: [],
      schema: { type: "array", items: { type: "string" } },
    },
    ipFamilyPolicy: text("", "SingleStack, PreferDualStack or RequireDualStack.", {
      enum: ["", "SingleStack", "PreferDualStack", "RequireDualStack"],
    }),
  }),

  networkPolicy: group("Who may talk to the pods, and with whom they may talk. Egress follows `config`.", {
    enabled: flag(true, "Make one."),
    ingressFrom: tables("Clients. Empty = everybody."),
    telemetryFrom: tables("Who may read metrics and health. Nodes always may.", [{ namespaceSelector: {} }]),
    dnsTo: tables("Where names are looked up.", [
      { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } } },
      { ipBlock: { cidr: "169.254.20.10/32" } },
    ]),
    extraEgress: tables("Further rules, as `spec.egress` has them: OCSP responders, say."),
  }),

  serviceMonitor: group("A ServiceMonitor for the Prometheus operator.", {
    enabled: flag(false, "Make one."),
    interval: text("30s", "How often it asks.", { pattern: "^[0-9]+(ms|s|m)$" }),
    labels: names("Labels that its Prometheus selects by."),
  }),
  podMonitor: group("A PodMonitor instead: no Service is needed.", {
    enabled: flag(false, "Make one."),
    interval: text("30s", "How often it asks.", { pattern: "^[0-9]+(ms|s|m)$" }),
    labels: names("Labels that its Prometheus selects by."),
  }),
  prometheusRule: group("The alerts of deploy/prometheus, each with a runbook.", {
    enabled: flag(false, "Make one."),
    labels: names("Labels that its Prometheus selects by."),
  }),
  dashboard: group("The dashboard of deploy/grafana as a ConfigMap.", {
    enabled: flag(false, "Make one."),
    labels: {
      doc: "Labels that Grafana's sidecar looks for.",
      preset: { grafana_dashboard: "1" },
      schema: { type: "object", additionalProperties: { type: "string" } },
    },
  }),

  resources: table(
    { requests: { cpu: "250m" }, limits: {} },
    "Requests and limits. Without a memory limit one is derived from `server.workers` and `server.max_connections`; requested is as much.",
  ),
  preStopSleepSeconds: whole(
    5,
    0,
    300,
    "Time before TERM, for balancers that look at endpoints only. `server.shutdown_delay_ms` and `server.shutdown_grace_ms` follow.",
  ),
  terminationGracePeriodSeconds: whole(0, 0, 86400, "0 = as long as all of that takes, and 10 s."),
  startupProbe: table({ periodSeconds: 2, failureThreshold: 60 }, "Times of the probe of /startupz."),
  livenessProbe: table(
    { periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
    "Times of the probe of /livez.",
  ),
  readinessProbe: table(
    { periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 2 },
    "Times of the probe of /readyz.",
  ),

  serviceAccount: group("Account of the pods. It has no token.", {
    create: flag(true, "Make one."),
    name: text("", "Its name. Empty = the release's, or `default`."),
    annotations: names("Its annotations."),
  }),
  podAnnotations: names("Annotations of the pods."),
  podLabels: names("Labels of the pods."),
  nodeSelector: names("Nodes that pods may be on."),
  tolerations: tables("Taints that they bear."),
  affinity: table({}, "`affinity` of the pods."),
  topologySpreadConstraints: tables("How they spread. Empty = over nodes and zones where that can be."),
  priorityClassName: text("", "Their priority."),
  extraEnv: tables("Variables of the gateway's container, as `env` has them."),
  extraEnvFrom: tables("The same from Secrets and ConfigMaps, as `envFrom` has them."),
  extraVolumes: tables("Further volumes."),
  extraVolumeMounts: tables("Where they go in the gateway's container."),
  initContainers: tables("Containers before it."),
  extraContainers: tables("Containers beside it."),
  extraObjects: tables("Further objects, as they are: nothing in them is a template."),

  test: group("What `helm test` asks for.", {
    host: text("", "Host of the request. Empty = the Service's name."),
    path: text("/", "Its path, of a route that the WAF inspects."),
  }),

  valkey: group('A Valkey server for limits with `store = "valkey"`, in memory only.', {
    enabled: flag(false, "Run one, and set `valkey.url` where `config` does not."),
    image: group("Its image.", {
      repository: text("valkey/valkey", "Name."),
      tag: text("8.1.4-alpine", "Tag."),
      digest: text("", "Digest, which wins over the tag.", { pattern: "^(sha256:[0-9a-f]{64})?$" }),
    }),
    existingSecret: text(
      "",
      "Secret with `password`, and `users.acl` that gives it to the user zion (docs/operating/kubernetes.md). Empty = no password.",
      secretName,
    ),
    maxMemoryMb: whole(64, 8, 65536, "Memory for counts. What would end first goes first."),
    resources: table(
      { requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "128Mi" } },
      "Requests and limits.",
    ),
  }),
};

/** `config` where an operator says nothing: enough to start, be probed and be told what is missing. */
export const configPreset: Json = {
  server: {
    listen_http: "0.0.0.0:8080",
    workers: 2,
    max_connections: 2000,
    state_dir: "/var/lib/zion/state",
  },
  telemetry: { listen: "0.0.0.0:9464" },
  route: [
    {
      path: "/{*rest}",
      name: "nothing-here",
      respond: { status: 404, body: "No routes yet: set config.route.\n" },
    },
  ],
};
