import type { Option } from './command.ts';

/** The options of `serve`. */
export const SERVE_OPTIONS = {
  port: { value: 'number', variable: 'PORT', description: 'The port; 0 takes any free one. Default: 4000.' },
  host: { value: 'address', variable: 'HOST', description: 'The address to listen on. Default: 127.0.0.1.' },
  data: {
    value: 'folder',
    variable: 'DATA_DIR',
    description: 'Keeps the data in this folder. Default: memory.',
  },
} as const satisfies Readonly<Record<string, Option>>;
