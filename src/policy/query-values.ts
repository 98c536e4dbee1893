type Parameters = ReadonlyMap<string, readonly string[]>;

const none: readonly string[] = [];
const noParameters: Parameters = new Map();

/** Those of the target asked about last: routes after each other ask about the same request. */
let known: { readonly target: string; readonly parameters: Parameters } = { target: '', parameters: noParameters };

/** All values of a parameter of the query, decoded; a parameter without `=` has the value ''. */
export function queryValues(target: string, name: string): readonly string[] {
  if (known.target !== target) known = { target, parameters: parametersOf(target) };
  return known.parameters.get(name) ?? none;
}

function parametersOf(target: string): Parameters {
  const mark = target.indexOf('?');
  if (mark < 0) return noParameters;
  const parameters = new Map<string, string[]>();
  for (const part of target.slice(mark + 1).split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decoded(equals < 0 ? part : part.slice(0, equals));
    const value = equals < 0 ? '' : decoded(part.slice(equals + 1));
    const there = parameters.get(name);
    if (there === undefined) parameters.set(name, [value]);
    else there.push(value);
  }
  return parameters;
}

/** As forms encode it (application/x-www-form-urlencoded). What is no UTF-8 stays as it is. */
function decoded(text: string): string {
  if (!/[%+]/.test(text)) return text;
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
