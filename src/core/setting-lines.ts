/** Words that YAML reads as something else than text. */
const meaning = /^(?:true|false|null|yes|no|on|off|~|[-+.\d].*)$/i;

/** Plain data as lines of YAML, for people. */
export function settingLines(value: unknown, indent = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => itemLines(one, indent));
  if (typeof value !== 'object' || value === null) return [`${indent}${scalar(value)}`];
  return Object.entries(value).flatMap(([key, inner]) => {
    const name = `${indent}${text(key)}:`;
    return isNested(inner) ? [name, ...settingLines(inner, `${indent}  `)] : [`${name} ${scalar(inner)}`];
  });
}

function itemLines(item: unknown, indent: string): string[] {
  if (!isNested(item)) return [`${indent}- ${scalar(item)}`];
  const [first = '', ...rest] = settingLines(item, `${indent}  `);
  return [`${indent}- ${first.slice(indent.length + 2)}`, ...rest];
}

/** Something that needs lines of its own. */
function isNested(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

function scalar(value: unknown): string {
  if (typeof value === 'string') return text(value);
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? '[]' : '{}';
  return String(value);
}

function text(value: string): string {
  return /^[\w./:-][\w ./:@+-]*$/.test(value) && !/:(?: |$)|\s$/.test(value) && !meaning.test(value)
    ? value
    : JSON.stringify(value);
}
