import { dirname } from 'node:path';
import type { ConfigurationJson } from '../core/schemas/configurations.ts';
import { type FilledText, withDefaults } from '../config/with-defaults.ts';
import { harmless } from './layout.ts';
import type { ProcessContext } from './process-context.ts';

type Shown = Pick<ConfigurationJson, 'text' | 'source' | 'effective'>;

/** What a gateway runs as a file, with all defaults: keys and units are those of candor.yaml, secrets are `"***"`. */
export function effectiveText(shown: Shown, context: ProcessContext): FilledText {
  const { source } = shown;
  const text = shown.text ?? textOfCommand(shown);
  const parts = {
    ...{ file: source ?? 'candor.yaml', directory: source === null ? context.directory : dirname(source) },
    ...{ hostname: 'gateway', environment: {}, readings: new Map<never, never>() },
  };
  return withDefaults(text, parts);
}

interface CommandSettings {
  readonly listeners?: readonly { readonly id: string; readonly host: string; readonly port: number }[];
  readonly applications?: readonly {
    readonly id: string;
    readonly command: readonly string[];
    readonly directory: string;
    readonly port: number | null;
    readonly readiness: { readonly path: string };
  }[];
}

/** The file that stands for `candor run`, which has none. */
function textOfCommand({ effective }: Shown): string {
  const { listeners = [], applications = [] } = (effective ?? {}) as CommandSettings;
  // JSON is YAML.
  return JSON.stringify({
    listeners: Object.fromEntries(listeners.map(({ id, host, port }) => [id, `${hostOf(host)}:${port}`])),
    applications: Object.fromEntries(
      applications.map(({ id, command, directory, port, readiness: { path } }) => [
        id,
        { command, directory, readiness: path, ...(port === null ? {} : { port }) },
      ]),
    ),
    disclosure: 'operator',
    ...{ state: 'none', log: { path: 'none' } },
  });
}

function hostOf(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** Lines without what a terminal would obey. */
export function harmlessText(text: string): string {
  return text.split('\n').map(harmless).join('\n');
}
