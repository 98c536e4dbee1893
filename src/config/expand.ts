import type { ErrorDetail } from '../schema/error-detail.ts';
import { quoted } from '../schema/error-detail.ts';
import { suggestNearest } from './nearest.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a variable gave. */
export interface Fill {
  readonly name: string;
  /** `${NAME}` */
  readonly reference: string;
  readonly value: string;
}

interface Expansion {
  readonly text: string;
  /** Whether anything stood for something else. */
  readonly expanded: boolean;
  readonly fills: readonly Fill[];
  readonly errors: readonly (ErrorDetail & { readonly offset: number; readonly length: number })[];
}

const reference = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{[^}]*\}?/g;

/**
 * `${NAME}` and `${NAME:-default}` in a value that was read already, so that what a variable holds is never
 * read as YAML. `$${` is a plain `${`. As in a shell, the default also stands in for an empty variable. `of`: whose program the text is for.
 */
export function expandVariables(written: string, environment: Environment, of: 'application' | null = null): Expansion {
  const errors: (ErrorDetail & { offset: number; length: number })[] = [];
  let expanded = false;
  const fills: Fill[] = [];
  const text = written.replace(
    reference,
    (whole: string, name: string | undefined, otherwise: string | undefined, offset: number) => {
      if (whole === '$${') return '${';
      const length = whole.length;
      if (name === undefined) {
        errors.push({
          message: `${quoted(whole)} is not a reference to a variable`,
          suggestion: /^\$\{\d\}$/.test(whole)
            ? `what a group of a regular expression has found is {capture.${whole.charAt(2)}}`
            : 'write ${NAME} or ${NAME:-default}; for a plain "${" write "$${"',
          offset,
          length,
        });
        return whole;
      }
      expanded = true;
      const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
      if (otherwise !== undefined && (value === undefined || value === '')) return otherwise;
      if (value !== undefined) {
        fills.push({ name, reference: `\${${name}}`, value });
        return value;
      }
      const near = suggestNearest(name, Object.keys(environment), 2) ?? `set it, or write \${${name}:-default}`;
      errors.push({
        message: `the variable ${name} is not set`,
        // Each instance has a port of its own, which is not known when the file is read.
        suggestion: of === 'application' && name === 'PORT' ? 'write {port} for the port of the application' : near,
        offset,
        length,
      });
      return whole;
    },
  );
  return { text, expanded, fills, errors };
}
