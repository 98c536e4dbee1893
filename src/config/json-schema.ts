import { parse } from 'yaml';
import * as z from 'zod';
import { file } from './schema.ts';

type Node = Record<string, unknown>;

/** A reference to a variable, which may stand wherever a value does; no more is known of it before it is read. */
const variablePattern = '\\$\\{';

/**
 * The schema of `candor.yaml` for editors, JSON Schema draft 2020-12. It knows every key, its type, its
 * default and what it is for; `candor check` knows more.
 */
export function jsonSchema(): object {
  const schema = z.toJSONSchema(file, { target: 'draft-2020-12', io: 'input' });
  const { $schema, ...rest } = adapt(schema) as Node;
  const { routes } = rest['properties'] as { routes: { items: Node } };
  routes.items = { anyOf: [routes.items, includeEntry] };
  return {
    ...{ $schema, title: 'candor.yaml', description: 'The configuration of a Candor gateway.', ...rest },
    patternProperties: { '^x-': { description: 'For anchors; it has no effect of its own.' } },
  };
}

/** What the schema keeps for `reference-tables.ts` and `hidden-keys.ts`. */
const forDocuments: ReadonlySet<string> = new Set(['why', 'otherwise', 'kind', 'hiding', 'built']);

/** The reader of the file replaces it by the routes that it names. */
const includeEntry: Node = {
  type: 'object',
  properties: {
    include: {
      type: 'string',
      description:
        'A file of routes, or a folder: of its files with names in .yaml or .yml, in the order of their names.',
    },
  },
  required: ['include'],
  additionalProperties: false,
};

/** A copy of a schema in which values may be variables and defaults are values. */
function adapt(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => adapt(item));
  if (typeof value !== 'object' || value === null) return value;
  const node: Node = {};
  for (const [key, inner] of Object.entries(value)) {
    // Names of entries are never expanded.
    if (key === 'propertyNames') node[key] = inner;
    else if (key === 'absent') node['default'] = parse(String(inner));
    else if (!forDocuments.has(key)) node[key] = adapt(inner);
  }
  return allowVariables(node);
}

function allowVariables(node: Node): Node {
  const { type, pattern } = node;
  if (type === 'string' && typeof pattern === 'string') return { ...node, pattern: `${pattern}|${variablePattern}` };
  for (const keyword of ['enum', 'const']) {
    if (!(keyword in node)) continue;
    const { [keyword]: choice, type: _, ...rest } = node;
    return { ...rest, anyOf: [{ [keyword]: choice }, { type: 'string', pattern: variablePattern }] };
  }
  // A pattern is asked of text only, limits of numbers only.
  if (type === 'integer' || type === 'boolean') return { ...node, type: [type, 'string'], pattern: variablePattern };
  return node;
}
