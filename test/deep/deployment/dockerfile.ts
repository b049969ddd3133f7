/** An instruction of a Dockerfile. */
export interface Instruction {
  readonly name: string;
  readonly value: string;
}

/** What begins with FROM. */
export interface Stage {
  readonly image: string;
  /** What `COPY --from` calls it; null where nothing does. */
  readonly name: string | null;
  readonly instructions: readonly Instruction[];
}

/** The stages of a Dockerfile without `ARG`, heredocs and directives, in order. */
export function stagesOf(dockerfile: string): readonly Stage[] {
  const stages: (Stage & { readonly instructions: Instruction[] })[] = [];
  for (const line of dockerfile
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')) {
    if (line.trim() === '') continue;
    const [, name = '', value = ''] = /^([A-Z]+) +(.+)$/.exec(line.trim()) ?? [];
    const [, image, stageName = null] = name === 'FROM' ? (/^(\S+)(?: AS (\S+))?$/.exec(value) ?? []) : [];
    if (image !== undefined) stages.push({ image, name: stageName, instructions: [] });
    else if (name === '' || name === 'FROM') throw new Error(`This is no instruction: ${line}`);
    else stages.at(-1)?.instructions.push({ name, value });
  }
  return stages;
}
