import { parse as parseToml } from 'smol-toml';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { blocksUnder, blockUnder } from '../../support/blocks.ts';

/** How a platform starts a server. */
export interface ServerManifest {
  readonly env: Readonly<Record<string, string>>;
  /** The variables that it has from elsewhere. */
  readonly secrets: readonly string[];
  /** Where the platform sends requests to. */
  readonly port: number;
  /** The paths of its probes. */
  readonly probes: readonly string[];
  /** How long it has from SIGTERM to SIGKILL. */
  readonly graceSeconds: number;
}

/** How a platform starts a worker. */
export interface WorkerManifest {
  readonly url: string;
  readonly graceSeconds: number;
}

/** A platform's manifests in docs/deploy.md. */
export interface Platform {
  readonly server: ServerManifest;
  readonly worker: WorkerManifest | null;
}

const PAGE = 'docs/deploy.md';

const Probe = z.object({ httpGet: z.object({ path: z.string(), port: z.number() }) });
const Container = z.object({
  env: z.array(z.object({ name: z.string(), value: z.string() })),
  envFrom: z.array(z.object({ secretRef: z.object({ name: z.string() }) })),
  ports: z.tuple([z.object({ containerPort: z.number() })]).optional(),
  livenessProbe: Probe.optional(),
  readinessProbe: Probe.optional(),
});
const Labels = z.record(z.string(), z.string());
const Deployment = z.object({
  kind: z.literal('Deployment'),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    selector: z.object({ matchLabels: Labels }),
    template: z.object({
      metadata: z.object({ labels: Labels }),
      spec: z.object({ terminationGracePeriodSeconds: z.number(), containers: z.tuple([Container]) }),
    }),
  }),
});
const Service = z.object({
  kind: z.literal('Service'),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    selector: Labels,
    ports: z.tuple([z.object({ port: z.number(), targetPort: z.number() })]),
  }),
});

/** What the page says of Kubernetes, as objects in the order of the page. */
export function kubernetesObjects(): readonly unknown[] {
  return blocksUnder(PAGE, 'Kubernetes')
    .filter(({ language }) => language === 'yaml')
    .flatMap(({ body }) => parseAllDocuments(body))
    .map((document): unknown => {
      if (document.errors.length > 0) throw new AggregateError(document.errors);
      return document.toJS();
    });
}

/** Kubernetes: a deployment and its service, and a deployment of workers. @throws where their parts do not fit */
export function kubernetes(): Platform {
  const [first, second, third] = kubernetesObjects();
  const [server, service, worker] = [Deployment.parse(first), Service.parse(second), Deployment.parse(third)];
  for (const { spec } of [server, worker])
    equal(spec.template.metadata.labels, spec.selector.matchLabels, 'labels and selector');
  equal(service.spec.selector, server.spec.selector.matchLabels, "the service's selector");
  const [container] = server.spec.template.spec.containers;
  const probes = [container.livenessProbe, container.readinessProbe].flatMap((probe) =>
    probe ? [probe] : [],
  );
  const [{ port, targetPort }] = service.spec.ports;
  for (const { httpGet } of probes) equal(httpGet.port, targetPort, "a probe's port");
  equal(container.ports?.[0].containerPort, targetPort, "the container's port");
  const [workerContainer] = worker.spec.template.spec.containers;
  const [url] = workerContainer.env;
  equal(url?.name, 'AGENT_GRAPHQL_URL', "the worker's variable");
  equal(new URL(url?.value ?? '').host, service.metadata.name, "the worker's server");
  equal(port, 80, 'the port of http');
  return {
    server: {
      env: Object.fromEntries(container.env.map(({ name, value }) => [name, value])),
      secrets: ['DATABASE_URL'],
      port: targetPort,
      probes: probes.map(({ httpGet }) => httpGet.path),
      graceSeconds: server.spec.template.spec.terminationGracePeriodSeconds,
    },
    worker: {
      url: url?.value ?? '',
      graceSeconds: worker.spec.template.spec.terminationGracePeriodSeconds,
    },
  };
}

const FlyToml = z.object({
  kill_signal: z.literal('SIGTERM'),
  kill_timeout: z.number().max(300),
  env: z.record(z.string(), z.string()),
  http_service: z.object({
    internal_port: z.number(),
    checks: z.array(z.object({ method: z.literal('GET'), path: z.string() })),
  }),
});

/** Fly: an app. */
export function fly(): Platform {
  const { env, kill_timeout, http_service } = FlyToml.parse(parseToml(blockUnder(PAGE, 'Fly', 'toml').body));
  return {
    server: {
      env,
      secrets: ['DATABASE_URL'],
      port: http_service.internal_port,
      probes: http_service.checks.map(({ path }) => path),
      graceSeconds: kill_timeout,
    },
    worker: null,
  };
}

const Variable = z.union([
  z.strictObject({ key: z.string(), value: z.union([z.string(), z.number()]) }),
  z.strictObject({ key: z.string(), sync: z.literal(false) }),
  z.strictObject({
    key: z.string(),
    fromDatabase: z.strictObject({ name: z.string(), property: z.literal('connectionString') }),
  }),
]);
const RenderYaml = z.object({
  services: z.tuple([
    z.object({
      type: z.literal('web'),
      name: z.string(),
      healthCheckPath: z.string(),
      // https://render.com/docs/blueprint-spec
      maxShutdownDelaySeconds: z.int().min(1).max(300),
      envVars: z.array(Variable),
    }),
    z.object({
      type: z.literal('worker'),
      maxShutdownDelaySeconds: z.int().min(1).max(300),
      envVars: z.array(Variable),
    }),
  ]),
  databases: z.tuple([z.object({ name: z.string() })]),
});

/** Render: a web service, a worker and a database. */
export function render(): Platform {
  const { services, databases } = RenderYaml.parse(parse(blockUnder(PAGE, 'Render', 'yaml').body));
  const [web, worker] = services;
  const secrets = web.envVars.flatMap((variable) => {
    if (!('fromDatabase' in variable)) return [];
    equal(variable.fromDatabase.name, databases[0].name, 'the name of the database');
    return [variable.key];
  });
  const env = valuesOf(web.envVars);
  const url = valuesOf(worker.envVars)['AGENT_GRAPHQL_URL'] ?? '';
  equal(new URL(url).host, `${web.name}.onrender.com`, "the worker's server");
  return {
    server: {
      env,
      secrets,
      port: Number(env['PORT']),
      probes: [web.healthCheckPath],
      graceSeconds: web.maxShutdownDelaySeconds,
    },
    worker: { url, graceSeconds: worker.maxShutdownDelaySeconds },
  };
}

function valuesOf(variables: readonly z.infer<typeof Variable>[]): Readonly<Record<string, string>> {
  const pairs = variables.flatMap((variable) =>
    'value' in variable ? [[variable.key, `${variable.value}`]] : [],
  );
  return Object.fromEntries(pairs);
}

function equal(actual: unknown, expected: unknown, what: string): void {
  const [given, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (given !== wanted) throw new Error(`${what}: ${given} in place of ${wanted}`);
}
