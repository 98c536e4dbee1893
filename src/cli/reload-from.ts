import type { ConfigurationReload } from '../gateway/gateway.ts';
import type { ConfigurationError } from '../config/configuration-errors.ts';
import { adjustPaths } from './adjust-paths.ts';
import { configurationErrorLine, type ReadContext } from './configuration-read.ts';
import { inputName } from './read-input.ts';
import { readInThread } from './read-in-thread.ts';

/** Reads the same file again; each error becomes one line. Standard input cannot be read twice. */
export function reloadFrom(file: string, context: ReadContext): ConfigurationReload {
  return async () => {
    if (file === inputName) return { ok: false, kind: 'refused', errors: [readOnce] };
    const { configuration, errors, leftOpen, shown, isMissing } = await readInThread(file, context);
    const errorLine = (error: ConfigurationError): string =>
      configurationErrorLine(isMissing ? { ...error, suggestion: putItBack } : error);
    return configuration === null
      ? {
          ok: false,
          kind: 'invalid',
          errors: errors.filter(({ severity }) => severity === 'error').map(errorLine),
          shown,
        }
      : { ok: true, configuration: adjustPaths(configuration, leftOpen, context.env).configuration, shown };
  };
}

const putItBack = 'put it back where it was, or start Candor with -c and another file';

const readOnce =
  'The configuration came through standard input, which cannot be read again: restart Candor, or start it with -c <file>.';
