import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse as parseToml } from "smol-toml";
import { parse as parseYaml } from "yaml";

const root = resolve(import.meta.dirname, "../..");

/** A configuration of the repository, as the chart takes it: as values. */
function fromToml(file: string): Readonly<Record<string, object>> {
  return JSON.parse(JSON.stringify(parseToml(readFileSync(resolve(root, file), "utf8"))));
}

const production = fromToml("config/production.toml");
const app = {
  upstream: { app: { url: "http://app.shop.svc:3000" } },
  route: [{ path: "/{*rest}", upstream: "app" }],
};

/** The values that docs/operating/kubernetes.md shows. */
function fromGuide(): Readonly<Record<string, object>> {
  const guide = readFileSync(resolve(root, "docs/operating/kubernetes.md"), "utf8");
  const blocks = [...guide.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, yaml]) => parseYaml(yaml!) as object);
  return Object.fromEntries(blocks.map((values, index) => [`example ${index + 1} of the guide`, values]));
}

/** What operators set, each set for its own reason. */
export const cases: Readonly<Record<string, object>> = {
  ...fromGuide(),
  nothing: {},
  "an upstream": { config: app },
  "certificates by name": {
    config: app,
    tls: {
      existingSecret: "edge-tls",
      sni: [
        { serverName: "a.example.org", existingSecret: "a-tls" },
        { serverName: "*.b.example.org", existingSecret: "b-tls" },
        { serverName: "b.example.org", existingSecret: "b-tls" },
      ],
    },
  },
  "an autoscaler": {
    config: app,
    autoscaling: {
      enabled: true,
      minReplicas: 3,
      maxReplicas: 20,
      behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
    },
  },
  "one pod with a claim": {
    config: app,
    replicaCount: 1,
    stateVolume: { emptyDir: null, persistentVolumeClaim: { claimName: "zion-state" } },
    updateStrategy: { type: "Recreate", rollingUpdate: null },
  },
  "ports below 1024": {
    config: { ...app, server: { listen_http: "0.0.0.0:80", listen_https: "0.0.0.0:443" } },
    tls: { existingSecret: "edge-tls" },
  },
  "an audit log, ACME and secrets as files": {
    config: {
      ...app,
      server: { listen_https: "0.0.0.0:8443" },
      tls: {
        acme: {
          email: "ops@example.org",
          terms_agreed: true,
          domains: ["www.example.org"],
          eab_key_id: "kid",
        },
      },
      auth_profile: { users: { secret_file: "/etc/zion/secrets/jwt/secret", algorithm: "HS256" } },
    },
    audit: { existingSecret: "audit-key", key: "hmac" },
    acme: { existingSecret: "acme-eab" },
    secretMounts: [{ name: "jwt", secretName: "jwt-secret" }],
  },
  "limits of all pods together": {
    config: {
      ...app,
      server: { limits: ["client"] },
      limit: { client: { rate: 50, burst: 200, store: "valkey" } },
    },
    valkey: { enabled: true, existingSecret: "valkey-users", maxMemoryMb: 128 },
  },
  monitoring: {
    config: {
      ...app,
      tracing: { endpoint: "http://collector.observability.svc.cluster.local:4318/v1/traces" },
    },
    serviceMonitor: { enabled: true, labels: { release: "prometheus" } },
    podMonitor: { enabled: true, interval: "15s" },
    prometheusRule: { enabled: true, labels: { release: "prometheus" } },
    dashboard: { enabled: true },
  },
  "many peers": {
    config: {
      upstreams: { old: "http://10.0.9.9:8080" },
      upstream: {
        v6: { urls: ["https://[2001:db8::1]:8443", { url: "https://api.example.org", weight: 2 }] },
        near: { url: "http://app:3000" },
        local: { url: "unix:/run/app.sock" },
      },
      route: [{ path: "/{*rest}", upstream: "v6", auth_profile: "staff" }],
      auth_profile: { staff: { jwks_url: "https://login.example.org/keys" } },
      valkey: { url: "rediss://store.example.org:6380" },
      audit: { enabled: true, path: "/var/lib/zion/audit", witness_url: "https://witness.example.org" },
    },
    audit: { existingSecret: "audit-key" },
    networkPolicy: {
      ingressFrom: [{ ipBlock: { cidr: "10.0.0.0/8" } }],
      extraEgress: [{ ports: [{ port: 80 }] }],
    },
  },
  "nothing on any disk": {
    config: { ...app, amnesia: true, server: { state_dir: null }, telemetry: { listen: "[::]:9999" } },
  },
  "behind a balancer": {
    config: { ...app, server: { trusted_proxies: ["10.0.12.0/24"], proxy_protocol: ["10.0.12.0/24"] } },
    service: {
      type: "NodePort",
      externalTrafficPolicy: "Cluster",
      annotations: { "example.org/scheme": "internal" },
    },
    networkPolicy: { enabled: false },
  },
  "all that Kubernetes lets one add": {
    config: app,
    commonLabels: { team: "edge" },
    podAnnotations: { "example.org/note": "a: b # c\n{{ .Values }}" },
    podLabels: { tier: "front" },
    nodeSelector: { "kubernetes.io/os": "linux" },
    tolerations: [{ key: "edge", operator: "Exists" }],
    affinity: { nodeAffinity: {} },
    topologySpreadConstraints: [{ maxSkew: 2, topologyKey: "rack", whenUnsatisfiable: "DoNotSchedule" }],
    priorityClassName: "system-cluster-critical",
    imagePullSecrets: [{ name: "registry" }],
    image: { registry: "registry.example.org", repository: "edge/zion", digest: `sha256:${"a".repeat(64)}` },
    extraEnv: [{ name: "TZ", value: "Europe/Berlin" }],
    extraEnvFrom: [{ secretRef: { name: "env" } }],
    extraVolumes: [{ name: "geo", persistentVolumeClaim: { claimName: "geo", readOnly: true } }],
    extraVolumeMounts: [{ name: "geo", mountPath: "/geo", readOnly: true }],
    extraObjects: [
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "more" }, data: { text: '{{ fail "no" }}' } },
    ],
    serviceAccount: { create: false, name: "edge" },
    resources: { requests: { cpu: "1", memory: "1Gi" }, limits: { memory: "2Gi" } },
    service: {
      loadBalancerClass: "example.org/nlb",
      loadBalancerSourceRanges: ["192.0.2.0/24"],
      ipFamilyPolicy: "PreferDualStack",
    },
  },
  "a long drain, and pods replaced at every change": {
    config: { ...app, server: { shutdown_delay_ms: 20_500, shutdown_grace_ms: 120_000 } },
    preStopSleepSeconds: 0,
    rollOnConfigChange: true,
    service: { type: "ClusterIP" },
    podDisruptionBudget: { enabled: false },
  },
  "files of its own": {
    config: {
      ...app,
      list: { office: { action: "allow", file: "/etc/zion/files/office.txt" } },
      server: { lists: ["office"] },
    },
    configFiles: { "office.txt": "192.0.2.0/24 # {{ office }}\n" },
  },
  "the example for production": {
    config: { ...production, server: { ...production["server"], state_dir: "/var/lib/zion/state" } },
  },
  "the example with every key": {
    config: { ...fromToml("config/zion.toml"), telemetry: { listen: "0.0.0.0:9464" } },
    resources: { limits: { memory: "1Gi" } },
  },
};
