import { type Expression, type ObjectExpression, parse, type Program, type Property } from 'acorn';
import { TextRedactor } from '../redact/text-redactor.ts';
import { NotConvertible } from './conversion.ts';
import type { Located } from './located.ts';

/** Deeper values are no settings. */
const depthMax = 40;

/**
 * What a JavaScript file exports, without running it: literals, constants with literals, and variables of the environment. Everything else
 * is `computed`.
 */
export function readScript(text: string): Located {
  const program = parsedScript(text);
  const reader = new ScriptReader(text, program);
  const exported = exportedBy(program);
  if (exported === null)
    throw new NotConvertible(0, 'it exports nothing: write `module.exports = { apps: [ … ] }` or `export default`');
  return reader.read(exported, 0);
}

function parsedScript(text: string): Program {
  const options = { ecmaVersion: 'latest', locations: true, allowHashBang: true } as const;
  try {
    return parse(text, { ...options, sourceType: 'module', allowReturnOutsideFunction: true });
  } catch {
    // A file of CommonJS may use words that a module may not.
  }
  try {
    return parse(text, { ...options, sourceType: 'script', allowReturnOutsideFunction: true });
  } catch (error) {
    if (error instanceof RangeError) throw new NotConvertible(0, 'it is nested too deeply to be read');
    if (!(error instanceof SyntaxError)) throw error;
    const line = 'loc' in error ? (error.loc as { line: number }).line : 0;
    const message = error.message.replace(/ \(\d+:\d+\)$/, '');
    throw new NotConvertible(line, `it is not valid JavaScript: ${message}`);
  }
}

/** `module.exports = …`, `exports.apps = …` or `export default …`, the last one that there is. */
function exportedBy({ body }: Program): Expression | null {
  let found: Expression | null = null;
  for (const statement of body) {
    if (statement.type === 'ExportDefaultDeclaration') {
      const { declaration } = statement;
      if (declaration.type !== 'FunctionDeclaration' && declaration.type !== 'ClassDeclaration') found = declaration;
    } else if (statement.type === 'ExpressionStatement' && statement.expression.type === 'AssignmentExpression') {
      const { left, right } = statement.expression;
      const name = left.type === 'MemberExpression' ? memberText(left) : null;
      if (name === 'module.exports') found = right;
      else if (name === 'exports.apps' || name === 'module.exports.apps') found = asApps(right);
    }
  }
  return found;
}

function asApps(value: Expression): ObjectExpression {
  const { start, end, loc } = value;
  const position = { start, end, ...(loc === undefined ? {} : { loc }) };
  const property: Property = {
    ...position,
    type: 'Property',
    kind: 'init',
    method: false,
    shorthand: false,
    computed: false,
    key: { ...position, type: 'Identifier', name: 'apps' },
    value,
  };
  return { ...position, type: 'ObjectExpression', properties: [property] };
}

function memberText(node: Expression): string | null {
  if (node.type === 'Identifier') return node.name;
  if (node.type !== 'MemberExpression' || node.object.type === 'Super') return null;
  const before = memberText(node.object);
  const { property } = node;
  if (before === null) return null;
  if (!node.computed && property.type === 'Identifier') return `${before}.${property.name}`;
  return property.type === 'Literal' && typeof property.value === 'string' ? `${before}.${property.value}` : null;
}

class ScriptReader {
  readonly #text: string;
  readonly #redactor = new TextRedactor();
  readonly #constants = new Map<string, Expression>();

  constructor(text: string, { body }: Program) {
    this.#text = text;
    for (const statement of body)
      if (statement.type === 'VariableDeclaration' && statement.kind === 'const')
        for (const { id, init } of statement.declarations)
          if (id.type === 'Identifier' && init != null) this.#constants.set(id.name, init);
  }

  read(node: Expression, depth: number): Located {
    const line = node.loc?.start.line ?? 0;
    if (depth > depthMax) throw new NotConvertible(line, 'it is nested too deeply to be read');
    switch (node.type) {
      case 'Literal':
        if (typeof node.value === 'object' && node.value !== null) break;
        return {
          kind: 'scalar',
          line,
          value: typeof node.value === 'bigint' ? String(node.value) : (node.value ?? null),
        };
      case 'TemplateLiteral':
        return this.#template(
          node.quasis.map(({ value }) => value.cooked ?? ''),
          node.expressions,
          line,
          depth,
          node,
        );
      case 'UnaryExpression': {
        const value = this.read(node.argument, depth + 1);
        if (node.operator === '-' && value.kind === 'scalar') return { ...value, value: -Number(value.value) };
        break;
      }
      case 'BinaryExpression':
        if (node.operator === '+' && node.left.type !== 'PrivateIdentifier')
          return this.#template(['', '', ''], [node.left, node.right], line, depth, node);
        break;
      case 'LogicalExpression':
        return this.#otherwise(node.left, node.right, node.operator, line, depth, node);
      case 'Identifier': {
        const constant = this.#constants.get(node.name);
        if (constant !== undefined) return { ...this.read(constant, depth + 1), line };
        if (node.name === 'undefined') return { kind: 'scalar', line, value: null };
        if (node.name === '__dirname') return { kind: 'scalar', line, value: '.' };
        break;
      }
      case 'MemberExpression': {
        const name = memberText(node);
        const variable = /^process\.env\.(\w+)$/.exec(name ?? '')?.[1];
        if (variable !== undefined) return { kind: 'scalar', line, value: `\${${variable}}` };
        if (name === 'import.meta.dirname') return { kind: 'scalar', line, value: '.' };
        break;
      }
      case 'ArrayExpression':
        return { kind: 'list', line, items: this.#items(node.elements, depth) };
      case 'ObjectExpression':
        return this.#object(node, line, depth);
      case 'ParenthesizedExpression':
        return this.read(node.expression, depth + 1);
      default:
        break;
    }
    return this.#computed(node, line);
  }

  #computed(node: Expression, line: number): Located {
    const text = this.#redactor.redact(this.#text.slice(node.start, node.end).replace(/\s+/g, ' '));
    return { kind: 'computed', line, text: text.length > 60 ? `${text.slice(0, 59)}…` : text };
  }

  #items(elements: readonly (Expression | { type: 'SpreadElement'; argument: Expression } | null)[], depth: number) {
    return elements.flatMap((one): readonly Located[] => {
      if (one === null) return [];
      if (one.type !== 'SpreadElement') return [this.read(one, depth + 1)];
      const spread = this.read(one.argument, depth + 1);
      return spread.kind === 'list' ? spread.items : [spread];
    });
  }

  #object(node: ObjectExpression, line: number, depth: number): Located {
    const entries = new Map<string, Located>();
    for (const property of node.properties) {
      const at = property.loc?.start.line ?? line;
      if (property.type === 'SpreadElement') {
        const spread = this.read(property.argument, depth + 1);
        if (spread.kind === 'map') for (const [key, value] of spread.entries) entries.set(key, value);
        else entries.set(`…${entries.size}`, this.#computed(property.argument, at));
        continue;
      }
      const { key, value } = property;
      const name =
        key.type === 'Identifier' && !property.computed ? key.name : textOfKey(this.read(key as Expression, depth + 1));
      if (name === null) entries.set(`…${entries.size}`, this.#computed(value, at));
      else entries.set(name, { ...this.read(value, depth + 1), line: at });
    }
    return { kind: 'map', line, entries };
  }

  /** Parts of text with values between them. */
  #template(
    texts: readonly string[],
    values: readonly Expression[],
    line: number,
    depth: number,
    whole: Expression,
  ): Located {
    let text = texts[0] ?? '';
    const read = values.map((one) => this.read(one, depth + 1));
    for (const [index, value] of read.entries()) {
      if (value.kind !== 'scalar') return this.#computed(whole, line);
      text += `${value.value}${texts[index + 1] ?? ''}`;
    }
    const isSum =
      whole.type === 'BinaryExpression' && read.every((one) => one.kind === 'scalar' && typeof one.value === 'number');
    return isSum ? this.#computed(whole, line) : { kind: 'scalar', line, value: text };
  }

  /** `process.env.NAME || 'default'` */
  #otherwise(
    left: Expression,
    right: Expression,
    operator: string,
    line: number,
    depth: number,
    whole: Expression,
  ): Located {
    const [first, second] = [this.read(left, depth + 1), this.read(right, depth + 1)];
    const name = first.kind === 'scalar' ? /^\$\{(\w+)\}$/.exec(String(first.value))?.[1] : undefined;
    if (operator !== '&&' && name !== undefined && second.kind === 'scalar' && !String(second.value).includes('}'))
      return { kind: 'scalar', line, value: `\${${name}:-${second.value}}` };
    return this.#computed(whole, line);
  }
}

function textOfKey(value: Located): string | null {
  return value.kind === 'scalar' && value.value !== null ? String(value.value) : null;
}
