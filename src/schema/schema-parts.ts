/** What the schema says of itself: which keys a section has, what entries are, and the defaults that `key` keeps. */
import type * as z from 'zod';

export type AnySchema = z.core.$ZodType;

/** How much of a value people may see who did not write it. What `docs/admin-api.md` says of each stands in `hidden-keys.ts`. */
export type Hiding = 'value' | 'header' | 'name' | 'path' | 'query' | 'command' | 'hash' | 'file' | 'secret_name';

/**
 * Marks what is written at `schema`, and all below it, as hidden: in the texts of configurations, messages, the effective
 * configuration and the state folder. `built`: its key in `Configuration`, where that is another one than in the file.
 */
export function hide<S extends z.ZodType>(schema: S, hiding: Hiding, built?: string): S {
  return schema.meta({ ...schema.meta(), hiding, ...(built === undefined ? {} : { built }) }) as S;
}

interface Shown {
  readonly description?: string;
  /** The default as it would stand in the file; absent where it depends on something else, or there is none. */
  readonly absent?: string;
  /** The same, or the default in words. */
  readonly otherwise?: string;
  readonly why?: string;
  readonly kind?: string;
  readonly hiding?: Hiding;
  readonly built?: string;
}

interface Definition {
  readonly type: string;
  readonly innerType?: AnySchema;
  readonly options?: readonly AnySchema[];
  readonly element?: AnySchema;
  readonly valueType?: AnySchema;
  readonly in?: AnySchema;
  readonly shape?: Readonly<Record<string, AnySchema>>;
  readonly values?: readonly unknown[];
  readonly entries?: Readonly<Record<string, string>>;
}

export function definition(schema: AnySchema): Definition {
  return schema._zod.def as unknown as Definition;
}

export function shapeOf(schema: AnySchema): Readonly<Record<string, AnySchema>> {
  return definition(schema).shape ?? {};
}

/** The keys of a section; null where none may stand. */
export function objectIn(schema: AnySchema): AnySchema | null {
  const { type, innerType, options, in: input } = definition(schema);
  if (type === 'object') return schema;
  if (type === 'optional') return objectIn(innerType!);
  if (type === 'pipe') return objectIn(input!);
  return options?.map((option) => objectIn(option)).find((found) => found !== null) ?? null;
}

/** What the entries of a list or a map of names are. */
export function entriesOf(schema: AnySchema): AnySchema | null {
  const { type, innerType, element, valueType, options } = definition(schema);
  if (type === 'optional') return entriesOf(innerType!);
  const inOption = options?.map((option) => entriesOf(option)).find((found) => found !== null);
  return element ?? valueType ?? inOption ?? null;
}

/** What `key` and the leaves keep for editors and documents. */
export function shownOf(schema: AnySchema): Shown {
  const { type, innerType } = definition(schema);
  return type === 'optional' ? shownOf(innerType!) : (((schema as z.ZodType).meta() as Shown | undefined) ?? {});
}
