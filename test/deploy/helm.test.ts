import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { generatedFiles } from "../../deploy/helm/generated.ts";
import { newDirectory } from "../support/directory.ts";
import { parseDockerfile } from "./dockerfile.ts";
import { configOf, find, helm, needsHelm, notesOf, objectsOf, type Tree, template } from "./helm.ts";
import { cases } from "./helm-cases.ts";
import { check } from "./helm-check.ts";
import { schemaFaults, securityFaults, unknownFields } from "./helm-objects.ts";

const root = resolve(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

test("values, schema, README, alerts and dashboard of the chart are as `npm run chart` writes them", () => {
  for (const { path, text } of generatedFiles())
    assert.ok(read(path) === text, `${path} is stale: npm run chart`);
});

test("the chart's version of the gateway is the package's", () => {
  const { version } = JSON.parse(read("package.json")) as { readonly version: string };
  assert.match(read("deploy/helm/zion/Chart.yaml"), new RegExp(`^appVersion: ${version}$`, "m"));
});

test("helm finds nothing wrong with the chart, and packs it", (t) => {
  if (!needsHelm(t)) return;
  const lint = helm("lint", "--strict", "--quiet", join(root, "deploy/helm/zion"));
  assert.equal(lint.status, 0, lint.stdout + lint.stderr);
  const directory = newDirectory("chart");
  const packed = helm("package", join(root, "deploy/helm/zion"), "--destination", directory);
  assert.equal(packed.status, 0, packed.stderr);
  assert.equal(helm("template", "edge", join(directory, "zion-0.1.0.tgz")).status, 0);
});

const rendered = new Map<string, readonly Tree[]>();
for (const [name, values] of Object.entries(cases)) {
  test(`${name}: zion check and Kubernetes' schemas have nothing against it, and all pods are restricted`, async (t) => {
    if (!needsHelm(t)) return;
    const objects = objectsOf(values);
    rendered.set(name, objects);
    for (const object of objects) {
      assert.deepEqual(await schemaFaults(object), [], `${object.kind} ${object.metadata.name}`);
      assert.deepEqual(securityFaults(object), [], `${object.kind} ${object.metadata.name}`);
    }
    const loaded = check(objects);
    const errors =
      "diagnostics" in loaded ? loaded.diagnostics.filter(({ severity }) => severity === "error") : [loaded];
    assert.deepEqual(errors, [], "zion check");
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    assert.equal(new Set(names).size, names.length, "no object twice");
  });
}

test("no object has a field that Kubernetes would drop without a word", (t) => {
  if (!needsHelm(t)) return;
  const objects = [...rendered.values()].flat();
  assert.ok(objects.length > 100);
  assert.equal(unknownFields(objects), "");
  const service = find(objects, "Service");
  assert.match(
    unknownFields([{ ...service, spec: { ...service.spec, externalTraficPolicy: "Local" } }]),
    /externalTraficPolicy/,
  );
});

test("the schemas and the standard refuse what is wrong", async () => {
  const pod = (spec: object) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p" },
    spec: {
      containers: [{ name: "c", image: "i", securityContext: { capabilities: { drop: [] } } }],
      securityContext: {},
      ...spec,
    },
  });
  assert.deepEqual(await schemaFaults(pod({})), []);
  assert.match((await schemaFaults(pod({ restartPolicy: 7 })))[0]!, /restartPolicy/);
  assert.deepEqual(await schemaFaults({ apiVersion: "apps/v1", kind: "Nothing" }), [
    "apps/v1 has no Nothing",
  ]);
  assert.ok(securityFaults(pod({ hostNetwork: true })).length >= 8);
});

for (const [what, values, says] of [
  [
    "metrics on loopback",
    { config: { telemetry: { listen: "127.0.0.1:9464" } } },
    /probes and Prometheus come from outside/,
  ],
  ["no metrics", { config: { telemetry: { listen: "off" } } }, /probes and Prometheus come from outside/],
  [
    "a claim for two pods",
    { stateVolume: { persistentVolumeClaim: { claimName: "x" } } },
    /belongs to one gateway at a time/,
  ],
  [
    "a state directory that is the volume",
    { config: { server: { state_dir: "/var/lib/zion" } } },
    /\/var\/lib\/zion\/state/,
  ],
  [
    "fewer pods at most than at least",
    { autoscaling: { enabled: true, minReplicas: 9, maxReplicas: 2 } },
    /minReplicas is more/,
  ],
  ["a kill before the drain is over", { terminationGracePeriodSeconds: 20 }, /takes 50 s/],
  ["memory that nothing says", { config: { server: { max_connections: 0 } } }, /resources\.limits\.memory/],
  ["a key that is none", { config: { server: { lisen_http: "0.0.0.0:1" } } }, /lisen_http/],
  ["a number out of its range", { config: { server: { workers: 1000 } } }, /workers/],
  ["a value that is none", { replicas: 3 }, /replicas/],
  ["a value within a group that is none", { service: { typ: "x" } }, /typ/],
  ["a key for no account", { acme: { existingSecret: "x" } }, /config\.tls\.acme/],
  ["null in a list", { config: { server: { trusted_proxies: [null] } } }, /trusted_proxies|null/],
] as const) {
  test(`refused before anything is made: ${what}`, (t) => {
    if (!needsHelm(t)) return;
    const { status, stderr } = template(values);
    assert.notEqual(status, 0);
    assert.match(stderr, says);
  });
}

test("the defaults: two pods, a budget, a policy, no token, probes on the telemetry port", (t) => {
  if (!needsHelm(t)) return;
  const objects = objectsOf({});
  assert.deepEqual(objects.map(({ kind }) => kind).sort(), [
    "ConfigMap",
    "Deployment",
    "NetworkPolicy",
    "Pod",
    "PodDisruptionBudget",
    "Service",
    "Service",
    "ServiceAccount",
  ]);
  const { spec } = find(objects, "Deployment");
  assert.equal(spec.replicas, 2);
  assert.deepEqual(spec.strategy.rollingUpdate, { maxSurge: 1, maxUnavailable: 0 });
  assert.equal(find(objects, "ServiceAccount").automountServiceAccountToken, false);
  const [container] = spec.template.spec.containers;
  const probes = ["startupProbe", "livenessProbe", "readinessProbe"].map((probe) => container[probe].httpGet);
  assert.deepEqual(
    probes,
    ["/startupz", "/livez", "/readyz"].map((path) => ({ path, port: "telemetry" })),
  );
  assert.equal(configOf(objects).telemetry.listen, "0.0.0.0:9464");
  assert.deepEqual(find(objects, "PodDisruptionBudget").spec.maxUnavailable, 1);
});

test("one pod has no budget that would keep a node from being drained; an autoscaler's least counts", (t) => {
  if (!needsHelm(t)) return;
  assert.equal(find(objectsOf({ replicaCount: 1 }), "PodDisruptionBudget"), undefined);
  const scaled = objectsOf({ replicaCount: 1, autoscaling: { enabled: true, minReplicas: 2 } });
  assert.ok(find(scaled, "PodDisruptionBudget"));
  assert.equal(find(scaled, "Deployment").spec.replicas, undefined);
  assert.equal(
    find(objectsOf({ autoscaling: { enabled: true, minReplicas: 1 } }), "PodDisruptionBudget"),
    undefined,
  );
});

test("a pod is given the time that its drain takes, hook included", (t) => {
  if (!needsHelm(t)) return;
  const grace = (values: object) => {
    const { terminationGracePeriodSeconds, containers } = find(objectsOf(values), "Deployment").spec.template
      .spec;
    return [terminationGracePeriodSeconds, containers[0].lifecycle?.preStop.sleep.seconds];
  };
  assert.deepEqual(grace({}), [5 + 35 + 10, 5]);
  assert.deepEqual(grace(cases["a long drain, and pods replaced at every change"]!), [141 + 10, undefined]);
  assert.deepEqual(
    grace({ config: { server: { shutdown_delay_ms: 0, shutdown_grace_ms: 0 } }, preStopSleepSeconds: 1 }),
    [11, 1],
  );
  assert.deepEqual(grace({ terminationGracePeriodSeconds: 300 }), [300, 5]);
});

test("a change that a reload cannot put in force replaces the pods, any other only where that is asked for", (t) => {
  if (!needsHelm(t)) return;
  const checksums = (values: object) =>
    find(objectsOf(values), "Deployment").spec.template.metadata.annotations;
  const limit = (max_connections: number) => ({
    config: { server: { max_connections } },
    resources: { limits: { memory: "1Gi" } },
  });
  assert.deepEqual(checksums(limit(1000)), checksums(limit(2000)));
  assert.notDeepEqual(
    checksums({ ...limit(1000), rollOnConfigChange: true }),
    checksums({ ...limit(2000), rollOnConfigChange: true }),
  );
  assert.notDeepEqual(checksums({}), checksums({ config: { server: { state_dir: "/var/lib/zion/other" } } }));
});

test("the capability for ports below 1024 is there only where a listener has one", (t) => {
  if (!needsHelm(t)) return;
  const added = (values: object) => {
    const { containers, securityContext } = find(objectsOf(values), "Deployment").spec.template.spec;
    return [containers[0].securityContext.capabilities.add, securityContext.sysctls?.[0].name];
  };
  assert.deepEqual(added({}), [undefined, undefined]);
  assert.deepEqual(added(cases["ports below 1024"]!), [
    ["NET_BIND_SERVICE"],
    "net.ipv4.ip_unprivileged_port_start",
  ]);
});

test("secrets are files that the group may read and others may not, and none is in any object", (t) => {
  if (!needsHelm(t)) return;
  const objects = objectsOf(cases["an audit log, ACME and secrets as files"]!);
  const { volumes } = find(objects, "Deployment").spec.template.spec;
  const secrets = volumes
    .filter((volume: Tree) => volume.secret !== undefined)
    .map((volume: Tree) => volume.secret);
  assert.deepEqual(
    secrets.map(({ secretName }: Tree) => secretName),
    ["acme-eab", "audit-key", "jwt-secret"],
  );
  assert.ok(secrets.every(({ defaultMode }: Tree) => defaultMode === 0o440));
  assert.ok(!objects.some(({ kind }) => kind === "Secret"));
  const config = configOf(objects);
  assert.equal(config.audit.key_file, "/etc/zion/secrets/audit/key");
  assert.equal(config.tls.acme.eab_hmac_file, "/etc/zion/secrets/acme/hmac");
});

test("the chart starts what the image holds, as its user, where the image has its state", (t) => {
  if (!needsHelm(t)) return;
  const steps = parseDockerfile(read("Dockerfile")).stages.at(-1)!.steps;
  const words = (keyword: string) => steps.find((step) => step.keyword === keyword)!.words;
  const objects = objectsOf({});
  const { containers, securityContext } = find(objects, "Deployment").spec.template.spec;
  assert.equal(containers[0].command, undefined, "the image's own");
  assert.deepEqual(containers[0].args, words("CMD"));
  assert.deepEqual(`${securityContext.runAsUser}:${securityContext.runAsGroup}`, words("USER")[0]);
  assert.equal(find(objects, "Pod", "edge-zion-test").spec.containers[0].command[0], words("ENTRYPOINT")[0]);
  const mounts = containers[0].volumeMounts.map(({ mountPath }: Tree) => mountPath);
  assert.deepEqual(mounts, [dirname(words("CMD").at(-1)!), "/var/lib/zion"]);
});

test("a digest wins over the tag, and the tag over the chart's version", (t) => {
  if (!needsHelm(t)) return;
  const image = (values: object) => {
    const objects = objectsOf({ image: values });
    const [{ image: tested }] = find(objects, "Pod", "edge-zion-test").spec.containers;
    const [{ image: served }] = find(objects, "Deployment").spec.template.spec.containers;
    assert.equal(tested, served);
    return served;
  };
  const digest = `sha256:${"0".repeat(64)}`;
  assert.equal(image({}), "zion:0.1.0");
  assert.equal(image({ registry: "r.example.org", tag: "7" }), "r.example.org/zion:7");
  assert.equal(image({ tag: "7", digest }), `zion@${digest}`);
  assert.match(template({ image: { digest: "latest" } }).stderr, /digest/);
});

test("an operator is told what to look at, and nothing when there is nothing", (t) => {
  if (!needsHelm(t)) return;
  const warnings = (values: object) =>
    [...notesOf(values).matchAll(/^ {2}- (\S+ \S+)/gm)].map(([, words]) => words);
  assert.deepEqual(warnings({}), ["The image", "There are", "Plain HTTP", "There is"]);
  const app = cases["an upstream"] as { readonly config: object };
  const good = {
    config: app.config,
    image: { digest: `sha256:${"0".repeat(64)}` },
    tls: { existingSecret: "tls" },
    audit: { existingSecret: "audit" },
  };
  assert.doesNotMatch(notesOf(good), /Look at/);
  assert.match(notesOf(good), /port-forward deployment\/edge-zion 9180 /);
  assert.deepEqual(warnings({ ...good, replicaCount: 1 }), ["One pod:"]);
  const config = {
    ...app.config,
    server: { trusted_proxies: ["0.0.0.0/0"] },
    limit: { a: { rate: 1 } },
    tls: { acme: { domains: ["a.example"] } },
    admin: { listen: "off" },
  };
  assert.deepEqual(warnings({ ...good, config }), [
    "server.trusted_proxies trusts",
    "Limits count",
    "[tls.acme] with",
  ]);
  assert.doesNotMatch(notesOf({ ...good, config }), /port-forward/);
  const hidden = { ...good, service: { externalTrafficPolicy: "Cluster" } };
  assert.deepEqual(warnings(hidden), ["externalTrafficPolicy Cluster"]);
});

test("alerts and dashboard are those of the repository", (t) => {
  if (!needsHelm(t)) return;
  const objects = objectsOf(cases["monitoring"]!);
  const rules = find(objects, "PrometheusRule").spec.groups.flatMap(({ rules }: Tree) => rules);
  const alerts = [...read("deploy/prometheus/zion.rules.yaml").matchAll(/- alert: (\w+)/g)].map(
    ([, alert]) => alert,
  );
  assert.deepEqual(
    rules.map(({ alert }: Tree) => alert),
    alerts,
  );
  const dashboard = find(objects, "ConfigMap", "edge-zion-dashboard");
  assert.deepEqual(JSON.parse(dashboard.data["zion.json"]), JSON.parse(read("deploy/grafana/zion.json")));
});
