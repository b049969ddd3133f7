import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

const Service = z.object({
  environment: z.record(z.string(), z.string().nullable()).default({}),
  ports: z.array(z.string()).default([]),
  stop_grace_period: z.string().optional(),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
});
const Project = z.object({
  services: z.record(z.string(), Service),
  configs: z.record(z.string(), z.object({ content: z.string() })).default({}),
});

/** What a Compose file of this project says. */
export type ComposeProject = z.infer<typeof Project>;

const ROOT = new URL('../../../', import.meta.url);
/** https://docs.docker.com/reference/compose-file/interpolation/ */
const VARIABLE = /\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}/g;

/** A file as YAML has it. */
export function readCompose(name: string): unknown {
  return parse(readFileSync(new URL(name, ROOT), 'utf8'));
}

/**
 * The files together, as Compose merges them, with values in the place of variables.
 * @param env the variables of the shell
 * @throws Error where a variable is required and not set
 */
export function loadCompose(names: readonly string[], env: Readonly<Record<string, string>>): ComposeProject {
  const files = names.map((name) => Project.parse(interpolate(readCompose(name), env)));
  const merged: ComposeProject = { services: {}, configs: {} };
  for (const { services, configs } of files) {
    Object.assign(merged.configs, configs);
    for (const [name, service] of Object.entries(services)) {
      const earlier = merged.services[name];
      const environment = { ...earlier?.environment, ...service.environment };
      const ports = [...(earlier?.ports ?? []), ...service.ports];
      merged.services[name] = { ...earlier, ...service, environment, ports };
    }
  }
  return merged;
}

/** The variables that a service's container has. One without a value is the shell's, where it is set there. */
export function containerEnv(
  { services }: ComposeProject,
  name: string,
  env: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const pairs = Object.entries(services[name]?.environment ?? {}).flatMap(([key, value]) => {
    const given = value ?? env[key];
    return given === undefined ? [] : [[key, given]];
  });
  return Object.fromEntries(pairs);
}

function interpolate(value: unknown, env: Readonly<Record<string, string>>): unknown {
  if (Array.isArray(value)) return value.map((item) => interpolate(item, env));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, interpolate(item, env)]));
  if (typeof value !== 'string') return value;
  return value.replaceAll(VARIABLE, (text, name?: string, operator?: string, operand = '') => {
    if (name === undefined) return text.slice(1);
    const given = env[name] ?? '';
    if (given === '' && operator === '?') throw new Error(`${name} ${operand}`);
    return given === '' && operator === '-' ? operand : given;
  });
}
